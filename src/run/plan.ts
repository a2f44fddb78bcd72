import type { CheckDefinition } from '../check-definition.ts';
import type { Cause, CommandEnd, RestorePoint, TransactionStart } from '../event.ts';
import type { Baseline } from '../health/baseline.ts';
import type { LifecycleCommands } from '../lifecycle-command.ts';
import type { PushPlan } from './push/source.ts';

/** What the user wants done where a run cannot simply keep the change. */
export type Policy = 'rollback' | 'keep' | 'ask';

/** Everything one run is going to do, decided before anything happens. All limits in milliseconds. */
export interface Plan {
  /** The run's id. */
  readonly run: string;
  readonly version: string;
  readonly instance: string;
  readonly project: string;
  readonly remote: string | null;
  readonly command: CommandPlan;
  readonly change: Change;
  /** What is brought into the instance before the command, in order. */
  readonly pushes: readonly PushPlan[];
  readonly checks: readonly CheckDefinition[];
  /** Whether the facts inside the instance are compared as well. */
  readonly automatic: boolean;
  readonly allowUnhealthy: boolean;
  /** What to do about disks that no restore point covers. */
  readonly uncovered: 'refuse' | 'warn' | 'accept';
  /** Statuses of the command that count as success, as inclusive ranges. */
  readonly okStatus: readonly StatusRange[];
  readonly onFailure: Readonly<Record<Exclude<Cause, 'interrupted'>, Policy>>;
  /** What is done about a command that failed and has changed nothing that guard compares. */
  readonly onUnchanged: 'rollback' | 'keep';
  /** How long `ask` waits for an answer before it rolls back. */
  readonly askMs: number;
  /** Refuse what was rolled back here before (F37): nobody is there to see, and nobody has asked for it. */
  readonly obeyQuarantine: boolean;
  /** Keep what failed as a copy of the instance. */
  readonly keepFailed: boolean;
  /** Restart the instance before the verdict. */
  readonly restart: boolean;
  /** The rehearsal that passed before this run; null for none. */
  readonly rehearsedBy: string | null;
  /** Commands of the user's around the restore point and at the end. */
  readonly hooks: LifecycleCommands;
  /** Stop the instance for its restore point. */
  readonly stopFirst: boolean;
  readonly restorePoint: RestorePointPlan;
  readonly limits: Limits;
}

/** What a run does between its restore point and its verdict. */
export type Change =
  /** The command is run inside. */
  | { readonly kind: 'command' }
  /** The instance goes back to a kept restore point (`guard rollback`). */
  | { readonly kind: 'return'; readonly to: RollbackTarget }
  /** A package manager inside has asked, waits for the word to go on, and ends by itself. */
  | { readonly kind: 'transaction'; readonly transaction: Transaction };

/** A package manager's transaction, as its own hook has announced it. */
export interface Transaction extends TransactionStart {
  /** Called once, when there is a way back: lets the package manager go on. */
  readonly begin: () => void;
  /** Resolves when its process has ended and its lock is free, or the run's limit for the command is reached. */
  readonly ended: () => Promise<TransactionEnd>;
  /** Tells this change from others for the quarantine; null where the manager did not say what it would do. */
  readonly fingerprint: string | null;
}

/** How a transaction ended, as far as anybody has said. */
export interface TransactionEnd {
  readonly end: CommandEnd;
  /** Whether the package manager said that it had finished. Without that it was aborted, or broke off. */
  readonly finished: boolean;
}

/** A restore point that an earlier run kept, and what was true then. */
export interface RollbackTarget {
  readonly run: string;
  readonly restorePoint: RestorePoint;
  /** Null where the record does not have it any more: then only that the instance can be asked is proven. */
  readonly baseline: Baseline | null;
}

/** What to run inside, untouched by any shell. */
export interface CommandPlan {
  readonly words: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  readonly user: number;
  readonly group: number;
  readonly cwd: string;
}

export interface RestorePointPlan {
  /** The final name. */
  readonly name: string;
  /** The user chose the name: it is kept also after a rollback. */
  readonly named: boolean;
  /** How many of guard's own restore points of this instance stay. */
  readonly keep: number;
  /** How long it is kept; null for ever. */
  readonly expiresMs: number | null;
}

export interface Limits {
  /** The whole command; null for none. */
  readonly commandMs: number | null;
  /** The command without output; null for none. */
  readonly idleMs: number | null;
  /** How long the checks may take to become healthy. */
  readonly verifyMs: number;
  /** How long health must then hold. */
  readonly soakMs: number;
  /** A graceful stop, before force. */
  readonly stopMs: number;
  /** Taking the restore point. */
  readonly snapshotMs: number;
  /** The restore itself, all tries together. */
  readonly restoreMs: number;
  /** From start until the instance can be asked. */
  readonly readyMs: number;
  /** Waiting for another run's end (`--wait-lock`). */
  readonly lockMs: number;
}

export interface StatusRange {
  readonly first: number;
  readonly last: number;
}

/** Whether a status of the command counts as success. */
export function isOkStatus(plan: Pick<Plan, 'okStatus'>, status: number): boolean {
  return plan.okStatus.some((range) => status >= range.first && status <= range.last);
}
