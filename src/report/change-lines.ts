import type { Changes } from '../event.ts';
import { neutralise } from '../text.ts';
import { bounded, formatPackageChange } from './format.ts';

/** What changed, a line for each kind. `had` stands where it has been taken back: `packages that had changed`. */
export function changeLines(changes: Changes, had: '' | 'had '): string[] {
  const { packages, units, sockets } = changes;
  const gone = had === '' ? 'went' : 'gone';
  return [
    packages.length > 0 ? `packages that ${had}changed: ${bounded(packages.map(formatPackageChange), 10)}` : null,
    packages.length === 0 && !isUnknown(changes, 'packages') ? `no package ${had}changed` : null,
    names(`units that ${had}appeared`, units.appeared),
    names(`units that ${had}${gone}`, units.gone),
    names(
      `units whose state ${had}changed`,
      (units.changed ?? []).map(({ name, from, to }) => `${name} (${from} → ${to})`),
    ),
    names(`sockets that ${had}appeared`, sockets.appeared),
    names(`sockets that ${had}${gone}`, sockets.gone),
  ].flatMap((line) => (line === null ? [] : [neutralise(line, 4000)]));
}

function isUnknown(changes: Changes, section: 'packages' | 'units' | 'sockets'): boolean {
  return changes.unknown?.includes(section) ?? false;
}

function names(title: string, items: readonly string[]): string | null {
  return items.length === 0 ? null : `${title}: ${bounded(items, 5)}`;
}
