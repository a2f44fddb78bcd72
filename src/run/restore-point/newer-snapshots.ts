import type { RestorePoint } from '../../event.ts';
import type { Incus } from '../../incus/client.ts';
import { getInstance, type Instance } from '../../incus/instance.ts';
import { listSnapshots } from '../../incus/snapshot.ts';
import { getPool, rootDisk, type Pool } from '../../incus/storage.ts';
import { neutralise, shellWords } from '../../text.ts';

/** Drivers that restore only the newest snapshot (docs/internals/incus.md, Storage drivers). */
const latestOnly: ReadonlySet<string> = new Set(['zfs', 'linstor', 'truenas']);

/** Whether snapshots that are newer than a restore point stand in its way. Not where the pool is set to remove them. */
export function isLatestOnly(pool: Pick<Pool, 'driver' | 'config'> | null): boolean {
  return (
    pool !== null && latestOnly.has(pool.driver) && pool.config[`volume.${pool.driver}.remove_snapshots`] !== 'true'
  );
}

/** A warning for a run that begins; null where nothing can come in between. */
export function describeScheduled(
  pool: Pick<Pool, 'driver' | 'config'> | null,
  { name, expandedConfig }: Pick<Instance, 'name' | 'expandedConfig'>,
): string | null {
  const schedule = expandedConfig['snapshots.schedule'] ?? '';
  if (pool === null || schedule === '' || !isLatestOnly(pool)) return null;
  return `Incus takes snapshots of ${name} by itself (${neutralise(schedule)}), and ${pool.driver} goes back to the newest one only: one that is taken during this run stands in the way of a rollback.`;
}

/** Names of what stands in the way of going back to the restore point, oldest first. */
export async function newerInTheWay(incus: Incus, name: string, restorePoint: RestorePoint): Promise<string[]> {
  const snapshots = await listSnapshots(incus, name);
  const newer = snapshots.ok
    ? snapshots.value.filter(({ createdAt }) => Date.parse(createdAt) > Date.parse(restorePoint.createdAt))
    : [];
  if (newer.length === 0) return [];
  const instance = await getInstance(incus, name);
  const root = instance.ok ? rootDisk(instance.value) : null;
  const pool = root === null ? null : await getPool(incus, root.pool);
  return pool?.ok && isLatestOnly(pool.value) ? newer.map((snapshot) => snapshot.name) : [];
}

/** The lines that remove them: guard itself removes only what it took. */
export function removalLines(
  of: { readonly instance: string; readonly project: string; readonly remote: string | null },
  names: readonly string[],
): string[] {
  const instance = of.remote === null ? of.instance : `${of.remote}:${of.instance}`;
  const project = of.project === 'default' ? [] : ['--project', of.project];
  return names.map((name) => shellWords(['incus', 'snapshot', 'delete', instance, name, ...project]));
}
