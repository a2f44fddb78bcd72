import type { Outcome, RunStarted } from '../../event.ts';
import type { Facts } from '../../health/facts.ts';
import type { Commands, Pool, Snapshot } from '../../platform/platform.ts';
import type { Result } from '../../result.ts';
import type { Attempt } from '../decision.ts';
import type { ChangeTraits, Plan } from '../plan.ts';
import type { PreparedRun } from '../prepared-run.ts';
import type { RunTools } from '../tools.ts';

/** What a run does between its restore point and its verdict: a command, a rollback, or a transaction of a package manager. */
export interface Change extends ChangeTraits {
  /** What the event `run-started` says of it. */
  readonly started: Pick<RunStarted, 'rolledBackTo' | 'transaction'>;
  /**
   * Whether it is possible with what was seen of the instance. Asked twice: before and after the storage pool is known. The
   * error is the refusal of the run. Requests nothing.
   */
  readonly admit: (plan: Plan, seen: SnapshotSurvey) => Result<void, Outcome>;
  /** Carries it out and verifies the instance. What is thrown counts as a change that failed. */
  readonly attempt: (plan: Plan, tools: RunTools, prepared: PreparedRun) => Promise<WholeAttempt>;
  /** How it is quarantined after it was rolled back; null for a change that never is. */
  readonly quarantine: Quarantine | null;
}

/** How the same change is recognised, so that it is not repeated. */
export interface Quarantine {
  /** Equal for two runs that would make the same change. */
  readonly fingerprint: (plan: Plan, tools: Pick<RunTools, 'platform'>) => Promise<string>;
  /** How to run it anyway: continues a sentence that begins with "`guard show RUN`". */
  readonly retryAdvice: string;
}

/** The plan of a guarded run, with the change that it makes. */
export interface RunPlan extends Plan {
  readonly change: Change;
}

/** What a change must know of the snapshots of its instance. */
export interface SnapshotSurvey {
  readonly snapshots: readonly Snapshot[];
  /** Null before it is known, and where it cannot be read. */
  readonly pool: Pool | null;
  readonly commands: Commands;
}

/** The result of an attempt, with the data for its evidence. */
export interface WholeAttempt extends Attempt {
  /** The end of what the command wrote; null where guard itself failed, or where guard runs no command. */
  readonly output: string | null;
  /** The facts of the deciding observation; null if there was none. */
  readonly factsAfter: Facts | null;
  /** Nothing was changed, so no restore point is needed. */
  readonly unchanged: boolean;
  /** What the person at the terminal has chosen already; null where they have not. */
  readonly choice: 'keep' | 'rollback' | null;
}

/** What an attempt has where nothing was observed and nobody was asked. */
export const nothingSeen = { output: null, factsAfter: null, choice: null, unchanged: false } as const;
