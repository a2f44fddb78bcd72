import type { Instance, Snapshot } from '../../platform/platform.ts';
import { neutralise } from '../../text.ts';

/** The maximum number of names in the message. */
const mostNames = 20;

/**
 * What a restore reverts besides the file system: keys and devices changed since the snapshot, one phrase
 * each. Values are omitted, because they may be secrets. Empty if nothing was changed.
 */
export function driftSince(snapshot: Pick<Snapshot, 'configuration'>, now: Pick<Instance, 'configuration'>): string[] {
  return [
    ...changesOf('key', snapshot.configuration.keys, now.configuration.keys),
    ...changesOf('device', snapshot.configuration.devices, now.configuration.devices),
  ];
}

/** The same as a sentence; null if nothing was changed. */
export function describeDrift(drift: readonly string[]): string | null {
  if (drift.length === 0) return null;
  const more = drift.length - mostNames;
  const told = [...drift.slice(0, mostNames), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
  return `The rollback also reverts configuration changes made since the restore point: ${told}.`;
}

function changesOf(
  what: 'key' | 'device',
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])]
    .toSorted()
    .filter((name) => before[name] !== now[name])
    .map((name) => {
      const how = before[name] === undefined ? 'added' : now[name] === undefined ? 'removed' : 'changed';
      return neutralise(`${what} ${name} (${how})`, 120);
    });
}
