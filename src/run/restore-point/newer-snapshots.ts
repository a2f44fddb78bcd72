import type { RestorePoint } from '../../event.ts';
import type { Instance, Platform, Pool } from '../../platform/platform.ts';
import { rootDisk } from './disks.ts';
import { neutralise } from '../../text.ts';

/** A warning before the run; null if no snapshot can interfere. */
export function describeScheduled(
  pool: Pick<Pool, 'driver' | 'restoreNeedsNewest'> | null,
  { name, snapshotSchedule }: Pick<Instance, 'name' | 'snapshotSchedule'>,
): string | null {
  if (pool === null || snapshotSchedule === null || !pool.restoreNeedsNewest) return null;
  return `The server takes scheduled snapshots of ${name} (${neutralise(snapshotSchedule)}), and ${pool.driver} can restore only the newest one. A snapshot taken during this run would block a rollback.`;
}

/** Names of snapshots that block the restore, oldest first. */
export async function newerInTheWay(platform: Platform, name: string, restorePoint: RestorePoint): Promise<string[]> {
  const snapshots = await platform.listSnapshots(name);
  const newer = snapshots.ok
    ? snapshots.value.filter(({ createdAt }) => Date.parse(createdAt) > Date.parse(restorePoint.createdAt))
    : [];
  if (newer.length === 0) return [];
  const instance = await platform.getInstance(name);
  const root = instance.ok ? rootDisk(instance.value) : null;
  const pool = root === null ? null : await platform.getPool(root.pool);
  return pool?.ok === true && pool.value.restoreNeedsNewest ? newer.map((snapshot) => snapshot.name) : [];
}
