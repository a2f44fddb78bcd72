import type { Instance } from '../../incus/instance.ts';
import type { Snapshot } from '../../incus/snapshot.ts';
import { neutralise } from '../../text.ts';

/** The most names that are told; what is more is counted. */
const mostNames = 20;

/**
 * What a restore undoes beside the file system: keys and devices that were set, changed or removed since the snapshot, one phrase
 * each. Values are left out, because they may be secrets. Empty where nothing was changed.
 */
export function driftSince(
  snapshot: Pick<Snapshot, 'config' | 'devices'>,
  now: Pick<Instance, 'config' | 'devices'>,
): string[] {
  return [
    ...changesOf('key', own(snapshot.config), own(now.config)),
    ...changesOf('device', serialised(snapshot.devices), serialised(now.devices)),
  ];
}

/** The same as a sentence; null where there is nothing to tell. */
export function describeDrift(drift: readonly string[]): string | null {
  if (drift.length === 0) return null;
  const more = drift.length - mostNames;
  const told = [...drift.slice(0, mostNames), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
  return `The way back also undoes what was changed in the configuration of the instance since: ${told}.`;
}

/** Incus' own notes change with every start, and guard's with the run. */
function own(config: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !/^(volatile\.|user\.guard\.)/.test(key)));
}

function serialised(devices: Readonly<Record<string, Readonly<Record<string, string>>>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(devices).map(([name, keys]) => [name, JSON.stringify(Object.entries(keys).toSorted(byName))]),
  );
}

function byName([a]: [string, string], [b]: [string, string]): number {
  return a.localeCompare(b);
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
