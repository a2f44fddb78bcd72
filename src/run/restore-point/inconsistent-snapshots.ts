import type { PlatformFailure } from '../../platform/failure.ts';
import type { InconsistentSnapshots, Instance, InstanceAddress, Platform } from '../../platform/platform.ts';

/** Whether the records agree. */
export function isConsistent({ empty, nameless }: InconsistentSnapshots): boolean {
  return empty.length === 0 && nameless.length === 0;
}

/** Whether the server refused something because of them. */
export function isInconsistencyFailure({ kind }: PlatformFailure): boolean {
  return kind === 'inconsistent-snapshots';
}

/**
 * Removes snapshots without data that guard took (`isOwn`). Returns what remains and what was removed. If a
 * rename was interrupted nothing is changed: the data would be lost with its name.
 */
export async function repairInconsistentSnapshots(
  platform: Platform,
  instance: Instance,
  isOwn: (snapshot: InconsistentSnapshots['empty'][number]) => boolean,
  limitMs: number,
): Promise<{ readonly removed: readonly string[]; readonly left: InconsistentSnapshots }> {
  const torn = await platform.findInconsistentSnapshots(instance);
  if (torn.nameless.length > 0) return { removed: [], left: torn };
  const removed: string[] = [];
  for (const { name } of torn.empty.filter(isOwn)) {
    // The server complains while other snapshots are inconsistent, but this one is removed.
    const ended = await platform.deleteSnapshot(instance.name, name, { limitMs });
    if (ended.ok || isInconsistencyFailure(ended.error) || ended.error.kind === 'not-found') removed.push(name);
  }
  return { removed, left: { empty: torn.empty.filter(({ name }) => !removed.includes(name)), nameless: [] } };
}

/** Describes the inconsistency, in a sentence. */
export function describeInconsistency(
  { instance }: Pick<InstanceAddress, 'instance'>,
  torn: InconsistentSnapshots,
): string {
  const names = torn.empty.map(({ name }) => `"${name}"`).join(', ');
  return torn.nameless.length > 0
    ? `The server was killed while it renamed the snapshot ${names} of "${instance}" to "${torn.nameless.join('", "')}". It cannot snapshot, restore or start the instance until its records agree.`
    : `The server was killed while it took or removed the snapshot ${names} of "${instance}". Its data is lost, and the server cannot snapshot, restore or start the instance while the snapshot is still listed.`;
}
