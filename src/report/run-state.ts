import { remainingMs, type ClockReading, type Deadline } from '../deadline.ts';
import { formatDuration } from '../duration.ts';
import type { Outcome, RunStarted } from '../event.ts';
import { inspectHolder } from '../journal/holder.ts';
import { exitStatusOf, outcomeName } from '../run/outcome.ts';

/** What can be said of a recorded run at this moment. */
export interface RunState {
  /** The outcome's name, or what is known of a run without one. */
  readonly name: string;
  /** Null without an outcome. */
  readonly exitStatus: number | null;
  readonly colour: 'green' | 'yellow' | 'red';
}

/** Recorded, as far as its end is there. */
export interface RunProgress {
  readonly started: RunStarted | null;
  readonly ended: { readonly outcome: Outcome } | null;
  readonly confirmationDeadline?: Deadline | null;
  readonly decided?: object | null;
}

/** The deadline of a change that is not confirmed or rolled back yet; null where nothing waits. */
export function waitingUntil({ ended, confirmationDeadline = null, decided = null }: RunProgress): Deadline | null {
  const isOpen = ended === null || ended.outcome.outcome === 'waiting';
  return isOpen && decided === null ? confirmationDeadline : null;
}

/** `4m left`, or `overdue` after the deadline; empty where nothing waits. */
export function timeLeftOf(run: RunProgress, reading: ClockReading): string {
  const deadline = waitingUntil(run);
  if (deadline === null) return '';
  const left = remainingMs(deadline, reading);
  return left > 0 ? `${formatDuration(Math.ceil(left / 1000) * 1000)} left` : 'overdue';
}

/** Whether a run without an end is under way only its own host can tell. */
export function stateOf(run: RunProgress): RunState {
  const { started, ended } = run;
  // Its guard may be alive or dead: the deadline is kept all the same.
  if (ended === null && waitingUntil(run) !== null) return { name: 'waiting', exitStatus: null, colour: 'yellow' };
  if (ended) {
    const { outcome } = ended;
    return { name: outcomeName(outcome), exitStatus: exitStatusOf(outcome), colour: outcomeColours[outcome.outcome] };
  }
  switch (started === null ? 'elsewhere' : inspectHolder(started.holder)) {
    case 'alive':
      return { name: 'in progress', exitStatus: null, colour: 'yellow' };
    case 'dead':
      return { name: 'unfinished', exitStatus: null, colour: 'red' };
    case 'elsewhere':
      return { name: 'not ended', exitStatus: null, colour: 'yellow' };
  }
}

/** Green: kept and healthy. Yellow: rolled back, or not started. Red: a person must act. */
export const outcomeColours = {
  kept: 'green',
  'rolled-back': 'yellow',
  interrupted: 'yellow',
  'kept-unhealthy': 'red',
  'kept-unchanged': 'yellow',
  'instance-gone': 'yellow',
  'rolled-back-not-well': 'red',
  'rollback-failed': 'red',
  waiting: 'yellow',
  refused: 'yellow',
  busy: 'yellow',
  quarantined: 'yellow',
  'rehearsal-passed': 'green',
  'rehearsal-failed': 'red',
  'rehearsal-inconclusive': 'yellow',
  usage: 'yellow',
  configuration: 'yellow',
} as const satisfies Record<Outcome['outcome'], string>;
