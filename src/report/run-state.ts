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
}

/** Whether a run without an end is under way only its own host can tell. */
export function stateOf({ started, ended }: RunProgress): RunState {
  if (ended) {
    const { outcome } = ended;
    return { name: outcomeName(outcome), exitStatus: exitStatusOf(outcome), colour: outcomeColours[outcome.outcome] };
  }
  switch (started === null ? 'elsewhere' : inspectHolder(started.holder)) {
    case 'alive':
      return { name: 'under way', exitStatus: null, colour: 'yellow' };
    case 'dead':
      return { name: 'broken off', exitStatus: null, colour: 'red' };
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
