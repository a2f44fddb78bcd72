import type { Changes } from '../event.ts';
import { neutralise } from '../text.ts';

/** `guard show --changes`: like a diff, so that it can be read as one. */
export function runChangeLines(changes: Changes | null): string[] {
  if (changes === null) return ['Nothing is known of what changed: it was not seen both before and after.'];
  const { packages, units, sockets, unknown = [] } = changes;
  const lines = [
    ...packages.flatMap(({ name, from, to }) => [
      ...(from === null ? [] : [`-package ${name} ${from}`]),
      ...(to === null ? [] : [`+package ${name} ${to}`]),
    ]),
    ...listed('unit', units),
    ...(units.changed ?? []).flatMap(({ name, from, to }) => [`-unit ${name} ${from}`, `+unit ${name} ${to}`]),
    ...listed('socket', sockets),
  ].map((line) => neutralise(line));
  return [
    '--- before',
    '+++ after',
    ...(lines.length === 0 ? [' nothing that guard compares by name has changed'] : lines),
    ...unknown.map((section) => ` ${section} could not be read`),
  ];
}

function listed(kind: string, { appeared, gone }: Changes['units']): string[] {
  return [...gone.map((name) => `-${kind} ${name}`), ...appeared.map((name) => `+${kind} ${name}`)];
}
