import type { Changes } from '../event.ts';
import { neutralise } from '../text.ts';

/** `guard show --changes`: like a diff, so that it can be read as one. */
export function runChangeLines(changes: Changes | null): string[] {
  if (changes === null)
    return ['What changed is unknown: guard did not observe the instance both before and after the command.'];
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
    ...(lines.length === 0 ? [' no package, unit or socket has changed'] : lines),
    ...unknown.map((section) => ` ${section} could not be read`),
  ];
}

function listed(kind: string, { appeared, gone }: Changes['units']): string[] {
  return [...gone.map((name) => `-${kind} ${name}`), ...appeared.map((name) => `+${kind} ${name}`)];
}
