/**
 * The vocabulary of the program. Modules inform each other and the user only with these events. Only the views
 * in `report/` print, and the journal stores the durable events. Times are `at`, milliseconds since 1970;
 * durations are `ms`, milliseconds.
 */

import type { Deadline } from './deadline.ts';
import type { LifecycleMoment, LifecycleCommands } from './lifecycle-command.ts';

/** The steps of a run, in the order in which they happen. */
export type Phase =
  | 'inspect'
  | 'baseline'
  | 'restore-point'
  | 'push'
  | 'command'
  | 'verify'
  | 'confirm'
  | 'keep'
  | 'evidence'
  | 'stop'
  | 'restore'
  | 'start'
  | 'verify-again'
  /** The restore point gets its final name, or is removed. */
  | 'release'
  /** Of a rehearsal: the copy is made. */
  | 'copy'
  /** Of a rehearsal: the copy is restarted after the change. */
  | 'restart'
  /** Of a rehearsal: the copy is removed. */
  | 'remove-copy';

/** `required` decides the verdict; `advisory` is only reported. */
export type Severity = 'required' | 'advisory';

/** One observation, in a sentence for a person. */
export interface Finding {
  /** The subject, e.g. `unit:pdns.service`, `socket:tcp/53`, `check:web`, `package:dpkg`, `instance`. */
  readonly subject: string;
  readonly severity: Severity;
  /** A sentence with the state before and after, and the reason if it is known. Control characters are already neutralised. */
  readonly message: string;
  /** What was there before the change, in a few words; with `after` it is shown side by side. */
  readonly before?: string;
  /** The present state, in a few words. */
  readonly after?: string;
}

/** One observation of the instance during a verification. */
export interface WatchObservation {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** How many required findings it showed; 0 if everything was as before the change. */
  readonly waitingFor: number;
  /** The first of them, if it differs from the one in the previous observation. Control characters are already neutralised. */
  readonly message?: string;
}

/** `unknown` means that the check could not run, which proves nothing. */
export type CheckStatus = 'passed' | 'failed' | 'unknown';

/** The result of one check. */
export interface CheckResult {
  readonly name: string;
  readonly severity: Severity;
  readonly status: CheckStatus;
  /** One line: what was checked, and the result. */
  readonly message: string;
  /** The duration of the deciding attempt. */
  readonly ms: number;
  /** It failed because of its timeout. */
  readonly timedOut?: true;
}

export type VerdictKind = 'healthy' | 'unhealthy' | 'inconclusive';

/** The verdict on one observation, or on a whole verification. */
export interface Verdict {
  readonly verdict: VerdictKind;
  /** The required findings that decided; empty when healthy. */
  readonly reasons: readonly Finding[];
  /** Findings that did not decide. */
  readonly advisories: readonly Finding[];
  readonly checks: readonly CheckResult[];
}

/** How the command ended. Only `exited` is reported by the command itself. */
export type CommandEnd =
  /** Its status is certain; `outputLost`: the server lost a part of its output. */
  | { readonly kind: 'exited'; readonly status: number; readonly outputLost?: true }
  /** The executable does not exist inside the instance (127). */
  | { readonly kind: 'not-found' }
  /** It exists and cannot be executed (126). */
  | { readonly kind: 'not-executable' }
  /** It ran longer than `--timeout`. */
  | { readonly kind: 'timeout'; readonly limitMs: number }
  /** It wrote no output for longer than `--idle-timeout`. */
  | { readonly kind: 'idle-timeout'; readonly limitMs: number }
  /**
   * The instance was stopped or restarted; `restarted` if it runs again. `cutOff`: somebody else did it, or it is not known who, so
   * the command may have been ended halfway.
   */
  | { readonly kind: 'instance-stopped'; readonly restarted: boolean; readonly cutOff?: true }
  /** The connection to Incus broke, so the result of the command is unknown. */
  | { readonly kind: 'lost'; readonly message: string }
  /** The pushed files could not be copied, so it was not started. */
  | { readonly kind: 'push-failed'; readonly message: string }
  /** guard was interrupted during the command or the push. */
  | { readonly kind: 'interrupted'; readonly signal: Signal };

/** The signals that end a run in a controlled rollback. */
export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** The causes for which the user has a policy. An interrupted or unconfirmed change is always rolled back. */
export type PolicyCause = Exclude<Cause, 'interrupted' | 'not-confirmed'>;

/** Why the change failed. */
export type Cause = 'command' | 'unhealthy' | 'inconclusive' | 'timeout' | 'interrupted' | 'not-confirmed';

