import type { CheckDefinition } from '../check-definition.ts';
import type { CommandEnd, PolicyCause, RestorePoint, TransactionStart } from '../event.ts';
import type { Baseline } from '../health/baseline.ts';
import type { LifecycleCommands } from '../lifecycle-command.ts';
import type { PushPlan } from './push/source.ts';

/** What to do when a change fails. */
export type Policy = 'rollback' | 'keep' | 'ask';

/** Everything that a run is going to do, decided before it starts. All limits are in milliseconds. */
export interface Plan {
  /** The run's id. */
  readonly run: string;
  /** The rollout that it is a part of. */
  readonly rollout?: string;
  readonly version: string;
  /** Tells the server from all others, for `guard recover`; null or absent if it does not say. */
  readonly server?: string | null;
  readonly instance: string;
  readonly project: string;
  readonly remote: string | null;
  readonly command: CommandPlan;
  readonly change: Change;
  /** Files that are copied into the instance before the command, in order. */
  readonly pushes: readonly PushPlan[];
  readonly checks: readonly CheckDefinition[];
  /** Whether the facts inside the instance are compared as well. */
  readonly automatic: boolean;
  /** Whether requests are sent to the servers of the instance. */
  readonly askServers: boolean;
  /** Run even if nothing could be compared and there is no check. */
  readonly acceptNothingCompared: boolean;
  readonly allowUnhealthy: boolean;
  /** What to do with disks that the restore point does not cover. */
  readonly uncovered: 'refuse' | 'warn' | 'accept';
  /** Statuses of the command that count as success, as inclusive ranges. */
  readonly okStatus: readonly StatusRange[];
  readonly onFailure: Readonly<Record<PolicyCause, Policy>>;
  /** What is done about a command that failed and has changed nothing that guard compares. */
  readonly onUnchanged: 'rollback' | 'keep';
  /** How long `ask` waits for an answer before it rolls back. */
  readonly askMs: number;
  /** Refuse a change that was rolled back before (F37), because no person watches and none asked for it. */
  readonly obeyQuarantine: boolean;
  /** Keep the failed state as a copy of the instance. */
  readonly keepFailed: boolean;
  /** Restart the instance before the verdict. */
  readonly restart: boolean;
  /** The rehearsal that passed before this run; null for none. */
  readonly rehearsedBy: string | null;
  /** The user's commands around the restore point and at the end. */
  readonly hooks: LifecycleCommands;
  /** Stop the instance for its restore point. */
  readonly stopFirst: boolean;
  /** Keep a healthy change only if it is confirmed in time; null to keep it at once. */
  readonly confirmation: ConfirmationPlan | null;
  readonly restorePoint: RestorePointPlan;
  readonly limits: Limits;
}

/** What a run does between its restore point and its verdict. */
export type Change =
  /** A command runs in the instance. */
  | { readonly kind: 'command' }
  /** The instance is rolled back to a kept restore point (`guard rollback`). */
  | { readonly kind: 'return'; readonly to: RollbackTarget }
  /** A package manager in the instance has asked and waits for the permission to continue. */
  | { readonly kind: 'transaction'; readonly transaction: Transaction };

/** A transaction of a package manager, as its hook announced it. */
export interface Transaction extends TransactionStart {
  /** Called once, when the restore point exists: lets the package manager continue. */
  readonly begin: () => void;
  /** Resolves when its process has ended and its lock is free, or the run's limit for the command is reached. */
  readonly ended: () => Promise<TransactionEnd>;
  /** Identifies this change for the quarantine; null if the manager did not announce its packages. */
  readonly fingerprint: string | null;
}

/** How a transaction ended, as far as it was reported. */
export interface TransactionEnd {
  readonly end: CommandEnd;
  /** Whether the package manager reported that it had finished. Otherwise it was aborted or failed. */
  readonly finished: boolean;
}

/** A restore point that an earlier run kept, and the baseline of that run. */
export interface RollbackTarget {
  readonly run: string;
  readonly restorePoint: RestorePoint;
  /** Null if the record no longer contains it. Then guard only verifies that commands run in the instance. */
  readonly baseline: Baseline | null;
}

/** What to run in the instance, without a shell. */
export interface CommandPlan {
  readonly words: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  readonly user: number;
  readonly group: number;
  readonly cwd: string;
}

/** What the user wants of a healthy change. */
export interface ConfirmationPlan {
  /** How long it waits, in milliseconds. */
  readonly ms: number;
  /** A command on this machine whose status 0 confirms the change; null for none. */
  readonly by: readonly [string, ...string[]] | null;
  /** Do not wait here: the keeper of the deadline goes on. */
  readonly detach: boolean;
}

export interface RestorePointPlan {
  /** The final name. */
  readonly name: string;
  /** The user chose the name: it is also kept after a rollback. */
  readonly named: boolean;
  /** How many restore points guard keeps for this instance. */
  readonly keep: number;
  /** How long it is kept; null for no limit. */
  readonly expiresMs: number | null;
}

export interface Limits {
  /** Run time of the command; null for no limit. */
  readonly commandMs: number | null;
  /** Time without output; null for no limit. */
  readonly idleMs: number | null;
  /** How long the checks may take to become healthy. */
  readonly verifyMs: number;
  /** How long the instance must stay healthy. */
  readonly soakMs: number;
  /** A graceful stop, before force. */
  readonly stopMs: number;
  /** Taking the restore point. */
  readonly snapshotMs: number;
  /** The restore, including repeated attempts. */
  readonly restoreMs: number;
  /** From the start until commands run in the instance. */
  readonly readyMs: number;
  /** How long this guard may give no sign of life before another one takes its run over. */
  readonly leaseMs: number;
  /** Waiting for another run's end (`--wait-lock`). */
  readonly lockMs: number;
}

export interface StatusRange {
  readonly first: number;
  readonly last: number;
}

/** Whether an exit status of the command counts as success. */
export function isOkStatus(plan: Pick<Plan, 'okStatus'>, status: number): boolean {
  return plan.okStatus.some((range) => status >= range.first && status <= range.last);
}
