import { err, ok, type Result } from '../../../result.ts';
import { shellWords } from '../../../text.ts';
import { call, type Incus } from '../http/client.ts';
import { failureOf } from '../http/failure.ts';
import type { PlatformFailure } from '../../failure.ts';
import { clientOf } from '../product.ts';
import { listOf, numberOf, objectOf, textMapsOf, textOf, textsOf } from '../http/json.ts';
import { operate } from '../http/operations.ts';
import { bytesOf } from '../storage/pool.ts';
import { configOf, configurationOf, disksOf, environmentOf, metadataOf, type Devices } from './config.ts';
import { isProtectionFailure, isStartProtected, liftedProtection, returnedProtection } from './start-protection.ts';
import type { Instance, InstancePatch, InstanceState, Limit } from '../../platform.ts';

/** Reads the instance (about 2.5 ms). */
export async function getInstance(incus: Incus, name: string): Promise<Result<Instance, PlatformFailure>> {
  const purpose = `read the instance ${name}`;
  const reply = await call(incus, { method: 'GET', path: ['instances', name], purpose, instance: name });
  return reply.ok ? ok(instanceOf(reply.value.metadata, reply.value.etag)) : reply;
}

/** An instance as the server writes it. */
export interface RawInstance {
  readonly name: string;
  readonly status: string;
  readonly description: string;
  /** The cluster member; null on a single server. */
  readonly location: string | null;
  readonly config: Readonly<Record<string, string>>;
  readonly expandedConfig: Readonly<Record<string, string>>;
  readonly expandedDevices: Devices;
}

/** Reads the instance with all its keys, for what only the adapter does. */
export async function getRawInstance(incus: Incus, name: string): Promise<Result<RawInstance, PlatformFailure>> {
  const purpose = `read the instance ${name}`;
  const reply = await call(incus, { method: 'GET', path: ['instances', name], purpose, instance: name });
  if (!reply.ok) return reply;
  const instance = objectOf(reply.value.metadata);
  return ok({
    name: textOf(instance['name']),
    status: textOf(instance['status']),
    description: textOf(instance['description']),
    location: locationOf(instance['location']),
    config: textsOf(instance['config']),
    expandedConfig: textsOf(instance['expanded_config']),
    expandedDevices: textMapsOf(instance['expanded_devices']),
  });
}

/** A single server calls itself `none`. */
function locationOf(json: unknown): string | null {
  const text = textOf(json);
  return text === '' || text === 'none' ? null : text;
}

/** Reads the state of the instance inside (about 30 ms). */
export async function getInstanceState(incus: Incus, name: string): Promise<Result<InstanceState, PlatformFailure>> {
  const purpose = `read the state of the instance ${name}`;
  const reply = await call(incus, { method: 'GET', path: ['instances', name, 'state'], purpose, instance: name });
  return reply.ok ? ok(stateOf(reply.value.metadata)) : reply;
}

/** Names of all instances of the project. */
export async function listInstanceNames(incus: Incus): Promise<Result<string[], PlatformFailure>> {
  const reply = await call(incus, { method: 'GET', path: ['instances'], purpose: 'list the instances' });
  if (!reply.ok) return reply;
  const paths = listOf(reply.value.metadata).map(textOf);
  return ok(paths.map((path) => path.split('?')[0]?.split('/').at(-1) ?? '').filter((name) => name !== ''));
}

/** All instances of the project, as the server describes them (33 ms for a few dozen). Their `etag` is empty. */
export async function listInstances(incus: Incus): Promise<Result<Instance[], PlatformFailure>> {
  const query = { recursion: '1' };
  const reply = await call(incus, { method: 'GET', path: ['instances'], query, purpose: 'list the instances' });
  return reply.ok ? ok(listOf(reply.value.metadata).map((json) => instanceOf(json, ''))) : reply;
}

/**
 * Starts the instance and waits for it; one that runs already is a success. Where the server refuses because its user
 * protected it from being started, the protection is lifted for the start and put back after it.
 */
