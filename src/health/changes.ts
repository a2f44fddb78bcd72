import type { Changes, UnitChange } from '../event.ts';
import { neutralise } from '../text.ts';
import { mapOf } from './finding.ts';
import type { Facts } from './facts.ts';
import { lostSockets } from './resources/listener/compare.ts';
import { lostUnixSockets } from './resources/unix-socket/compare.ts';
import { comesAndGoes, conditionOf, indexOf, onDemand } from './resources/unit/state.ts';

/**
 * What the command did to packages, units and sockets, each sorted by name. What could not be read on either side is
 * left out, and named in `unknown`. A unit that is only stopped has not gone: its state has changed.
 */
export function changesBetween(before: Facts, after: Facts): Changes {
  return {
    packages: packageChanges(before, after),
    units: unitChanges(before, after),
    sockets: { appeared: lostNames(after, before), gone: lostNames(before, after) },
    ...unknownSections(before, after),
  };
}

function unknownSections(...looks: readonly Facts[]): Pick<Changes, 'unknown'> {
  const unknown = [
    ...(looks.some(({ packages }) => packages === null || packages.manager === 'none') ? (['packages'] as const) : []),
    // Without a service manager there are no units to tell of.
    ...(looks.some(({ manager, units }) => units === null && manager.kind !== 'none') ? (['units'] as const) : []),
    ...(looks.some(({ sockets, unixSockets }) => sockets === null || unixSockets === null)
      ? (['sockets'] as const)
      : []),
  ];
  return unknown.length === 0 ? {} : { unknown };
}

function packageChanges(before: Facts, after: Facts): Changes['packages'] {
  if (before.packages === null || after.packages === null) return [];
  const [was, is] = [mapOf(before.packages.installed), mapOf(after.packages.installed)];
  return sorted(new Set([...was.keys(), ...is.keys()])).flatMap((name) => {
    const [from, to] = [was.get(name) ?? null, is.get(name) ?? null];
    return from === to ? [] : [{ name: neutralise(name, 200), from: said(from), to: said(to) }];
  });
}

function said(version: string | null): string | null {
  return version === null ? null : neutralise(version, 200);
}

/** Of units that appear, those that do something; of those that go, those that did something and are not there any more. */
function unitChanges(before: Facts, after: Facts): Changes['units'] {
  if (before.units === null || after.units === null) return { appeared: [], gone: [] };
  const changed = stateChanges(before, after);
  return {
    appeared: atWork(after, namesIn(before)),
    gone: atWork(before, namesIn(after)),
    ...(changed.length === 0 ? {} : { changed }),
  };
}

/** Units that are there on both sides. What starts and ends on demand is told only where it fails. */
function stateChanges(before: Facts, after: Facts): UnitChange[] {
  const there = indexOf(after);
  return Object.values(before.units ?? {})
    .flatMap((unit) => {
      const now = there.find(unit);
      if (now === null || comesAndGoes(unit)) return [];
      const [from, to] = [conditionOf(unit), conditionOf(now)];
      if (from === to || [from, to].some((condition) => ['gone', 'masked'].includes(condition))) return [];
      if (to !== 'failed' && from !== 'failed' && onDemand(unit)) return [];
      return [{ name: neutralise(unit.id, 200), from, to }];
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function namesIn(facts: Facts): ReadonlySet<string> {
  return new Set(
    Object.values(facts.units ?? {}).flatMap((unit) =>
      ['gone', 'masked'].includes(conditionOf(unit)) ? [] : [unit.id, ...unit.names],
    ),
  );
}

function atWork(facts: Facts, known: ReadonlySet<string>): string[] {
  return sorted(
    Object.values(facts.units ?? {})
      .filter((unit) => !['gone', 'masked', 'stopped'].includes(conditionOf(unit)) && !comesAndGoes(unit))
      .filter((unit) => !unit.id.endsWith('.mount') && ![unit.id, ...unit.names].some((name) => known.has(name)))
      .map((unit) => neutralise(unit.id, 200)),
  );
}

/** What nobody serves any more of what was served before: addresses that another one covers, and names that are another one each time, are none. */
function lostNames(before: Facts, after: Facts): string[] {
  const missing = [before, after].some(({ sockets, unixSockets }) => sockets === null || unixSockets === null);
  if (missing) return [];
  const names = [
    ...lostSockets(before, after).flatMap(({ protocol, port, lost }) =>
      lost.map((address) => `${protocol}/${port} at ${address}`),
    ),
    ...lostUnixSockets(before, after).map(({ socket }) => socket.path),
  ];
  return sorted(new Set(names)).map((name) => neutralise(name, 200));
}

function sorted(names: Iterable<string>): string[] {
  return [...names].toSorted();
}
