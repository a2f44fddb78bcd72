import type { Changes } from '../event.ts';
import { neutralise } from '../text.ts';
import { mapOf } from './finding.ts';
import type { Facts } from './facts.ts';
import { comesAndGoes, conditionOf } from './resources/unit/state.ts';

/**
 * What the command did to packages, units and sockets, each sorted by name. What could not be read on either side is
 * left out, and named in `unknown`. A unit that is only stopped has not gone.
 */
export function changesBetween(before: Facts, after: Facts): Changes {
  return {
    packages: packageChanges(before, after),
    units: unitChanges(before, after),
    sockets: difference(socketNames(before, after), socketNames(after, before)),
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
  return { appeared: atWork(after, namesIn(before)), gone: atWork(before, namesIn(after)) };
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

function socketNames(facts: Facts, other: Facts): ReadonlySet<string> {
  if (facts.sockets === null || facts.unixSockets === null || other.sockets === null || other.unixSockets === null)
    return new Set();
  const [low, high] = facts.ephemeralPorts;
  const meant = facts.sockets.filter(({ protocol, port }) => protocol === 'tcp' || port < low || port > high);
  return new Set([
    ...meant.map(({ protocol, port, address }) => `${protocol}/${port} at ${address}`),
    ...facts.unixSockets.map(({ path }) => path),
  ]);
}

function difference(was: ReadonlySet<string>, is: ReadonlySet<string>): { appeared: string[]; gone: string[] } {
  return {
    appeared: sorted(is)
      .filter((name) => !was.has(name))
      .map((name) => neutralise(name, 200)),
    gone: sorted(was)
      .filter((name) => !is.has(name))
      .map((name) => neutralise(name, 200)),
  };
}

function sorted(names: Iterable<string>): string[] {
  return [...names].toSorted();
}
