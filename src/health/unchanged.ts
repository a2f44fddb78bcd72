import type { CheckResult } from '../event.ts';
import type { Facts, Process, Unit } from './facts.ts';

/** What was seen before and after. */
interface Seen {
  readonly facts: Facts | null;
  readonly checks: readonly CheckResult[];
}

/** Younger processes may end by themselves at any moment: a cron job, a login. In milliseconds. */
const settledMs = 10_000;

/**
 * What differs between two observations of an instance, or could not be compared, in words. Nothing differs only where
 * everything could be read on both sides: the same boot, main processes, sockets, packages, files below /etc and answers.
 * Stricter than a verdict, which asks only whether something is worse. Pure.
 */
export function differencesBetween(before: Seen, after: Seen): string[] {
  const [then, now] = [before.facts, after.facts];
  if (then === null || now === null) return ['the inside could not be seen'];
  return [
    then.init === null || now.init === null || then.init.startTicks !== now.init.startTicks ? 'the boot' : null,
    differs(unitsOf(then), unitsOf(now), 'units'),
    differs(filesOf(then.unitFiles), filesOf(now.unitFiles), 'unit files'),
    processesEnded(then, now) ? 'processes' : null,
    differs(socketsOf(then), socketsOf(now), 'sockets'),
    differs(packagesOf(then), packagesOf(now), 'packages'),
    differs(then.configuration?.signatures ?? null, now.configuration?.signatures ?? null, 'files below /etc'),
    differs(answersOf(then), answersOf(now), 'answers'),
    differs(resultsOf(before.checks), resultsOf(after.checks), 'checks'),
  ].filter((difference) => difference !== null);
}

type Table = Readonly<Record<string, unknown>> | null;

/** A section that cannot be read is a difference. */
function differs(then: Table, now: Table, name: string): string | null {
  if (then === null || now === null) return `${name} (could not be read)`;
  const keys = Object.keys(then);
  const same = keys.length === Object.keys(now).length && keys.every((key) => sameValue(then[key], now[key]));
  return same ? null : name;
}

function sameValue(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Sessions and other units that come and go with a visitor are none of the instance's. */
function unitsOf({ manager, units }: Facts): Table {
  if (units === null) return manager.kind === 'none' ? {} : null;
  const lasting = Object.values(units).filter(
    (unit) => !unit.transient && /\.(service|socket|timer|mount)$|^[^.]+$/.test(unit.id),
  );
  return Object.fromEntries(lasting.map((unit) => [unit.id, stateOf(unit)]));
}

function stateOf({ load, active, sub, mainPid, invocation, restarts }: Unit): unknown {
  // A timer's service runs for a moment, and is then as it was: only its last start differs.
  return active === 'inactive' ? [load, active, sub] : [load, active, sub, mainPid, invocation, restarts];
}

function filesOf(files: readonly string[] | null): Table {
  return files === null ? {} : Object.fromEntries(files.map((file) => [file, true]));
}

function processesEnded(then: Facts, now: Facts): boolean {
  if (then.processes === null || now.processes === null) return true;
  const alive = new Set(now.processes.map(identity));
  return then.processes.some((process) => process.ageMs >= settledMs && !alive.has(identity(process)));
}

function identity({ pid, startTicks }: Process): string {
  return `${pid}/${startTicks}`;
}

/** Clients get any port of the ephemeral range for an answer. */
function socketsOf({ sockets, unixSockets, ephemeralPorts: [low, high] }: Facts): Table {
  if (sockets === null || unixSockets === null) return null;
  const lasting = sockets.filter(({ protocol, port }) => protocol === 'tcp' || port < low || port > high);
  return Object.fromEntries([
    ...lasting.map(({ protocol, address, port, owner }) => [`${protocol} ${address} ${port}`, owner]),
    ...unixSockets.map(({ path, owner }) => [path, owner]),
  ]);
}

function packagesOf({ packages }: Facts): Table {
  return packages === null ? null : { ...packages.installed, '': [packages.broken, packages.interrupted] };
}

function answersOf({ answers }: Facts): Table {
  return Object.fromEntries(
    (answers ?? []).map(({ protocol, port, question, said }) => [`${protocol} ${port} ${question}`, said]),
  );
}

function resultsOf(checks: readonly CheckResult[]): Table {
  return Object.fromEntries(checks.map(({ name, status }) => [name, status]));
}
