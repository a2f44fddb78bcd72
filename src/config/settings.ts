import type { CheckDefinition } from '../check-definition.ts';
import type { Cause } from '../event.ts';

/** What a user wants done where a run cannot simply keep the change. */
export type FailurePolicy = 'rollback' | 'keep' | 'ask';

/** What to do about disks that no restore point covers: shared volumes and folders of the host. */
export type UncoveredPolicy = 'refuse' | 'warn' | 'accept';

/** The causes that have a policy; an interrupted run is always rolled back. */
export type FailureCause = Exclude<Cause, 'interrupted'>;

/** Inclusive. */
export interface StatusRange {
  readonly first: number;
  readonly last: number;
}

/** Everything about a run that can be configured, with every default filled in. Times are milliseconds; null is "never". */
export interface Settings {
  /** How long the command may run. */
  readonly timeoutMs: number | null;
  /** How long the command may write nothing. */
  readonly idleTimeoutMs: number | null;
  /** Statuses of the command that count as success. */
  readonly okStatus: readonly StatusRange[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user: number;
  readonly group: number;
  readonly cwd: string;

  readonly checks: readonly CheckDefinition[];
  /** Whether units, sockets, packages and the rest are compared without being told about. */
  readonly automatic: boolean;
  /** How long it may take to become healthy. */
  readonly verifyTimeoutMs: number;
  /** How long health must then hold. */
  readonly soakMs: number;
  /** Restart the instance before the verdict. */
  readonly restart: boolean;
  readonly allowUnhealthy: boolean;
  /** What to do about disks that no restore point covers. */
  readonly uncovered: UncoveredPolicy;
  readonly onFailure: Readonly<Record<FailureCause, FailurePolicy>>;
  /** How long `ask` waits for an answer. */
  readonly askTimeoutMs: number;

  /** How many of guard's own restore points stay on the instance. */
  readonly keep: number;
  /** After which time the server removes a restore point. */
  readonly expiresMs: number | null;
  /** How long another run's end is waited for. */
  readonly waitLockMs: number;
  readonly restorePointTimeoutMs: number;
  /** A graceful stop, before force. */
  readonly stopTimeoutMs: number;
  /** A restore, all its tries together. */
  readonly restoreTimeoutMs: number;
  /** From start until the instance can be asked. */
  readonly startTimeoutMs: number;
}

/** The instance that is asked about. `remote` is null for the local daemon. */
export interface InstanceName {
  readonly name: string;
  readonly remote: string | null;
}
