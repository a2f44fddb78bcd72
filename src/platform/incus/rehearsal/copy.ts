import { ok, type Result } from '../../../result.ts';
import { call, usualLimitMs, type Incus } from '../http/client.ts';
import type { PlatformFailure } from '../../failure.ts';
import type { Limit } from '../../platform.ts';
import { numberOf, objectOf } from '../http/json.ts';
import { operate } from '../http/operations.ts';
import type { CopyPlan, CopyRequest, RehearsalPlace, ServerMemory } from '../../rehearsals.ts';
import { getServer } from '../http/server.ts';
import { getRawInstance } from '../instances/instance.ts';
import { copyKey, planCopy } from './copy-plan.ts';
import { inProject } from './place.ts';

/** How a copy of the instance would differ from it. */
export async function planRehearsalCopy(
  incus: Incus,
  instance: string,
  request: CopyRequest,
): Promise<Result<CopyPlan, PlatformFailure>> {
  const original = await getRawInstance(incus, instance);
  if (!original.ok) return original;
  const { location } = original.value;
  const server = location === null ? null : await getServer(incus);
  if (server?.ok === false) return server;
  const isOnAnsweringServer = server === null || server.value.name === location;
  return ok({ ...planCopy(original.value, request), isOnAnsweringServer });
}

/**
 * Copies the instance, running or not, and its own volumes into guard's project, where the original is; the copy is stopped.
 * Where it fails, volumes and a copy may be there: `deleteRehearsalCopy` and `deleteCopiedVolume` remove them.
 */
export async function createRehearsalCopy(
  incus: Incus,
  place: RehearsalPlace,
  name: string,
  plan: CopyPlan,
  limit: Limit,
): Promise<Result<void, PlatformFailure>> {
  const there = inProject(incus, place.project);
  const purpose = `copy ${name} for a rehearsal`;
  const query = plan.location === null ? {} : { query: { target: plan.location } };
  for (const { pool, volume, copy } of plan.volumes) {
    const body = {
      name: copy,
      type: 'custom',
      config: { [copyKey]: plan.config[copyKey] ?? '', 'snapshots.schedule': '' },
      source: { type: 'copy', name: volume, pool, project: incus.project, volume_only: true },
    };
    const path = ['storage-pools', pool, 'volumes', 'custom'];
    const copied = await operate(there, { method: 'POST', path, ...query, body, purpose, ...limit });
    if (!copied.ok) return copied;
  }
  const body = {
    name,
    description: `Copy of ${name} in project ${incus.project}, on which guard rehearses a change`,
    profiles: [],
    config: plan.config,
    devices: plan.devices,
    source: { type: 'copy', source: name, project: incus.project, instance_only: true },
  };
  const made = await operate(there, {
    method: 'POST',
    path: ['instances'],
    ...query,
    body,
    purpose,
    instance: name,
    ...limit,
  });
  if (!made.ok) return made;
  // Images may have templates that write a copy's host name, or more: this copy is to stay what the original is.
  const untouched = { 'volatile.apply_template': '' };
  const all = await configure(there, name, purpose, { ...untouched, ...lowPriority });
  if (all.ok) return all;
  // Servers without the cgroup controller for it refuse a priority: the copy then competes with the original as an equal.
  for (const [key, value] of Object.entries(lowPriority)) await configure(there, name, purpose, { [key]: value });
  return configure(there, name, purpose, untouched);
}

const lowPriority = { 'limits.cpu.priority': '0', 'limits.disk.priority': '0' };

async function configure(
  incus: Incus,
  name: string,
  purpose: string,
  config: Readonly<Record<string, string>>,
): Promise<Result<void, PlatformFailure>> {
  const request = { method: 'PATCH', path: ['instances', name], body: { config }, purpose, instance: name } as const;
  const ended = await operate(incus, { ...request, limitMs: usualLimitMs });
  return ended.ok ? ok(undefined) : ended;
}

/** Where package managers of the copy find guard's package proxy. */
export const proxyPort = 31428;

/** The device of the copy that leads to the package proxy. */
const proxyDevice = 'guard-packages';

/**
 * Gives the running copy a local port that leads to the socket of guard's package proxy on the server's host. Added to the
 * running copy, because a start with it takes a second longer, and no command can run meanwhile.
 */
export function connectPackageProxy(
  incus: Incus,
  place: RehearsalPlace,
  name: string,
  socket: string,
  limit: Limit,
): Promise<Result<void, PlatformFailure>> {
  const keys = { type: 'proxy', bind: 'instance', listen: `tcp:127.0.0.1:${proxyPort}`, connect: `unix:${socket}` };
  return setProxyDevice(inProject(incus, place.project), name, keys, limit);
}

/** Takes the way to the package proxy away again. */
export function disconnectPackageProxy(
  incus: Incus,
  place: RehearsalPlace,
  name: string,
  limit: Limit,
): Promise<Result<void, PlatformFailure>> {
  return setProxyDevice(inProject(incus, place.project), name, { type: 'none' }, limit);
}

async function setProxyDevice(
  incus: Incus,
  name: string,
  keys: Readonly<Record<string, string>>,
  limit: Limit,
): Promise<Result<void, PlatformFailure>> {
  const purpose = `set the package proxy of the copy ${name}`;
  const body = { devices: { [proxyDevice]: keys } };
  const ended = await operate(incus, {
    method: 'PATCH',
    path: ['instances', name],
    body,
    purpose,
    instance: name,
    ...limit,
  });
  return ended.ok ? ok(undefined) : ended;
}

/** Reads the memory of the server, or of the cluster member that the instance is on. Restricted users may not. */
export async function getServerMemory(
  incus: Incus,
  location: string | null,
): Promise<Result<ServerMemory, PlatformFailure>> {
  const query = location === null ? {} : { query: { target: location } };
  const purpose = 'read the memory of the server';
  const reply = await call(incus, { method: 'GET', path: ['resources'], ...query, purpose });
  if (!reply.ok) return reply;
  const memory = objectOf(objectOf(reply.value.metadata)['memory']);
  return ok({ totalBytes: numberOf(memory['total']), usedBytes: numberOf(memory['used']) });
}
