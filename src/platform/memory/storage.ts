import { err, ok, type Result } from '../../result.ts';
import { platformFailure, type PlatformFailure } from '../failure.ts';
import type { Answered, ServerDescription, ServerIdentity, Storage, VolumeSnapshot } from '../platform.ts';
import { quickMs, quickRequest } from './quick-request.ts';
import { send, type MemoryClient } from './requests.ts';
import { timeNow, type MemoryInstance, type MemoryServer, type MemoryVolume } from './server.ts';

/** The port's functions about pools and custom volumes. */
export function storageOf(client: MemoryClient): Storage {
  const { server } = client;
  return {
    getPool: (name) =>
      read(client, 'getPool', `read the storage pool ${name}`, (purpose) => poolOf(server, name, purpose)),
    getPoolSpace: (name) =>
      read(client, 'getPoolSpace', `read the usage of the storage pool ${name}`, (purpose) => {
        const pool = poolOf(server, name, purpose);
        return pool.ok ? ok(pool.value.space) : pool;
      }),
    getVolume: (pool, volume) =>
      read(client, 'getVolume', `read the volume ${volume} of the pool ${pool}`, (purpose) => {
        const found = volumeOf(server, pool, volume, purpose);
        if (!found.ok) return found;
        const instances = usersOf(server, pool, volume).map(({ name }) => name);
        return ok({ pool, name: volume, instances, otherUsers: found.value.otherUsers });
      }),
    snapshotVolume: (pool, volume, wanted, limit) => snapshotVolume(client, pool, volume, wanted, limit.limitMs),
    listVolumeSnapshots: (pool, volume) =>
      read(client, 'listVolumeSnapshots', `list the snapshots of the volume ${volume}`, (purpose) => {
        const found = volumeOf(server, pool, volume, purpose);
        return found.ok ? ok(found.value.snapshots.map(snapshotOf)) : found;
      }),
    ...changesOf(client),
  };
}

/** It has no restrictions. */
export function describeMemoryServer(client: MemoryClient): Answered<ServerDescription> {
  const pools = [...client.server.pools.values()];
  return read(client, 'describeServer', 'read the server information', () =>
    ok({ ...identityOf(client.server), allowsSnapshots: true, pools }),
  );
}

export function identityOf({ id, version }: MemoryServer): ServerIdentity {
  return { id, product: 'Incus', version, testedVersions: ['6.0'] };
}

type Changes = Pick<
  Storage,
  'restoreVolume' | 'renameVolumeSnapshot' | 'setVolumeSnapshotExpiry' | 'deleteVolumeSnapshot'
>;

function changesOf(client: MemoryClient): Changes {
  const { server } = client;
  return {
    restoreVolume: (pool, volume, snapshot, { limitMs }) =>
      change(
        client,
        'restoreVolume',
        `restore the volume ${volume} to its snapshot ${snapshot}`,
        limitMs,
        (purpose) => {
          if (usersOf(server, pool, volume).some(({ status }) => status !== 'Stopped'))
            return err(platformFailure('busy', purpose, 'Cannot restore custom volume used by running instances'));
          const found = pointOf(server, pool, volume, snapshot, purpose);
          if (!found.ok) return found;
          found.value.volume.content = found.value.point.content;
          return ok(undefined);
        },
      ),
    renameVolumeSnapshot: (pool, volume, from, to, { limitMs }) =>
      change(
        client,
        'renameVolumeSnapshot',
        `rename the snapshot ${from} of ${volume} to ${to}`,
        limitMs,
        (purpose) => {
          const found = pointOf(server, pool, volume, from, purpose);
          if (!found.ok) return found;
          if (found.value.volume.snapshots.some(({ name }) => name === to)) return nameTaken(purpose);
          found.value.point.name = to;
          return ok(undefined);
        },
      ),
    setVolumeSnapshotExpiry: (pool, volume, snapshot, expiresAt) => {
      const purpose = `set the expiry of the snapshot ${snapshot} of the volume ${volume}`;
      return change(client, 'setVolumeSnapshotExpiry', purpose, quickMs, () => {
        const found = pointOf(server, pool, volume, snapshot, purpose);
        if (!found.ok) return found;
        found.value.point.expiresAt = expiresAt === null ? null : expiresAt.toISOString();
        return ok(undefined);
      });
    },
    deleteVolumeSnapshot: (pool, volume, snapshot, { limitMs }) =>
      change(client, 'deleteVolumeSnapshot', `remove the snapshot ${snapshot} of ${volume}`, limitMs, (purpose) => {
        const found = pointOf(server, pool, volume, snapshot, purpose);
        if (!found.ok) return found;
        const { volume: one, point } = found.value;
        one.snapshots = one.snapshots.filter((other) => other !== point);
        return ok(undefined);
      }),
  };
}

