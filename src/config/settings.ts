import type { CheckDefinition, Words } from '../check-definition.ts';
import type { Outcome, PolicyCause } from '../event.ts';
import type { LifecycleCommands } from '../lifecycle-command.ts';
import type { StatusRange } from '../status-range.ts';

/** What to do when a change fails. */
export type FailurePolicy = 'rollback' | 'keep' | 'ask';

/** What to do with disks that the restore point does not cover: shared volumes and folders of the host. */
export type UncoveredPolicy = 'refuse' | 'warn' | 'accept';

/** Settings for the package manager hook (`guard hook`, `guard agent`). */
export interface PackageHookSettings {
  /** What to do with a transaction if no restore point can be taken. */
  readonly onNoRestorePoint: 'abort' | 'proceed';
  /** What to do when no agent answers. The hook decides this, so the setting is written into the instance. */
  readonly absent: 'abort' | 'proceed';
  /** How long the package manager waits for the answer of the agent. */
  readonly timeoutMs: number;
  /** Transactions that follow one another within this time are one run. */
  readonly settleMs: number;
  /** Globs; a transaction that names none of them goes on unguarded. Null for all. */
  readonly packages: readonly string[] | null;
  /** Globs of the command as it was typed. Null for all. */
  readonly commands: readonly string[] | null;
  /** When a transaction that was rolled back here before is refused (F37). */
  readonly quarantine: 'unattended' | 'always' | 'never';
  /** Rehearse a transaction without a terminal on a copy first, and abort it where the copy does not survive. */
  readonly rehearse: boolean;
  /** The most runs in an hour; what is beyond is treated as if no restore point could be had. */
  readonly mostAnHour: number;
}

/** A notification about the end of a run. */
export interface Notice {
  readonly on: readonly Outcome['outcome'][];
  readonly how: NoticeWay;
  /** How long the notification may take. */
  readonly timeoutMs: number;
}

export type NoticeWay =
  /** A program on this machine; it reads the message as JSON. */
  | { readonly kind: 'command'; readonly words: Words }
  /** The message is posted there as JSON. */
  | { readonly kind: 'webhook'; readonly url: string; readonly headers: Readonly<Record<string, string>> };

/** Everything about a run that can be configured, with every default filled in. Times are milliseconds; null is "never". */
export interface Settings {
  /** How long the command may run. */
  readonly timeoutMs: number | null;
  /** How long the command may write no output. */
  readonly idleTimeoutMs: number | null;
  /** Statuses of the command that count as success. */
  readonly okStatus: readonly StatusRange[];
  readonly environment: Readonly<Record<string, string>>;
  readonly user: number;
  readonly group: number;
  readonly cwd: string;

  readonly checks: readonly CheckDefinition[];
  /** Whether guard compares units, sockets, packages and the rest; `optional` accepts a run that could compare nothing. */
  readonly automatic: boolean | 'optional';
  /** Whether requests are sent to the servers of the instance, to compare their replies. */
  readonly askServers: boolean;
  /** How long the instance may take to become healthy. */
  readonly verifyTimeoutMs: number;
  /** How long the instance must then stay healthy. */
  readonly soakMs: number;
  /** Restart the instance before the verdict. */
  readonly restart: boolean;
  readonly allowUnhealthy: boolean;
  /** How long a healthy change waits for its confirmation; null to keep it at once. */
  readonly confirmMs: number | null;
  /** A command on this machine whose success confirms the change; null for none. */
  readonly confirmBy: Words | null;
  /** What to do about disks that no restore point covers. */
  readonly uncovered: UncoveredPolicy;
  readonly onFailure: Readonly<Record<PolicyCause, FailurePolicy>>;
  /** What to do if the command failed and nothing that guard compares has changed. */
  readonly onUnchanged: 'rollback' | 'keep';
  /** Try the change on an isolated copy first; `copy` also where the storage driver copies every file for that. */
  readonly rehearse: boolean | 'copy';
  /** Commands of the user's around the restore point and at the end of a run. */
  readonly hooks: LifecycleCommands;
  /** How long `ask` waits for an answer. */
  readonly askTimeoutMs: number;

  /** How many restore points guard keeps on the instance. */
  readonly keep: number;
  /** The time after which the server removes a restore point. */
  readonly expiresMs: number | null;
  /** How long to wait for another run to end. */
  readonly waitLockMs: number;
  /** How long a run of another host must show no activity before this host may finish it. */
  readonly leaseMs: number;
  /** Stop the instance for its restore point. */
  readonly stopFirst: boolean;
  readonly restorePointTimeoutMs: number;
  /** A graceful stop, before force. */
  readonly stopTimeoutMs: number;
  /** A restore, including repeated attempts. */
  readonly restoreTimeoutMs: number;
  /** From start until the instance can be asked. */
  readonly startTimeoutMs: number;

  readonly hook: PackageHookSettings;
  readonly notify: readonly Notice[];
}

/** The instance that is asked about. `remote` is null for the local daemon. */
export interface InstanceName {
  readonly name: string;
  readonly remote: string | null;
}
