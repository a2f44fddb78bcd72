import type { CheckDefinition } from '../check-definition.ts';
import type { PolicyCause } from '../event.ts';
import type { LifecycleCommands } from '../lifecycle-command.ts';
import { isInRanges, type StatusRange } from '../status-range.ts';

/** What to do when a change fails. */
export type Policy = 'rollback' | 'keep' | 'ask';

/** Everything that a run is going to do, decided before it starts. All limits are in milliseconds. */
export interface Plan {
  /** The run's id. */
  readonly run: string;
  /** The rollout that it is a part of. */
  readonly rollout?: string;
  readonly version: string;
  readonly instance: string;
  readonly project: string;
  readonly remote: string | null;
  readonly command: CommandPlan;
  readonly change: ChangeTraits;
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
  /** What to do if the command failed and nothing that guard compares has changed. */
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

/** What each step of a run must know of its change (`changes/`). */
export interface ChangeTraits {
  /** guard executes the plan's command inside: it must exist there, and it may fail without having changed anything. */
  readonly executesCommand: boolean;
  /**
   * A package manager inside has asked for the run and waits for its restore point. It holds its lock: guard does not wait until
   * the instance is idle, does not stop it for the restore point, and removes the lock after a restore.
   */
  readonly packageManagerWaits: boolean;
}

/** Files to copy into the instance, checked before the run. */
export interface PushPlan {
  /** On the machine that runs guard, absolute. */
  readonly local: string;
  /** The destination, absolute and without a trailing slash. */
  readonly inside: string;
  readonly kind: 'file' | 'folder';
  /** Files and links in it. */
  readonly files: number;
  readonly bytes: number;
  /** The numeric owner in the instance. */
  readonly user: number;
  readonly group: number;
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

/** Whether an exit status of the command counts as success. */
export function isOkStatus(plan: Pick<Plan, 'okStatus'>, status: number): boolean {
  return isInRanges(plan.okStatus, status);
}
