import { err, ok, type Result } from '../../../result.ts';
import { call, type Incus } from '../http/client.ts';
import { failureOf } from '../http/failure.ts';
import type { PlatformFailure } from '../../failure.ts';
import type { Instance, Pool, PoolSpace } from '../../platform.ts';
import { listOf, numberOf, objectOf, textOf, textsOf } from '../http/json.ts';

/** Drivers that take a snapshot without freezing the instance (docs/internals: section 3). */
const snapshotsWithoutFreeze: ReadonlySet<string> = new Set(['btrfs', 'zfs']);

/** Drivers that restore only the newest snapshot. */
const restoreNewestOnly: ReadonlySet<string> = new Set(['zfs', 'linstor', 'truenas']);

/** Drivers where a copy of the instance does not pin what a restore replaces: on zfs it does. */
const copiesFreely: ReadonlySet<string> = new Set(['btrfs', 'dir', 'lvm']);

/** The size of a disk of LVM that has none of its own. */
const lvmDiskSize = '10GiB';

/** Reads a pool. */
export async function getPool(incus: Incus, name: string): Promise<Result<Pool, PlatformFailure>> {
  const purpose = `read the storage pool ${name}`;
  const reply = await call(incus, { method: 'GET', path: ['storage-pools', name], purpose });
  if (!reply.ok) return reply;
  const pool = objectOf(reply.value.metadata);
  return ok(poolOf(textOf(pool['name']), textOf(pool['driver']), textsOf(pool['config'])));
}

/** All pools of the server. */
export async function listPools(incus: Incus): Promise<Result<Pool[], PlatformFailure>> {
  const purpose = 'list the storage pools';
  const reply = await call(incus, { method: 'GET', path: ['storage-pools'], query: { recursion: '1' }, purpose });
  if (!reply.ok) return reply;
  return ok(
    listOf(reply.value.metadata)
      .map(objectOf)
      .map((pool) => poolOf(textOf(pool['name']), textOf(pool['driver']), textsOf(pool['config']))),
  );
}

/** What a driver can do, as it is configured (docs/internals: section 3). */
export function poolOf(name: string, driver: string, config: Readonly<Record<string, string>>): Pool {
  const isThickLvm = driver === 'lvm' && config['lvm.use_thinpool'] === 'false';
  const size = config['volume.size'] ?? (isThickLvm ? lvmDiskSize : undefined);
  return {
    name,
    driver,
    snapshotFreezesInstance: !snapshotsWithoutFreeze.has(driver),
    snapshotCopies: driver === 'dir',
    snapshotReservesDisk: isThickLvm,
    restoreNeedsNewest: restoreNewestOnly.has(driver) && config[`volume.${driver}.remove_snapshots`] !== 'true',
    copyBlocksRestore: !copiesFreely.has(driver),
    usageLeavesOutShared: driver === 'btrfs',
    defaultDiskBytes: size === undefined ? null : bytesOf(size),
  };
}

/** A size as Incus writes it: `10GiB`, `500MB`, `1024`; 0 for anything else. */
export function bytesOf(size: string): number {
  const [, number, unit = ''] = /^(\d+)\s*([kMGTPE]i?B|B|bytes|kB)?$/.exec(size.trim()) ?? [];
  if (number === undefined) return 0;
  const power = 'kMGTPE'.indexOf(unit.charAt(0)) + 1;
  const base = unit.includes('i') ? 1024 : 1000;
  return Number(number) * (unit === 'bytes' || unit === 'B' || unit === '' ? 1 : base ** power);
}

/** How full the pool is. `server` when the pool does not report it. */
export async function getPoolSpace(incus: Incus, name: string): Promise<Result<PoolSpace, PlatformFailure>> {
  const purpose = `read the usage of the storage pool ${name}`;
  const reply = await call(incus, { method: 'GET', path: ['storage-pools', name, 'resources'], purpose });
  if (!reply.ok) return reply;
  const space = objectOf(objectOf(reply.value.metadata)['space']);
  const totalBytes = numberOf(space['total']);
  // Zero of zero would read as "full", or as "empty": neither was said.
  if (totalBytes === 0)
    return err(failureOf('server', { purpose, project: incus.project }, 'the pool does not report it'));
  return ok({ usedBytes: numberOf(space['used']), totalBytes });
}

/** The names of the instance's snapshots of which the pool has a record: as many as the instance has, unless one is torn. */
export async function listSnapshotRecords(
  incus: Incus,
  pool: string,
  { name, type }: Pick<Instance, 'name' | 'type'>,
): Promise<Result<string[], PlatformFailure>> {
  const purpose = `list the snapshots of ${name} in the storage pool ${pool}`;
  const path = ['storage-pools', pool, 'volumes', type, name, 'snapshots'];
  const reply = await call(incus, { method: 'GET', path, purpose, instance: name });
  if (!reply.ok) return reply;
  return ok(listOf(reply.value.metadata).map((url) => lastSegment(textOf(url))));
}

function lastSegment(url: string): string {
  return decodeURIComponent(url.split('?')[0]?.split('/').at(-1) ?? '');
}
