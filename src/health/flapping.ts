import { advisory, bounded, required, type FactFinding } from './finding.ts';
import { compareServices } from './resources/services.ts';
import { noIntent } from './intent.ts';
import { restartedProcesses } from './resources/process/compare.ts';
import type { Facts, Unit } from './facts.ts';
import {
  comesAndGoes,
  conditionOf,
  endedWell,
  isDesignedRestart,
  indexOf,
  longRunning,
  onDemand,
  reasonOf,
  restartsByHabit,
} from './resources/unit/state.ts';

/**
 * What happened between two looks after the command, for the soak: a restart, a vanished socket, a new failure. A restart
 * loop is found even when each look falls on a moment in which it is up. `baseline` says what was bad before the command
 * and therefore does not count.
 */
export function detectRestarts(baseline: Facts, previous: Facts, current: Facts): FactFinding[] {
  const bad = badUnits(baseline);
  const habits = habitualUnits(baseline);
  const pausing = pausingUnits(current, habits);
  const counts = ({ subject }: FactFinding): boolean => !bad.has(subject) && !pausing.has(subject);
  return bounded([
    ...restartedInstance(previous, current),
    ...restartedUnits(previous, current, habits).filter(counts),
    ...compareServices({ before: previous, after: current, restarted: false, intent: noIntent }).filter(
      (finding) => finding.severity === 'required' && counts(finding),
    ),
    ...restartedProcesses(baseline, previous, current),
  ]);
}

function badUnits(baseline: Facts): ReadonlySet<string> {
  return new Set(
    Object.values(baseline.units ?? {})
      .filter((unit) => ['failed', 'restarting', 'starting', 'stopping'].includes(conditionOf(unit)))
      .flatMap((unit) => [unit.id, ...unit.names].map((name) => `unit:${name}`)),
  );
}

/** Those that have just ended well, and will be started again. */
function pausingUnits(current: Facts, habits: ReadonlySet<string>): ReadonlySet<string> {
  return new Set(
    Object.values(current.units ?? {})
      .filter((unit) => habits.has(unit.id) && conditionOf(unit) === 'restarting' && endedWell(unit))
      .map((unit) => `unit:${unit.id}`),
  );
}

/** Every name of the units that ended and were started again by themselves long before the command. */
function habitualUnits(baseline: Facts): ReadonlySet<string> {
  return new Set(
    Object.values(baseline.units ?? {})
      .filter((unit) => restartsByHabit(unit, baseline))
      .flatMap((unit) => [unit.id, ...unit.names]),
  );
}

function restartedInstance(previous: Facts, current: Facts): FactFinding[] {
  return previous.init !== null && current.init !== null && previous.init.startTicks !== current.init.startTicks
    ? [required('instance', 'the instance restarted while guard watched', true)]
    : [];
}

function restartedUnits(previous: Facts, current: Facts, habits: ReadonlySet<string>): FactFinding[] {
  if (previous.units === null || current.units === null) return [];
  const index = indexOf(current);
  return Object.values(previous.units).flatMap((unit) => {
    const now = index.find(unit);
    if (now === null || !longRunning(unit) || comesAndGoes(unit) || conditionOf(unit) !== 'running') return [];
    return conditionOf(now) === 'running' ? restartOf(unit, now, habits.has(now.id)) : [];
  });
}

/** Units that have been up in both looks, and yet not all the time. */
function restartOf(unit: Unit, now: Unit, byHabit: boolean): FactFinding[] {
  const subject = `unit:${now.id}`;
  const restarts = now.restarts - unit.restarts;
  const reason = reasonOf(now);
  if (restarts > 0) {
    const times = restarts === 1 ? 'once' : `${restarts} times`;
    if (byHabit && restarts === 1)
      return [advisory(subject, `${now.id} restarted by itself once while guard watched, as it did before`)];
    // Its unit asks for that: it is waited for once more, and must then stay up.
    if (restarts === 1 && isDesignedRestart(now))
      return [required(subject, `${now.id} was restarted while guard watched, as its unit configures`, true)];
    return [
      required(
        subject,
        `${now.id} restarted by itself ${times} while guard watched${reason === '' ? '' : `: ${reason}`}`,
      ),
    ];
  }
  if (unit.invocation === '' || now.invocation === '' || unit.invocation === now.invocation) return [];
  // Somebody asked for it: a trigger of the package manager that is late, or a client of a service on demand.
  if (onDemand(now)) return [advisory(subject, `${now.id} was started on demand while guard watched`)];
  return [required(subject, `${now.id} was restarted while guard watched`, true)];
}
