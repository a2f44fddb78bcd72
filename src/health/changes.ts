import type { Changes } from '../event.ts';
import { neutralise } from '../text.ts';
import { mapOf } from './compare-finding.ts';
import type { Facts } from './facts.ts';
import { comesAndGoes, conditionOf } from './unit-state.ts';

/**
 * What the command did to packages, units and sockets, each sorted by name. What is unknown on either side is left out.
 * Units are those that are there to run: a unit that is only stopped has not gone.
 */
export const changesBetween = (before: Facts, after: Facts): Changes => ({
  packages: packageChanges(before, after),
  units: difference(unitNames(before, after), unitNames(after, before)),
  sockets: difference(socketNames(before, after), socketNames(after, before)),
});

const packageChanges = (before: Facts, after: Facts): Changes['packages'] => {
  if (before.packages === null || after.packages === null) return [];
  const [was, is] = [mapOf(before.packages.installed), mapOf(after.packages.installed)];
  return sorted(new Set([...was.keys(), ...is.keys()])).flatMap((name) => {
    const [from, to] = [was.get(name) ?? null, is.get(name) ?? null];
    return from === to ? [] : [{ name: neutralise(name, 200), from: said(from), to: said(to) }];
  });
};

const said = (version: string | null): string | null => (version === null ? null : neutralise(version, 200));

const unitNames = (facts: Facts, other: Facts): ReadonlySet<string> => {
  if (facts.units === null || other.units === null) return new Set();
  const there = Object.values(facts.units).filter((unit) => conditionOf(unit) !== 'gone' && !comesAndGoes(unit));
  return new Set(there.filter((unit) => !unit.id.endsWith('.mount')).map((unit) => unit.id));
};

const socketNames = (facts: Facts, other: Facts): ReadonlySet<string> => {
  if (facts.sockets === null || facts.unixSockets === null || other.sockets === null || other.unixSockets === null)
    return new Set();
  const [low, high] = facts.ephemeralPorts;
  const meant = facts.sockets.filter(({ protocol, port }) => protocol === 'tcp' || port < low || port > high);
  return new Set([
    ...meant.map(({ protocol, port, address }) => `${protocol}/${port} at ${address}`),
    ...facts.unixSockets.map(({ path }) => path),
  ]);
};

const difference = (was: ReadonlySet<string>, is: ReadonlySet<string>): { appeared: string[]; gone: string[] } => ({
  appeared: sorted(is)
    .filter((name) => !was.has(name))
    .map((name) => neutralise(name, 200)),
  gone: sorted(was)
    .filter((name) => !is.has(name))
    .map((name) => neutralise(name, 200)),
});

const sorted = (names: Iterable<string>): string[] => [...names].toSorted();
