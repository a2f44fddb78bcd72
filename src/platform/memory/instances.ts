import { err, ok, type Result } from '../../result.ts';
import { confirmedAddresses } from '../address.ts';
import { platformFailure, type PlatformFailure } from '../failure.ts';
import type { Answered, Instance, InstancePatch, Instances, InstanceState } from '../platform.ts';
import { quickMs, quickRequest, readInstance } from './quick-request.ts';
import { send, type MemoryClient } from './requests.ts';
import {
  addInstance,
  announce,
  findInstance,
  isInconsistent,
  killProcesses,
  noInstance,
  timeNow,
  type MemoryInstance,
} from './server.ts';

/** The port's functions about instances. */
export function instancesOf(client: MemoryClient): Instances {
  const { server } = client;
  return {
    getInstance: (name) =>
      readInstance(client, 'getInstance', `read the instance ${name}`, name, (instance) => ok(instanceOf(instance))),
    getInstanceState: (name) =>
      readInstance(client, 'getInstanceState', `read the state of the instance ${name}`, name, (one) =>
        ok(stateOf(one)),
      ),
    confirmAddresses: (name, claimed) =>
      readInstance(client, 'confirmAddresses', `look at the addresses of the instance ${name}`, name, () =>
        ok(confirmedAddresses(claimed, { assigned: [], networks: ['192.0.2.0/24'], ofOthers: ['192.0.2.254'] })),
      ),
    listInstanceNames: () => list(client, 'listInstanceNames', () => [...server.instances.keys()]),
    listInstances: () =>
      list(client, 'listInstances', () =>
        [...server.instances.values()].map((one) => ({ ...instanceOf(one), revision: '' })),
      ),
    startInstance: (name, { limitMs }) => start(client, name, limitMs),
    stopInstance: (name, how) => stop(client, name, how),
    thawInstance: (name, { limitMs }) =>
      change(client, {
        name: 'thawInstance',
        purpose: `resume the instance ${name}`,
        instance: name,
        limitMs,
        apply: (instance) => {
          if (instance.status === 'Frozen') instance.status = 'Running';
          return ok(undefined);
        },
      }),
    patchInstance: (name, patch) => patchInstance(client, name, patch),
    copyInstance: (from, copy, { limitMs }) => {
      const purpose = `copy the instance ${from} to ${copy.name}`;
      return send(client, {
        name: 'copyInstance',
        purpose,
        instance: from,
        activity: 'other',
        isOperation: true,
        changes: true,
        ms: server.takes.snapshot,
        limitMs,
        apply: () => {
          const original = server.instances.get(from);
          if (original === undefined) return noInstance(purpose);
          if (server.instances.has(copy.name))
            return err(platformFailure('name-taken', purpose, 'the instance already exists', { code: 500 }));
          const disks = original.disks.filter(({ kind }) => kind !== 'root' && !copy.detached);
          const made = addInstance(server, copy.name, { status: 'Stopped', disks });
          made.description = copy.description;
          made.files = new Map(original.files);
          return ok(undefined);
        },
      });
    },
  };
}

function list<T>(client: MemoryClient, name: string, answer: () => T): Answered<T> {
  return quickRequest(client, { name, purpose: 'list the instances' }, () => ok(answer()));
}

interface Change {
  readonly name: string;
  readonly purpose: string;
  readonly instance: string;
  readonly limitMs: number;
  readonly apply: (instance: MemoryInstance) => Result<void, PlatformFailure>;
}

/** A quick change of the instance, as an operation. */
function change(client: MemoryClient, one: Change): Answered<void> {
  return send(client, {
    ...one,
    activity: 'other',
    isOperation: true,
    changes: true,
    ms: client.server.takes.change,
    apply: () => {
      const found = findInstance(client.server, one.instance, one.purpose);
      return found.ok ? one.apply(found.value) : found;
    },
  });
}

function start(client: MemoryClient, name: string, limitMs: number): Answered<void> {
  const { server } = client;
  const purpose = `start the instance ${name}`;
  return send(client, {
    name: 'startInstance',
    changesPower: true,
    purpose,
    instance: name,
    activity: 'other',
    isOperation: true,
    changes: true,
    ms: server.takes.start,
    limitMs,
    begin: () => {
      const found = findInstance(server, name, purpose);
      if (!found.ok) return found;
      return refusal(found.value, purpose);
    },
    apply: () => {
      const found = findInstance(server, name, purpose);
      if (!found.ok) return found;
      const instance = found.value;
      if (instance.status !== 'Stopped') return ok(undefined);
      instance.status = 'Running';
      instance.lastStartedAt = timeNow(server);
      announce(server, name);
      return ok(undefined);
    },
  });
}

