import { err, ok, type Result } from '../result.ts';
import { call, type Incus } from './client.ts';
import { failureOf, type IncusFailure } from './failure.ts';
import type { Devices, Instance } from './instance.ts';
import { listOf, numberOf, objectOf, textOf, textsOf } from './json.ts';

/** A storage pool. */
export interface Pool {
  readonly name: string;
  /** `btrfs`, `dir`, `zfs`, `lvm`, `ceph`, … */
  readonly driver: string;
  readonly config: Readonly<Record<string, string>>;
}

/** Space of a pool, in bytes. */
export interface PoolSpace {
  readonly usedBytes: number;
  readonly totalBytes: number;
}

/** The device that holds the instance's root file system, with its pool. */
export interface RootDisk {
  readonly device: string;
  readonly pool: string;
}

/** Null when there is none. */
export function rootDisk(instance: Pick<Instance, 'expandedDevices'>): RootDisk | null {
  return rootOf(instance.expandedDevices);
}

/** Reads a pool. */
export async function getPool(incus: Incus, name: string): Promise<Result<Pool, IncusFailure>> {
  const purpose = `look at the storage pool ${name}`;
  const reply = await call(incus, { method: 'GET', path: ['storage-pools', name], purpose });
  if (!reply.ok) return reply;
  const pool = objectOf(reply.value.metadata);
  return ok({ name: textOf(pool['name']), driver: textOf(pool['driver']), config: textsOf(pool['config']) });
}

/** How full the pool is. `server` when the pool does not tell. */
export async function poolSpace(incus: Incus, name: string): Promise<Result<PoolSpace, IncusFailure>> {
  const purpose = `ask how full the storage pool ${name} is`;
  const reply = await call(incus, { method: 'GET', path: ['storage-pools', name, 'resources'], purpose });
  if (!reply.ok) return reply;
  const space = objectOf(objectOf(reply.value.metadata)['space']);
  const totalBytes = numberOf(space['total']);
  // Zero of zero would read as "full", or as "empty": neither was said.
  if (totalBytes === 0) return err(failureOf('server', { purpose, project: incus.project }, 'the pool does not tell'));
  return ok({ usedBytes: numberOf(space['used']), totalBytes });
}

/** The names of the instance's snapshots of which the pool has a record: as many as the instance has, unless one is torn. */
export async function listSnapshotRecords(
  incus: Incus,
  pool: string,
  { name, type }: Pick<Instance, 'name' | 'type'>,
): Promise<Result<string[], IncusFailure>> {
  const purpose = `list the snapshots of ${name} in the storage pool ${pool}`;
  const path = ['storage-pools', pool, 'volumes', type, name, 'snapshots'];
  const reply = await call(incus, { method: 'GET', path, purpose, instance: name });
  if (!reply.ok) return reply;
  return ok(listOf(reply.value.metadata).map((url) => lastSegment(textOf(url))));
}

function lastSegment(url: string): string {
  return decodeURIComponent(url.split('?')[0]?.split('/').at(-1) ?? '');
}

function rootOf(devices: Devices): RootDisk | null {
  for (const [device, keys] of Object.entries(devices))
    if (keys['type'] === 'disk' && keys['path'] === '/') return { device, pool: keys['pool'] ?? '' };
  return null;
}
