import { advisory, bounded, required, type FactFinding } from './compare-finding.ts';
import { compareServices } from './compare-services.ts';
import { restartedProcesses } from './compare-processes.ts';
import type { Facts, Unit } from './facts.ts';
import { comesAndGoes, conditionOf, indexOf, longRunning, onDemand, reasonOf } from './unit-state.ts';

/**
 * What happened between two looks after the command, for the soak: a restart, a vanished socket, a new failure. A restart
 * loop is found even when each look falls on a moment in which it is up. `baseline` says what was bad before the command
 * and therefore does not count.
 */
export const compareLooks = (baseline: Facts, previous: Facts, current: Facts): FactFinding[] => {
  const bad = badUnits(baseline);
  const counts = (finding: FactFinding): boolean => !bad.has(finding.subject);
  return bounded([
    ...restartedInstance(previous, current),
    ...restartedUnits(previous, current).filter(counts),
    ...compareServices(previous, current, false).filter(
      (finding) => finding.severity === 'required' && counts(finding),
    ),
    ...restartedProcesses(baseline, previous, current),
  ]);
};

const badUnits = (baseline: Facts): ReadonlySet<string> =>
  new Set(
    Object.values(baseline.units ?? {})
      .filter((unit) => ['failed', 'restarting', 'starting', 'stopping'].includes(conditionOf(unit)))
      .flatMap((unit) => [unit.id, ...unit.names].map((name) => `unit:${name}`)),
  );

const restartedInstance = (previous: Facts, current: Facts): FactFinding[] =>
  previous.init !== null && current.init !== null && previous.init.startTicks !== current.init.startTicks
    ? [required('instance', 'the instance restarted while guard watched', true)]
    : [];

const restartedUnits = (previous: Facts, current: Facts): FactFinding[] => {
  if (previous.units === null || current.units === null) return [];
  const index = indexOf(current);
  return Object.values(previous.units).flatMap((unit) => {
    const now = index.find(unit);
    if (now === null || !longRunning(unit) || comesAndGoes(unit) || conditionOf(unit) !== 'running') return [];
    return conditionOf(now) === 'running' ? restartOf(unit, now) : [];
  });
};

/** Units that have been up in both looks, and yet not all the time. */
const restartOf = (unit: Unit, now: Unit): FactFinding[] => {
  const subject = `unit:${now.id}`;
  const restarts = now.restarts - unit.restarts;
  const reason = reasonOf(now);
  if (restarts > 0) {
    const times = restarts === 1 ? 'once' : `${restarts} times`;
    return [
      required(
        subject,
        `${now.id} restarted by itself ${times} while guard watched${reason === '' ? '' : `: ${reason}`}`,
      ),
    ];
  }
  if (unit.invocation === '' || now.invocation === '' || unit.invocation === now.invocation) return [];
  // Somebody asked for it: a trigger of the package manager that is late, or a client of a service on demand.
  if (onDemand(now)) return [advisory(subject, `${now.id} was started anew on demand while guard watched`)];
  return [required(subject, `${now.id} was restarted while guard watched`, true)];
};
