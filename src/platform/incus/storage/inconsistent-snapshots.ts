import { ok } from '../../../result.ts';
import type { InconsistentSnapshots, Instance, Snapshot } from '../../platform.ts';
import type { Incus } from '../http/client.ts';
import { listOperations } from '../http/operations.ts';
import { listSnapshots } from '../instances/snapshot.ts';
import { listSnapshotRecords } from './pool.ts';

/** Incus keeps two records of each snapshot, of the instance and of its data: a killed daemon leaves them different. */
export async function findInconsistentSnapshots(
  incus: Incus,
  instance: Instance,
  seen: readonly Snapshot[] | null,
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
    return none;
  const second = await compare(incus, instance, null);
  return {
    empty: second.empty.filter((one) => first.empty.some((before) => isSame(before, one))),
    nameless: second.nameless.filter((name) => first.nameless.includes(name)),
  };
}

const none: InconsistentSnapshots = { empty: [], nameless: [] };

function isConsistent({ empty, nameless }: InconsistentSnapshots): boolean {
  return empty.length === 0 && nameless.length === 0;
}

type Named = Pick<Snapshot, 'name' | 'createdAt'>;

/** A name alone may be another snapshot's by now. */
function isSame(a: Named, b: Named): boolean {
  return a.name === b.name && a.createdAt === b.createdAt;
}

async function compare(
  incus: Incus,
  instance: Instance,
  seen: readonly Snapshot[] | null,
): Promise<InconsistentSnapshots> {
  const root = instance.disks.find((disk) => disk.kind === 'root');
  if (root === undefined || root.kind !== 'root') return none;
  const [snapshots, records] = await Promise.all([
    seen === null ? listSnapshots(incus, instance.name) : ok(seen),
    listSnapshotRecords(incus, root.pool, instance),
  ]);
  if (!snapshots.ok || !records.ok) return none;
  return {
    empty: snapshots.value.filter(({ name }) => !records.value.includes(name)),
    nameless: records.value.filter((record) => !snapshots.value.some(({ name }) => name === record)),
  };
}