function stop(
  client: MemoryClient,
  name: string,
  { force, limitMs }: { readonly force: boolean; readonly limitMs: number },
): Answered<void> {
  const { server } = client;
  const purpose = `stop the instance ${name}`;
  const isHanging = (): boolean => !force && server.instances.get(name)?.ignoresShutdown === true;
  return send(client, {
    name: 'stopInstance',
    changesPower: true,
    purpose,
    instance: name,
    activity: 'stop',
    isOperation: true,
    changes: true,
    ms: isHanging() ? limitMs : force ? server.takes.stop : server.takes.gracefulStop,
    limitMs: force ? limitMs : limitMs + 15_000,
    begin: () => {
      const found = findInstance(server, name, purpose);
      if (!found.ok) return found;
      if (found.value.ephemeral)
        return err(platformFailure('invalid', purpose, 'it is ephemeral, so a stop would delete it'));
      if (isHanging()) found.value.isStopping = true;
      return ok(undefined);
    },
    apply: () => {
      const found = findInstance(server, name, purpose);
      if (!found.ok) return found;
      const instance = found.value;
      if (isHanging()) return err(platformFailure('timed-out', purpose, 'context deadline exceeded', { code: 500 }));
      stopNow(instance, force ? 9 : 15);
      announce(server, name);
      return ok(undefined);
    },
  });
}

/** Stops it, and whatever runs inside. */
export function stopNow(instance: MemoryInstance, signal: number): void {
  instance.status = 'Stopped';
  instance.isStopping = false;
  killProcesses(instance, signal);
}

/** Why nothing of the instance can be changed at this moment. */
export function refusal(instance: MemoryInstance, purpose: string): Result<void, PlatformFailure> {
  if (instance.isStopping)
    return err(platformFailure('busy', purpose, 'Instance is busy running a "stop" operation', { code: 500 }));
  if (!isInconsistent(instance)) return ok(undefined);
  const reason = "Instance snapshot record count doesn't match instance snapshot volume record count";
  return err(platformFailure('inconsistent-snapshots', purpose, reason, { code: 500 }));
}

async function patchInstance(client: MemoryClient, name: string, patch: InstancePatch): Answered<void> {
  const { server } = client;
  const purpose = `change the configuration of the instance ${name}`;
  return send(client, {
    name: 'patchInstance',
    purpose,
    instance: name,
    activity: 'other',
    isOperation: false,
    changes: true,
    ms: server.takes.change + restoreLeftMs(client, name),
    limitMs: 2 * quickMs,
    apply: () => {
      const found = findInstance(server, name, purpose);
      if (!found.ok) return found;
      const instance = found.value;
      const refused = refusal(instance, purpose);
      if (!refused.ok) return refused;
      if (patch.revision !== undefined && patch.revision !== revisionOf(instance))
        return err(platformFailure('changed', purpose, "ETag doesn't match", { code: 412 }));
      const metadata = Object.entries({ ...instance.metadata, ...patch.metadata }).filter(([, value]) => value !== '');
      instance.metadata = Object.fromEntries(metadata);
      instance.description = patch.description ?? instance.description;
      announce(server, name);
      return ok(undefined);
    },
  });
}

/** A change waits while a restore works on the instance. */
function restoreLeftMs({ server }: MemoryClient, name: string): number {
  const restores = [...server.operations.values()].filter(
    ({ activity, isRunning, instances }) => activity === 'restore' && isRunning && instances.includes(name),
  );
  return restores.length > 0 ? server.takes.restore : 0;
}

export function revisionOf({
  metadata,
  configuration,
  status,
  generation,
  lastStartedAt,
  ephemeral,
}: MemoryInstance): string {
  return JSON.stringify([metadata, configuration, status, generation, lastStartedAt, ephemeral]);
}

function instanceOf(instance: MemoryInstance): Instance {
  const { name, uuid, createdAt, status, type, ephemeral, startProtected, description, metadata, environment, disks } =
    instance;
  const { snapshotSchedule, generation, lastStartedAt } = instance;
  const keys = instance.configuration;
  return {
    name,
    uuid,
    createdAt,
    status,
    type,
    ephemeral,
    startProtected,
    description,
    metadata,
    environment,
    disks,
    snapshotSchedule,
    generation,
    lastStartedAt,
    location: null,
    memoryLimitBytes: Number.parseInt(keys['limits.memory'] ?? '', 10) || null,
    revision: revisionOf(instance),
    configuration: {
      keys,
      devices: {},
    },
  };
}

function stateOf({ status }: MemoryInstance): InstanceState {
  return { status, memoryBytes: 0, addresses: status === 'Running' ? { eth0: ['192.0.2.1'] } : {}, disks: {} };
}
