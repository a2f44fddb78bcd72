import { err, ok, type Result } from '../../result.ts';
import { platformFailure, type PlatformFailure } from '../failure.ts';
import type { Answered, InconsistentSnapshots, Limit, Snapshot, Snapshots } from '../platform.ts';
import { refusal, revisionOf as revisionOfInstance, stopNow } from './instances.ts';
import { quickMs, readInstance } from './quick-request.ts';
import { send, type MemoryClient, type Work } from './requests.ts';
import {
  announce,
  findInstance,
  newGeneration,
  timeNow,
  type MemoryInstance,
  type MemoryServer,
  type MemorySnapshot,
} from './server.ts';

/** The port's functions about snapshots. */
export function snapshotsOf(client: MemoryClient): Snapshots {
  return {
    createSnapshot: (instance, wanted, { limitMs }) => createSnapshot(client, instance, wanted, limitMs),
    listSnapshots: (instance) =>
      readInstance(client, 'listSnapshots', `list the snapshots of ${instance}`, instance, ({ snapshots }) =>
        ok(snapshots.map((one) => ({ ...snapshotOf(one), revision: '' }))),
      ),
    getSnapshot: (instance, name) => {
      const purpose = `read the snapshot ${name} of ${instance}`;
      return readInstance(client, 'getSnapshot', purpose, instance, (one) => {
        const found = findSnapshot(one, name, purpose);
        return found.ok ? ok(snapshotOf(found.value)) : found;
      });
    },
    renameSnapshot: (instance, from, to, { limitMs }) => renameSnapshot(client, instance, from, to, limitMs),
    setSnapshotExpiry: (instance, name, expiresAt, revision) => {
      const purpose = `set the expiry of the snapshot ${name} of ${instance}`;
      return send(client, {
        ...workOn(client.server, 'setSnapshotExpiry', purpose, instance, quickMs),
        apply: () => {
          const found = snapshotNamed(client.server, instance, name, purpose);
          if (!found.ok) return found;
          if (revision !== undefined && revision !== revisionOf(found.value))
            return err(platformFailure('changed', purpose, "ETag doesn't match", { code: 412 }));
          found.value.expiresAt = expiryOf(expiresAt);
          return ok(undefined);
        },
      });
    },
    deleteSnapshot: (instance, name, { limitMs }) => deleteSnapshot(client, instance, name, limitMs),
    restoreSnapshot: (instance, name, how) => restoreSnapshot(client, instance, name, how),
    findInconsistentSnapshots: (instance) => findInconsistent(client, instance.name),
  };
}

function workOn(
  server: MemoryServer,
  name: string,
  purpose: string,
  instance: string,
  limitMs: number,
): Omit<Work<void>, 'apply'> {
  const ms = server.takes.change;
  return { name, purpose, instance, limitMs, ms, activity: 'other', isOperation: true, changes: true };
}

function createSnapshot(
  client: MemoryClient,
  instance: string,
  wanted: { readonly name: string; readonly expiresAt: Date | null },
  limitMs: number,
): Answered<Snapshot> {
  const { server } = client;
  const purpose = `take the snapshot ${wanted.name} of ${instance}`;
  let taken: MemorySnapshot | null = null;
  const isTaken = ({ snapshots }: MemoryInstance): boolean => snapshots.some(({ name }) => name === wanted.name);
  const nameTaken = (): Result<never, PlatformFailure> =>
    err(platformFailure('name-taken', purpose, 'UNIQUE constraint failed', { code: 500 }));
  return send<Snapshot>(client, {
    ...workOn(server, 'createSnapshot', purpose, instance, limitMs),
    ms: server.takes.snapshot,
    begin: () => {
      const found = findInstance(server, instance, purpose);
      if (!found.ok) return found;
      const one = found.value;
      if (wanted.name === '') return err(platformFailure('invalid', purpose, 'it has no name'));
      const refused = refusal({ ...one, isStopping: false }, purpose);
      if (!refused.ok) return refused;
      if (isTaken(one)) return nameTaken();
      taken = copyOf(server, one, wanted);
      return ok(undefined);
    },
    apply: () => {
      const found = findInstance(server, instance, purpose);
      if (!found.ok) return found;
      if (taken === null || isTaken(found.value)) return nameTaken();
      found.value.snapshots.push(taken);
      return ok(snapshotOf(taken));
    },
    cut: () => {
      const one = server.instances.get(instance);
      if (one !== undefined && taken !== null && !isTaken(one)) one.snapshots.push({ ...taken, hasData: false });
    },
  });
}

/** The instance as it is at this moment. */
function copyOf(
  server: MemoryServer,
  one: MemoryInstance,
  { name, expiresAt }: { readonly name: string; readonly expiresAt: Date | null },
): MemorySnapshot {
  return {
    name,
    createdAt: timeNow(server),
    expiresAt: expiryOf(expiresAt),
    metadata: one.metadata,
    configuration: one.configuration,
    files: new Map(one.files),
    wasRunning: one.status !== 'Stopped',
    hasData: true,
  };
}

function renameSnapshot(
  client: MemoryClient,
  instance: string,
  from: string,
  to: string,
  limitMs: number,
): Answered<void> {
  const { server } = client;
  const purpose = `rename the snapshot ${from} of ${instance} to ${to}`;
  return send(client, {
    ...workOn(server, 'renameSnapshot', purpose, instance, limitMs),
    apply: () => {
      const found = snapshotNamed(server, instance, from, purpose);
      if (!found.ok) return found;
      const one = server.instances.get(instance);
      if (one?.snapshots.some(({ name }) => name === to) === true)
        return err(platformFailure('name-taken', purpose, 'UNIQUE constraint failed', { code: 500 }));
      const refused = one === undefined ? ok(undefined) : refusal({ ...one, isStopping: false }, purpose);
      if (!refused.ok) return refused;
      found.value.name = to;
      return ok(undefined);
    },
  });
}

