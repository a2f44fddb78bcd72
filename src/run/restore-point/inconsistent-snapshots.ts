import type { Incus } from '../../incus/client.ts';
import type { IncusFailure } from '../../incus/failure.ts';
import type { Instance } from '../../incus/instance.ts';
import { listOperations } from '../../incus/operations.ts';
import { deleteSnapshot, listSnapshots, type Snapshot } from '../../incus/snapshot.ts';
import { listSnapshotRecords, rootDisk } from '../../incus/storage.ts';
import { ok } from '../../result.ts';
import { shellWords } from '../../text.ts';
import { removalLines } from './newer-snapshots.ts';

/**
 * What a daemon that was killed left half done. Incus keeps two records of each snapshot, of the instance and of its data,
 * and while they differ it takes, renames and restores no snapshot, changes no configuration and starts nothing (seen on 6.0).
 */
export interface InconsistentSnapshots {
  /** They have no data: it died while it took or removed them. To remove them (again) finishes it, and loses nothing. */
  readonly empty: readonly EmptySnapshot[];
  /** Names of data that no snapshot has: it died while it renamed one. Only its database can be mended then. */
  readonly nameless: readonly string[];
}

/** What is known of a snapshot without its data. */
type EmptySnapshot = Pick<Snapshot, 'name' | 'createdAt' | 'expiresAt'>;

/** Whose snapshots. */
export interface SnapshotOwner {
  readonly instance: string;
  readonly project: string;
  readonly remote: string | null;
}

/** Compares the two records. Nothing is torn where that cannot be seen. `seen`: the snapshots, where they were just listed. */
export async function findInconsistentSnapshots(
  incus: Incus,
  instance: Pick<Instance, 'name' | 'type' | 'expandedDevices'>,
  seen: readonly Snapshot[] | null = null,
): Promise<InconsistentSnapshots> {
  const first = await compare(incus, instance, seen);
  if (isConsistent(first)) return first;
  // A snapshot that is being taken, removed or renamed looks the same for some milliseconds.
  const operations = await listOperations(incus);
  const isAtWork = (names: readonly string[]): boolean => names.length === 0 || names.includes(instance.name);
  if (
    !operations.ok ||
    operations.value.some((one) => one.class === 'task' && one.statusCode < 200 && isAtWork(one.instances))
  )
    return whole;
  const second = await compare(incus, instance, null);
  return {
    empty: second.empty.filter((one) => first.empty.some((seen) => isSame(seen, one))),
    nameless: second.nameless.filter((name) => first.nameless.includes(name)),
  };
}

/** A name alone may be another snapshot's by now. */
function isSame(a: EmptySnapshot, b: EmptySnapshot): boolean {
  return a.name === b.name && a.createdAt === b.createdAt;
}

const whole: InconsistentSnapshots = { empty: [], nameless: [] };

/** Whether nothing is torn. */
export function isConsistent({ empty, nameless }: InconsistentSnapshots): boolean {
  return empty.length === 0 && nameless.length === 0;
}

async function compare(
  incus: Incus,
  instance: Pick<Instance, 'name' | 'type' | 'expandedDevices'>,
  seen: readonly Snapshot[] | null,
): Promise<InconsistentSnapshots> {
  const root = rootDisk(instance);
  if (root === null) return whole;
  const [snapshots, records] = await Promise.all([
    seen === null ? listSnapshots(incus, instance.name) : ok(seen),
    listSnapshotRecords(incus, root.pool, instance),
  ]);
  if (!snapshots.ok || !records.ok) return whole;
  return {
    empty: snapshots.value.filter(({ name }) => !records.value.includes(name)),
    nameless: records.value.filter((record) => !snapshots.value.some(({ name }) => name === record)),
  };
}

/** Whether Incus refused something because of what is torn. */
export function isInconsistencyFailure({ detail }: IncusFailure): boolean {
  return /snapshot record (count doesn't match|missing)/.test(detail);
}

/**
 * Removes again what has no data, where `isOwn` says that guard took it. Returns what is left and what was removed. Where a
 * renaming was cut nothing is touched: its data would be lost with its name.
 */
export async function repairInconsistentSnapshots(
  incus: Incus,
  instance: Pick<Instance, 'name' | 'type' | 'expandedDevices'>,
  isOwn: (snapshot: EmptySnapshot) => boolean,
  limitMs: number,
): Promise<{ readonly removed: readonly string[]; readonly left: InconsistentSnapshots }> {
  const torn = await findInconsistentSnapshots(incus, instance);
  if (torn.nameless.length > 0) return { removed: [], left: torn };
  const removed: string[] = [];
  for (const { name } of torn.empty.filter(isOwn)) {
    // It says that the others are torn while there are others; this one is gone then all the same.
    const ended = await deleteSnapshot(incus, instance.name, name, { limitMs });
    if (ended.ok || isInconsistencyFailure(ended.error) || ended.error.kind === 'not-found') removed.push(name);
  }
  return { removed, left: { empty: torn.empty.filter(({ name }) => !removed.includes(name)), nameless: [] } };
}

/** What is torn, in a sentence. */
export function describeInconsistency(
  { instance }: Pick<SnapshotOwner, 'instance'>,
  torn: InconsistentSnapshots,
): string {
  const names = torn.empty.map(({ name }) => `"${name}"`).join(', ');
  return torn.nameless.length > 0
    ? `Incus was ended while it renamed the snapshot ${names} of "${instance}" to "${torn.nameless.join('", "')}", and takes, restores and starts nothing of it until its records agree.`
    : `Incus was ended while it took or removed the snapshot ${names} of "${instance}": its data is gone, and Incus takes, restores and starts nothing of the instance while the snapshot is still listed.`;
}

/** The lines that mend it; those for `incus admin` are for the server itself. Nothing is lost by them. */
export function repairCommands(of: SnapshotOwner, torn: InconsistentSnapshots): string[] {
  if (torn.nameless.length === 0)
    return removalLines(
      of,
      torn.empty.map(({ name }) => name),
    );
  return torn.nameless.flatMap((nameless, index) => {
    const snapshot = torn.empty[index]?.name;
    return snapshot === undefined
      ? []
      : [shellWords(['incus', 'admin', 'sql', 'global', renaming(of, nameless, snapshot)])];
  });
}

/** The data gets back the name that its snapshot still has. */
function renaming({ instance, project }: SnapshotOwner, from: string, to: string): string {
  return (
    `UPDATE storage_volumes_snapshots SET name=${text(to)} WHERE name=${text(from)} AND storage_volume_id IN ` +
    `(SELECT storage_volumes.id FROM storage_volumes JOIN projects ON projects.id=storage_volumes.project_id ` +
    `WHERE storage_volumes.name=${text(instance)} AND storage_volumes.type IN (0, 3) AND projects.name=${text(project)})`
  );
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