function snapshotVolume(
  client: MemoryClient,
  pool: string,
  volume: string,
  wanted: { readonly name: string; readonly expiresAt: Date | null },
  limitMs: number,
): Answered<VolumeSnapshot> {
  const { server } = client;
  const purpose = `take the snapshot ${wanted.name} of the volume ${volume}`;
  return send<VolumeSnapshot>(client, {
    name: 'snapshotVolume',
    purpose,
    instance: null,
    activity: 'other',
    isOperation: true,
    changes: true,
    ms: server.takes.snapshot,
    limitMs,
    apply: () => {
      const found = volumeOf(server, pool, volume, purpose);
      if (!found.ok) return found;
      const one = found.value;
      if (one.snapshots.some(({ name }) => name === wanted.name)) return nameTaken(purpose);
      const expiresAt = wanted.expiresAt === null ? null : wanted.expiresAt.toISOString();
      const point = { name: wanted.name, createdAt: timeNow(server), expiresAt, content: one.content };
      one.snapshots.push(point);
      return ok(snapshotOf(point));
    },
  });
}

function nameTaken(purpose: string): Result<never, PlatformFailure> {
  return err(platformFailure('name-taken', purpose, 'Volume by that name already exists', { code: 409 }));
}

function read<T>(
  client: MemoryClient,
  name: string,
  purpose: string,
  answer: (purpose: string) => Result<T, PlatformFailure>,
): Answered<T> {
  return quickRequest(client, { name, purpose }, () => answer(purpose));
}

function change(
  client: MemoryClient,
  name: string,
  purpose: string,
  limitMs: number,
  apply: (purpose: string) => Result<void, PlatformFailure>,
): Answered<void> {
  return send(client, {
    name,
    purpose,
    instance: null,
    activity: 'other',
    isOperation: true,
    changes: true,
    ms: client.server.takes.change,
    limitMs,
    apply: () => apply(purpose),
  });
}

function poolOf(server: MemoryServer, name: string, purpose: string) {
  const pool = server.pools.get(name);
  return pool === undefined
    ? err(platformFailure('not-found', purpose, 'Storage pool not found', { code: 404 }))
    : ok(pool);
}

function volumeOf(
  server: MemoryServer,
  pool: string,
  name: string,
  purpose: string,
): Result<MemoryVolume, PlatformFailure> {
  const volume = server.volumes.get(`${pool}/${name}`);
  return volume === undefined
    ? err(platformFailure('not-found', purpose, 'Storage volume not found', { code: 404 }))
    : ok(volume);
}

type Point = MemoryVolume['snapshots'][number];

function pointOf(
  server: MemoryServer,
  pool: string,
  name: string,
  snapshot: string,
  purpose: string,
): Result<{ readonly volume: MemoryVolume; readonly point: Point }, PlatformFailure> {
  const volume = volumeOf(server, pool, name, purpose);
  if (!volume.ok) return volume;
  const point = volume.value.snapshots.find((one) => one.name === snapshot);
  return point === undefined
    ? err(platformFailure('not-found', purpose, 'Storage volume snapshot not found', { code: 404 }))
    : ok({ volume: volume.value, point });
}

function usersOf(server: MemoryServer, pool: string, volume: string): MemoryInstance[] {
  return [...server.instances.values()].filter(({ disks }) =>
    disks.some((disk) => disk.kind === 'volume' && disk.pool === pool && disk.volume === volume),
  );
}

function snapshotOf({ name, createdAt, expiresAt }: VolumeSnapshot): VolumeSnapshot {
  return { name, createdAt, expiresAt };
}