export async function startInstance(incus: Incus, name: string, limit: Limit): Promise<Result<void, PlatformFailure>> {
  const purpose = `start the instance ${name}`;
  const start = async (): Promise<Result<void, PlatformFailure>> => {
    const ended = await operate(incus, { ...stateRequest(name, { action: 'start' }), purpose, ...limit });
    return ended.ok || isAlready('running', ended.error) ? ok(undefined) : ended;
  };
  const first = await start();
  if (first.ok || !isProtectionFailure(first.error)) return first;
  const seen = await getRawInstance(incus, name);
  if (!seen.ok) return err({ ...seen.error, purpose });
  const lifted = await patchConfig(incus, name, liftedProtection(seen.value.config), seen.value.description);
  if (!lifted.ok) return err({ ...lifted.error, purpose });
  const second = await start();
  // Where this fails, or guard dies before it, the next change of the metadata puts it back.
  await putProtectionBack(incus, name);
  return second;
}

async function putProtectionBack(incus: Incus, name: string): Promise<void> {
  const seen = await getRawInstance(incus, name);
  if (!seen.ok) return;
  const config = returnedProtection(seen.value.config);
  if (Object.keys(config).length > 0) await patchConfig(incus, name, config, seen.value.description);
}

function patchConfig(
  incus: Incus,
  name: string,
  config: Readonly<Record<string, string>>,
  description: string,
  etag?: string,
): Promise<Result<unknown, PlatformFailure>> {
  const purpose = `change the configuration of the instance ${name}`;
  const etagPart = etag === undefined ? {} : { etag };
  const body = { description, ...(Object.keys(config).length === 0 ? {} : { config }) };
  const request = { method: 'PATCH', path: ['instances', name], body, purpose, instance: name, ...etagPart } as const;
  return operate(incus, { ...request, limitMs: patchLimitMs });
}

/**
 * Stops the instance and waits for it; one that is stopped already is a success. An ephemeral instance is refused,
 * because a stop would delete it.
 * Without `force` it is asked to shut down and has `limitMs` for it (whole seconds; Incus' own clearing up, about
 * 600 ms, comes on top); when it did not, the failure is `timed-out`, the instance most likely still runs, and the
 * server refuses restores and changes until it was stopped with `force`.
 */
export async function stopInstance(
  incus: Incus,
  name: string,
  how: Limit & { readonly force: boolean },
): Promise<Result<void, PlatformFailure>> {
  const purpose = `stop the instance ${name}`;
  const instance = await getInstance(incus, name);
  if (!instance.ok) return instance;
  if (instance.value.ephemeral) return err(ephemeral(incus, name, purpose));
  const timeout = Math.max(1, Math.round(how.limitMs / 1000));
  const action = how.force ? { action: 'stop', force: true } : { action: 'stop', timeout };
  const limitMs = how.force ? how.limitMs : timeout * 1000 + clearingUpMs;
  const ended = await operate(incus, { ...stateRequest(name, action), purpose, limitMs });
  if (ended.ok || isAlready('stopped', ended.error)) return ok(undefined);
  // It is dying, and a moment later it is stopped.
  if (isNotRunning(ended.error)) return err({ ...ended.error, kind: 'busy' });
  if (ended.error.kind !== 'timed-out' || how.force) return ended;
  const project = incus.project === 'default' ? [] : ['--project', incus.project];
  const advice = `It is still being stopped; \`${shellWords([clientOf(incus.product), 'stop', '--force', name, ...project])}\` ends that.`;
  return err({ ...ended.error, advice });
}

/** Lets a frozen instance go on; one that is not frozen is a success. */
export async function thawInstance(incus: Incus, name: string, limit: Limit): Promise<Result<void, PlatformFailure>> {
  const purpose = `resume the instance ${name}`;
  const ended = await operate(incus, { ...stateRequest(name, { action: 'unfreeze' }), purpose, ...limit });
  return ended.ok || isAlready('running', ended.error) || isNotRunning(ended.error) ? ok(undefined) : ended;
}