function deleteSnapshot(client: MemoryClient, instance: string, name: string, limitMs: number): Answered<void> {
  const { server } = client;
  const purpose = `remove the snapshot ${name} of ${instance}`;
  return send(client, {
    ...workOn(server, 'deleteSnapshot', purpose, instance, limitMs),
    begin: () => {
      const isRestored = [...server.operations.values()].some(
        (one) => one.activity === 'restore' && one.isRunning && one.instances.includes(instance),
      );
      if (isRestored) return err(platformFailure('busy', purpose, 'a restore is in progress'));
      const found = snapshotNamed(server, instance, name, purpose);
      return found.ok ? ok(undefined) : found;
    },
    apply: () => {
      const found = snapshotNamed(server, instance, name, purpose);
      const one = server.instances.get(instance);
      if (!found.ok || one === undefined) return found.ok ? ok(undefined) : found;
      one.snapshots = one.snapshots.filter((snapshot) => snapshot !== found.value);
      return ok(undefined);
    },
    cut: () => {
      const found = snapshotNamed(server, instance, name, purpose);
      if (found.ok) found.value.hasData = false;
    },
  });
}

function restoreSnapshot(
  client: MemoryClient,
  instance: string,
  name: string,
  { limitMs, revision }: Limit & { readonly revision?: string },
): Answered<void> {
  const { server } = client;
  const purpose = `restore ${instance} to the snapshot ${name}`;
  let wasRunning = false;
  return send(client, {
    ...workOn(server, 'restoreSnapshot', purpose, instance, limitMs),
    activity: 'restore',
    ms: server.takes.restore,
    begin: () => {
      const found = findInstance(server, instance, purpose);
      if (!found.ok) return found;
      const one = found.value;
      const snapshot = findSnapshot(one, name, purpose, `Snapshot ${instance}/${name} does not exist`);
      if (!snapshot.ok) return snapshot;
      const refused = refusal(one, purpose);
      if (!refused.ok) return refused;
      if (revision !== undefined && revision !== revisionOfInstance(one))
        return err(platformFailure('changed', purpose, "ETag doesn't match"));
      wasRunning = one.status !== 'Stopped';
      stopNow(one, 9);
      return newerInTheWay(server, one, snapshot.value, purpose);
    },
    apply: () => {
      const snapshot = snapshotNamed(server, instance, name, purpose);
      const one = server.instances.get(instance);
      if (!snapshot.ok || one === undefined) return snapshot.ok ? ok(undefined) : snapshot;
      one.files = new Map(snapshot.value.files);
      one.metadata = snapshot.value.metadata;
      one.configuration = snapshot.value.configuration;
      one.description = '';
      one.generation = newGeneration(server);
      if (wasRunning) {
        one.status = 'Running';
        one.lastStartedAt = timeNow(server);
      }
      announce(server, instance, true);
      return ok(undefined);
    },
  });
}

/** Noticed after the stop, as Incus 6.0 does. */
function newerInTheWay(
  server: MemoryServer,
  one: MemoryInstance,
  snapshot: MemorySnapshot,
  purpose: string,
): Result<void, PlatformFailure> {
  const root = one.disks.find(({ kind }) => kind === 'root');
  const pool = root?.kind === 'root' ? server.pools.get(root.pool) : undefined;
  if (pool?.restoreNeedsNewest !== true || one.snapshots.at(-1) === snapshot) return ok(undefined);
  return err(platformFailure('server', purpose, 'cannot be restored due to subsequent snapshot(s)', { code: 500 }));
}

function findInconsistent(client: MemoryClient, name: string): Promise<InconsistentSnapshots> {
  const none = { empty: [], nameless: [] };
  const purpose = `compare the records of the snapshots of ${name}`;
  const found = readInstance<InconsistentSnapshots>(client, 'findInconsistentSnapshots', purpose, name, (instance) =>
    ok({
      empty: instance.snapshots.filter(({ hasData }) => !hasData).map(snapshotOf),
      nameless: instance.nameless,
    }),
  );
  return found.then((result) => (result.ok ? result.value : none));
}

function snapshotNamed(
  server: MemoryServer,
  instance: string,
  name: string,
  purpose: string,
): Result<MemorySnapshot, PlatformFailure> {
  const found = findInstance(server, instance, purpose);
  return found.ok ? findSnapshot(found.value, name, purpose) : found;
}

function findSnapshot(
  { snapshots }: MemoryInstance,
  name: string,
  purpose: string,
  reason = 'Instance snapshot not found',
): Result<MemorySnapshot, PlatformFailure> {
  const snapshot = snapshots.find((one) => one.name === name);
  return snapshot === undefined ? err(platformFailure('not-found', purpose, reason, { code: 404 })) : ok(snapshot);
}

function revisionOf({ expiresAt }: MemorySnapshot): string {
  return `expires ${expiresAt ?? 'never'}`;
}

function expiryOf(at: Date | null): string | null {
  return at === null ? null : at.toISOString();
}

function snapshotOf(snapshot: MemorySnapshot): Snapshot {
  const { name, createdAt, expiresAt, metadata, configuration, wasRunning } = snapshot;
  return {
    name,
    createdAt,
    expiresAt,
    metadata,
    wasRunning,
    sizeBytes: null,
    configuration: {
      keys: configuration,
      devices: {},
    },
    revision: revisionOf(snapshot),
  };
}