/** How a run ended: one row of the table of exit statuses (`run/outcome.ts`). */
export type Outcome =
  | { readonly outcome: 'kept' }
  | { readonly outcome: 'rolled-back'; readonly cause: Exclude<Cause, 'interrupted'> }
  | { readonly outcome: 'kept-unhealthy'; readonly cause: Cause }
  /** Healthy, and rolled back at the deadline (milliseconds since 1970) unless somebody confirms it. */
  | { readonly outcome: 'waiting'; readonly deadline: number }
  /** The command failed, and nothing that guard compares had changed. */
  | { readonly outcome: 'kept-unchanged'; readonly cause: Cause }
  | { readonly outcome: 'rolled-back-not-well'; readonly cause: Cause }
  | {
      readonly outcome: 'rollback-failed';
      readonly cause: Cause;
      readonly message: string;
      readonly manualRecovery: readonly string[];
      /** This guard lost the run, or may have lost it: another one that finished it knows how it ended. */
      readonly lost?: true;
    }
  | { readonly outcome: 'refused'; readonly refusal: Refusal }
  | { readonly outcome: 'busy'; readonly refusal: Refusal }
  | { readonly outcome: 'quarantined'; readonly refusal: Refusal }
  /** The copy survived the change and a restart after it. */
  | { readonly outcome: 'rehearsal-passed' }
  | {
      readonly outcome: 'rehearsal-failed';
      readonly cause: Exclude<Cause, 'interrupted'>;
      /** Whether the copy failed after the change itself, or only after the restart that followed. */
      readonly stage: RehearsalStage;
    }
  | { readonly outcome: 'rehearsal-inconclusive'; readonly refusal: Refusal }
  | { readonly outcome: 'usage'; readonly refusal: Refusal }
  | { readonly outcome: 'configuration'; readonly refusal: Refusal }
  | { readonly outcome: 'interrupted'; readonly signal: Signal }
  /** Found by `guard recover`: somebody deleted the instance, so that nothing is left to do. */
  | { readonly outcome: 'instance-gone' };

/** When a copy is judged: after the change, and again after a restart. */
export type RehearsalStage = 'change' | 'restart';

/** What a rehearsal showed in addition to its verdict. */
export interface RehearsalReport {
  /** Null where the copy survived both, or was not judged. */
  readonly failedAt: RehearsalStage | null;
  /** What the copy could not show: removed devices, checks that ask somebody else, services that need the outside. */
  readonly notRehearsed: readonly Finding[];
  /** What works on the instance and not on its freshly booted copy: it would not survive a reboot today. */
  readonly notSurvivingReboot: readonly Finding[];
  /** Hosts that the command requested on the copy and that are not package sources. */
  readonly refusedHosts: readonly string[];
}

/** Why nothing was done, and what to do next. Both are complete sentences. */
export interface Refusal {
  readonly message: string;
  readonly advice: string;
}