/** Changes config keys or the description at once (no operation). Blocks while a restore works on the instance. */
export async function patchInstance(
  incus: Incus,
  name: string,
  patch: InstancePatch,
): Promise<Result<void, PlatformFailure>> {
  const { revision, metadata, description } = patch;
  const purpose = `change the configuration of the instance ${name}`;
  // Incus before 6.0.6 takes a description that is left out for an empty one, also in a PATCH.
  const before = description === undefined ? await getRawInstance(incus, name) : null;
  if (before?.ok === false) return err({ ...before.error, purpose });
  const kept = description ?? before?.value.description ?? '';
  // A guard that died during a start has left it lifted.
  const left = before?.value.status === 'Running' ? returnedProtection(before.value.config) : {};
  const config = { ...(metadata === undefined ? {} : configOf(metadata)), ...left };
  const ended = await patchConfig(incus, name, config, kept, revision);
  return ended.ok ? ok(undefined) : ended;
}

/** How long Incus may take to clear up after the guest has shut down, or has not. */
const clearingUpMs = 15_000;

const patchLimitMs = 60_000;

function stateRequest(name: string, action: { action: string; force?: boolean; timeout?: number }) {
  return { method: 'PUT', path: ['instances', name, 'state'], body: action, instance: name } as const;
}

function isAlready(state: 'running' | 'stopped', failure: PlatformFailure): boolean {
  return failure.code !== null && new RegExp(`already ${state}`, 'i').test(failure.detail);
}

function isNotRunning({ detail }: PlatformFailure): boolean {
  return /container (isn't|is not) running/i.test(detail);
}

function ephemeral(incus: Incus, instance: string, purpose: string): PlatformFailure {
  return failureOf(
    'invalid',
    { purpose, project: incus.project, instance },
    'it is ephemeral, so a stop would delete it',
    {
      advice: 'guard never deletes an instance.',
    },
  );
}

function instanceOf(json: unknown, etag: string): Instance {
  const instance = objectOf(json);
  const config = textsOf(instance['config']);
  const expanded = textsOf(instance['expanded_config']);
  return {
    name: textOf(instance['name']),
    uuid: config['volatile.uuid'] || null,
    createdAt: timeOf(instance['created_at']),
    status: textOf(instance['status']),
    type: instanceTypeOf(instance['type'], config),
    ephemeral: instance['ephemeral'] === true,
    location: locationOf(instance['location']),
    revision: etag,
    memoryLimitBytes: bytesOf(expanded['limits.memory'] ?? '') || null,
    description: textOf(instance['description']),
    metadata: metadataOf(config),
    configuration: configurationOf(config, textMapsOf(instance['devices'])),
    disks: disksOf(textMapsOf(instance['expanded_devices'])),
    environment: environmentOf(expanded),
    startProtected: isStartProtected(config, expanded),
    snapshotSchedule: expanded['snapshots.schedule'] || null,
    generation: config['volatile.uuid.generation'] ?? null,
    // Nothing else counts as use: seen with exec, configuration and snapshots.
    lastStartedAt: timeOf(instance['last_used_at']),
  };
}

/** The server notes by itself that an instance was made from an OCI image. */
function instanceTypeOf(type: unknown, config: Readonly<Record<string, string>>): Instance['type'] {
  if (type === 'virtual-machine') return 'virtual-machine';
  return config['volatile.container.oci'] === 'true' ? 'application-container' : 'container';
}

/** Go's zero time stands for none; so does the beginning of 1970 in the database. */
function timeOf(json: unknown): string | null {
  const text = textOf(json);
  return text === '' || text.startsWith('0001-') || text.startsWith('1970-01-01T00:00:00') ? null : text;
}

function stateOf(json: unknown): InstanceState {
  const state = objectOf(json);
  return {
    status: textOf(state['status']),
    memoryBytes: numberOf(objectOf(state['memory'])['usage']),
    addresses: addressesOf(state['network']),
    disks: usageOf(state['disk']),
  };
}

function usageOf(disk: unknown): InstanceState['disks'] {
  return Object.fromEntries(
    Object.entries(objectOf(disk)).map(([device, value]) => {
      const { usage, total } = objectOf(value);
      return [device, { usedBytes: numberOf(usage), totalBytes: numberOf(total) }];
    }),
  );
}

function addressesOf(network: unknown): Record<string, string[]> {
  const interfaces = Object.entries(objectOf(network)).filter(([name]) => name !== 'lo');
  return Object.fromEntries(
    interfaces.map(([name, value]) => [
      name,
      listOf(objectOf(value)['addresses']).map((address) => textOf(objectOf(address)['address'])),
    ]),
  );
}