/** A unit in another state than before: `running` and `failed`, for example. */
export interface UnitChange {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** What the command changed, for the report. */
export interface Changes {
  readonly packages: readonly { readonly name: string; readonly from: string | null; readonly to: string | null }[];
  readonly units: {
    readonly appeared: readonly string[];
    readonly gone: readonly string[];
    /** Units that exist before and after the command, but in different states. Left out: there are none, or the record is an old one. */
    readonly changed?: readonly UnitChange[];
  };
  readonly sockets: { readonly appeared: readonly string[]; readonly gone: readonly string[] };
  /** What could not be read before or after the command: its changes are unknown. */
  readonly unknown?: readonly ('packages' | 'units' | 'sockets')[];
}

/** The restore point of a run, as it exists on the server. */
export interface RestorePoint {
  /** The current name of the snapshot. */
  readonly name: string;
  /** The server's `created_at`, RFC 3339. Together with the name it identifies the exact snapshot. */
  readonly createdAt: string;
  /** Snapshots of custom volumes that belong to it. */
  readonly volumes: readonly VolumePoint[];
}

/** The snapshot of one custom volume, part of a restore point. */
export interface VolumePoint {
  readonly pool: string;
  readonly volume: string;
  readonly snapshot: string;
  /** The server's `created_at`, RFC 3339. */
  readonly createdAt: string;
}

/** The process that holds a run. The same host can tell whether it is alive. */
export interface Holder {
  /** For people: neither is unique. */
  readonly host: string;
  readonly pid: number;
  /** Of the kernel: another machine, or this one after a reboot, has another. */
  readonly bootId: string;
  /** The network namespace, in which the socket is seen. */
  readonly network: string;
  /** Random, and the name of an abstract unix socket that is there for as long as the process lives. */
  readonly id: string;
}

/** Identifies the transaction of a package manager, so that recovery can wait for its end. */
export interface TransactionStart {
  /** `apt`, `dnf`, … */
  readonly manager: string;
  /** Its process id in the instance. */
  readonly pid: number;
  /** How many packages it announced; null if it did not announce any. */
  readonly packages: number | null;
}

/** Files and folders that are copied into the instance before the command. */
export interface PushSummary {
  readonly local: string;
  readonly inside: string;
  /** Files and links. */
  readonly files: number;
  readonly bytes: number;
}

/** The copy of a rehearsal. It is chosen, and durable in the record, before it is made: so it is found whenever guard dies. */
export interface RehearsalCopy {
  readonly project: string;
  readonly instance: string;
  /** The server knows the copy under this uuid, and under no other. */
  readonly uuid: string;
  readonly volumes: readonly { readonly pool: string; readonly copy: string }[];
  /** The command-line client of the server. Absent in older records. */
  readonly client?: string;
}

/** The state before the run changes anything. */
export interface RunStarted {
  readonly type: 'run-started';
  readonly version: string;
  readonly instance: string;
  readonly project: string;
  /** The remote as in the `incus` command; null for the local socket. */
  readonly remote: string | null;
  /** Tells the instance from every other one of its server, whatever it is called. Absent if the server did not say, and in older records. */
  readonly uuid?: string;
  /** Tells the server from all others. Absent if it did not say, and in older records. */
  readonly server?: string;
  readonly command: readonly string[];
  /** Whether the instance was running when the run started. It is returned to that state. */
  readonly wasRunning: boolean;
  /** The name of the restore point if the change is kept. */
  readonly restorePointName: string;
  /** Whether the user chose that name. */
  readonly named: boolean;
  readonly holder: Holder;
  /** Present in a run of `guard rollback`: the run to whose restore point it rolls back. */
  readonly rolledBackTo?: string;
  /** Present if files are copied into the instance before the command. */
  readonly pushes?: readonly PushSummary[];
  /** Present where the run is a rehearsal on a copy. */
  readonly rehearsal?: {
    readonly copy: RehearsalCopy;
    /** The run that continues with the instance where the rehearsal passes; null for a rehearsal alone. */
    readonly before: string | null;
    /** The copy is kept at the end. */
    readonly keepCopy: boolean;
  };
  /** The rehearsal that this run follows. */
  readonly rehearsedBy?: string;
  /** Present if the change is a transaction of a package manager. `command` is then only its description. */
  readonly transaction?: TransactionStart;
  /** Present where the run is one of a rollout: its id. */
  readonly rollout?: string;
}

/** What happens in a run. */
export type RunEvent =
  | RunStarted
  /** A phase starts. The event is durable before the first request of the phase. */
  | { readonly type: 'phase-started'; readonly phase: Phase }
  /** A phase ended. `message` is a short result, e.g. `guard-in-flight, 43 ms`. */
  | {
      readonly type: 'phase-ended';
      readonly phase: Phase;
      readonly ms: number;
      readonly ok: boolean;
      readonly message: string;
    }
  /** A message that does not affect the outcome. */
  | { readonly type: 'notice'; readonly level: 'info' | 'warning'; readonly message: string }
  /** The complete `Baseline` of `health/` before the command, for later comparisons. */
  | {
      readonly type: 'baseline-recorded';
      readonly baseline: { readonly checks: readonly CheckResult[] };
      /** What is compared with it later, and what cannot be. Absent in older records, and if automatic comparison is off and there are checks. */
      readonly coverage?: { readonly compared: readonly string[]; readonly missing: readonly string[] };
    }
  /** The user's own commands of this run, for `guard recover`. Only if there are any. */
  | { readonly type: 'lifecycle-commands-planned'; readonly commands: LifecycleCommands }
  /** A lifecycle command starts. The event is durable before. */
  | {
      readonly type: 'lifecycle-command-started';
      readonly moment: LifecycleMoment;
      readonly where: 'inside' | 'host';
      readonly command: readonly string[];
    }
  /** A lifecycle command ended. `output` is the file with its output, if any. */
  | {
      readonly type: 'lifecycle-command-ended';
      readonly moment: LifecycleMoment;
      readonly ok: boolean;
      readonly message: string;
      readonly ms: number;
      readonly output?: string;
    }
  /** The instance was resumed: afterRestorePoint has run, or there was nothing to run. */
  | { readonly type: 'quiesce-ended' }
  /**
   * The lease with which this guard takes, or takes over, the restore point in flight. The event is durable before. `holder` is
   * the guard that takes the run over; absent for the one that began it.
   */
  | { readonly type: 'lease-acquired'; readonly lease: number; readonly holder?: Holder }
  /** The change is about to begin. The event is on disk before the first request of the change, or there is no change. */
  | { readonly type: 'change-begun' }
  /** The run holds the lock, and the restore point exists. */
  | { readonly type: 'restore-point-created'; readonly restorePoint: RestorePoint }
  /** Output of the command, for the JSON stream only, not for the journal. */
  | { readonly type: 'command-output'; readonly stream: 'stdout' | 'stderr'; readonly chunk: Uint8Array }
  | { readonly type: 'command-ended'; readonly end: CommandEnd; readonly ms: number }
  /** The result of an observation during the verification, if it changed. Not for the journal. */
  | {
      readonly type: 'watch-progress';
      readonly waitingFor: readonly Finding[];
      readonly healthyForMs: number;
      /** How long the instance may take to become healthy, from the start of the phase. */
      readonly limitMs: number;
      /** How long the instance must then stay healthy. */
      readonly soakMs: number;
    }
  /** The observations of a verification, once at its end. Of many only some are listed: see `watch/observations.ts`. */
  | { readonly type: 'watch-observed'; readonly observations: readonly WatchObservation[] }
  /** The last lines that a failed unit wrote to the log since the command. Control characters already neutralised. */
  | { readonly type: 'unit-log'; readonly unit: string; readonly lines: readonly string[] }
  | { readonly type: 'verdict'; readonly verdict: Verdict; readonly afterRollback: boolean }
  | { readonly type: 'changes'; readonly changes: Changes }
  /** The decision of the run. `cause` is null if the change is kept because the instance is healthy. */
  | {
      readonly type: 'decided';
      readonly decision: 'keep' | 'rollback';
      readonly cause: Cause | null;
      /** A person at the terminal decided. */
      readonly chosen?: true;
      /** The command failed, and nothing that guard compares had changed. */
      readonly nothingChanged?: true;
    }
  /** The change is healthy and waits for a confirmation. The event is durable before the instance says so. */
  | {
      readonly type: 'confirmation-requested';
      readonly deadline: Deadline;
      readonly by: readonly [string, ...string[]] | null;
      /** What becomes of the restore point of a confirmed change; a lifetime of null is without end. Milliseconds. */
      readonly retention?: { readonly keep: number; readonly expiresMs: number | null };
    }
  | { readonly type: 'confirmation-extended'; readonly deadline: Deadline }
  /** The wait is over: whether the change stays is decided for good. */
  | {
      readonly type: 'confirmation-settled';
      readonly state: 'confirmed' | 'refused' | 'expired';
      /** The process that settled it. Absent in older records. */
      readonly by?: Holder;
    }
  /** The instance has another name by now. */
  | { readonly type: 'instance-renamed'; readonly instance: string }
  | { readonly type: 'evidence-saved'; readonly files: readonly string[]; readonly missing: readonly string[] }
  /** What a rehearsal showed in addition to its verdict. */
  | { readonly type: 'rehearsal-report'; readonly report: RehearsalReport }
  /** The copy of a rehearsal was removed, or kept because the user requested it. */
  | { readonly type: 'copy-removed'; readonly kept: boolean }
  /** A hash of what a rolled-back run would have changed, to recognise a repetition (F37). */
  | { readonly type: 'change-fingerprinted'; readonly fingerprint: string }
  /** The restore point in flight got its final name or was removed: the lock is released. */
  | { readonly type: 'released'; readonly restorePoint: string | null }
  /** An old restore point of an earlier run was removed. */
  | { readonly type: 'restore-point-pruned'; readonly name: string; readonly ofRun: string }
  | { readonly type: 'run-ended'; readonly outcome: Outcome; readonly ms: number };

/** An event with its time and run, as the journal stores it and `--json` writes it, one per line. */
export type RecordedEvent = RunEvent & { readonly v: 1; readonly run: string; readonly at: number };

/** The receiver of events. A view that must finish a line before others write returns a promise. It must not fail. */
export type Listener = (event: RecordedEvent) => void | Promise<void>;
