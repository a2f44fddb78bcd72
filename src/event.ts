/**
 * The vocabulary of the whole program. Rooms speak to each other and to the user only in these events; nothing prints
 * but the views in `report/`, and the journal keeps the durable ones. Times are `at`, milliseconds since 1970;
 * durations are `ms`, milliseconds.
 */

import type { LifecycleMoment, LifecycleCommands } from './lifecycle-command.ts';

/** The steps of a run, in the order in which they happen. */
export type Phase =
  | 'inspect'
  | 'baseline'
  | 'restore-point'
  | 'push'
  | 'command'
  | 'verify'
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

/** One thing that was seen, in a sentence for a person. */
export interface Finding {
  /** What it is about, e.g. `unit:pdns.service`, `socket:tcp/53`, `check:web`, `package:dpkg`, `instance`. */
  readonly subject: string;
  readonly severity: Severity;
  /** The whole sentence: what was, what is, and the reason where it is known. Control characters already neutralised. */
  readonly message: string;
  /** What was there before the change, in a few words; with `after` it is shown side by side. */
  readonly before?: string;
  /** What is there now, in a few words. */
  readonly after?: string;
  /** The last lines of the log that shows it, oldest first. As they came: not neutralised. */
  readonly log?: readonly string[];
}

/** `failed` is an answer; `unknown` means that nobody could answer, which proves nothing. */
export type CheckStatus = 'passed' | 'failed' | 'unknown';

/** What one check said once. */
export interface CheckResult {
  readonly name: string;
  readonly severity: Severity;
  readonly status: CheckStatus;
  /** One line: what was asked for and what came. */
  readonly message: string;
  /** How long the deciding try took. */
  readonly ms: number;
  /** It failed because nothing came within its timeout, rather than because something said no. */
  readonly timedOut?: true;
}

export type VerdictKind = 'healthy' | 'unhealthy' | 'inconclusive';

/** The judgement on one look, or on one watch, at the instance. */
export interface Verdict {
  readonly verdict: VerdictKind;
  /** The required findings that decided; empty when healthy. */
  readonly reasons: readonly Finding[];
  /** What is worth telling and did not decide. */
  readonly advisories: readonly Finding[];
  readonly checks: readonly CheckResult[];
}

/** How the command ended. Only `exited` is the command's own word. */
export type CommandEnd =
  | { readonly kind: 'exited'; readonly status: number }
  /** The executable does not exist inside the instance (127). */
  | { readonly kind: 'not-found' }
  /** It exists and cannot be executed (126). */
  | { readonly kind: 'not-executable' }
  /** It ran longer than `--timeout`. */
  | { readonly kind: 'timeout'; readonly limitMs: number }
  /** It wrote nothing for longer than `--idle-timeout`. */
  | { readonly kind: 'idle-timeout'; readonly limitMs: number }
  /** The instance was stopped or restarted underneath it; `restarted` when it runs again. */
  | { readonly kind: 'instance-stopped'; readonly restarted: boolean }
  /** The connection to Incus broke; how the command ended is not known. */
  | { readonly kind: 'lost'; readonly message: string }
  /** Files that it needs could not be brought in, so that it was not begun. */
  | { readonly kind: 'push-failed'; readonly message: string }
  /** guard was interrupted while it ran, or while files were brought in for it. */
  | { readonly kind: 'interrupted'; readonly signal: Signal };

/** The signals that end a run in a controlled rollback. */
export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** Why a run does not simply keep the change. */
export type Cause = 'command' | 'unhealthy' | 'inconclusive' | 'timeout' | 'interrupted';

/** How a run ended: one row of the table of exit statuses (`run/outcome.ts`). */
export type Outcome =
  | { readonly outcome: 'kept' }
  | { readonly outcome: 'rolled-back'; readonly cause: Exclude<Cause, 'interrupted'> }
  | { readonly outcome: 'kept-unhealthy'; readonly cause: Cause }
  /** The command failed, and nothing that guard compares had changed. */
  | { readonly outcome: 'kept-unchanged'; readonly cause: Cause }
  | { readonly outcome: 'rolled-back-not-well'; readonly cause: Cause }
  | {
      readonly outcome: 'rollback-failed';
      readonly cause: Cause;
      readonly message: string;
      readonly manualRecovery: readonly string[];
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

/** What a rehearsal showed beside its verdict. */
export interface RehearsalReport {
  /** Null where the copy survived both, or was not judged. */
  readonly failedAt: RehearsalStage | null;
  /** What the copy could not show: removed devices, checks that ask somebody else, services that need the outside. */
  readonly notRehearsed: readonly Finding[];
  /** What works on the instance and not on its freshly booted copy: it would not survive a reboot today. */
  readonly notSurvivingReboot: readonly Finding[];
  /** Hosts that the command asked for on the copy, and that are no package sources. */
  readonly refusedHosts: readonly string[];
}

/** Why nothing was done, and what to do next. Both are whole sentences. */
export interface Refusal {
  readonly message: string;
  readonly advice: string;
}

/** What the upgrade did, for the report. */
export interface Changes {
  readonly packages: readonly { readonly name: string; readonly from: string | null; readonly to: string | null }[];
  readonly units: { readonly appeared: readonly string[]; readonly gone: readonly string[] };
  readonly sockets: { readonly appeared: readonly string[]; readonly gone: readonly string[] };
  /** What could not be read before or after: nothing is known of its changes. */
  readonly unknown?: readonly ('packages' | 'units' | 'sockets')[];
}

/** The restore point of a run, as it exists on the server. */
export interface RestorePoint {
  /** The snapshot's name at this moment. */
  readonly name: string;
  /** The server's `created_at`, RFC 3339: with the name it identifies the exact snapshot. */
  readonly createdAt: string;
  /** Snapshots of custom volumes taken with it. */
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

/** Who holds a run: enough to tell from the same host whether it still lives. */
export interface Holder {
  readonly host: string;
  readonly bootId: string;
  readonly pid: number;
  /** Start time of the process, in clock ticks since boot (/proc/PID/stat field 22): pids are reused, this pair is not. */
  readonly startTicks: number;
}

/** What is kept of a package manager's transaction, so that its end can be waited for after guard was killed. */
export interface TransactionStart {
  /** `apt`, `dnf`, …, as its hook calls it. */
  readonly manager: string;
  /** Its process inside, in the instance's own numbers. */
  readonly pid: number;
  /** How many packages it said it would change; null where it did not say. */
  readonly packages: number | null;
}

/** Files and folders that are brought into the instance before the command. */
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
}

/** What the run knows of the instance before it changes anything. */
export interface RunStarted {
  readonly type: 'run-started';
  readonly version: string;
  readonly instance: string;
  readonly project: string;
  /** The remote as in the `incus` command; null for the local socket. */
  readonly remote: string | null;
  readonly command: readonly string[];
  /** Whether the instance ran when the run began: it is returned to that. */
  readonly wasRunning: boolean;
  /** The final name that the restore point gets when the change is kept. */
  readonly restorePointName: string;
  /** Whether the user chose that name. */
  readonly named: boolean;
  readonly holder: Holder;
  /** Present in a run of `guard rollback`: the run whose restore point it goes back to. */
  readonly rolledBackTo?: string;
  /** Present where files are brought in before the command: from where, and what they become. */
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
  /** Present where the change is a package manager's own transaction, and `command` only what it called itself. */
  readonly transaction?: TransactionStart;
  /** Present where the run is one of a rollout: its id. */
  readonly rollout?: string;
}

/** What happens in a run. */
export type RunEvent =
  | RunStarted
  /** A phase is about to begin: it is durable before the first request of the phase is sent. */
  | { readonly type: 'phase-started'; readonly phase: Phase }
  /** A phase is over. `message` is a short result for a person, e.g. `guard-in-flight, 43 ms`. */
  | {
      readonly type: 'phase-ended';
      readonly phase: Phase;
      readonly ms: number;
      readonly ok: boolean;
      readonly message: string;
    }
  /** Something a person should know that decides nothing. */
  | { readonly type: 'notice'; readonly level: 'info' | 'warning'; readonly message: string }
  /** What was true before the command: a `Baseline` of `health/`, whole, so that it can be compared with later. */
  | {
      readonly type: 'baseline-recorded';
      readonly baseline: { readonly checks: readonly CheckResult[] };
      /** What is compared with it later, and what cannot be. Absent where no facts were wanted, and in older records. */
      readonly coverage?: { readonly compared: readonly string[]; readonly missing: readonly string[] };
    }
  /** The user's own commands of this run, so that `guard recover` has them. Only where there are any. */
  | { readonly type: 'lifecycle-commands-planned'; readonly commands: LifecycleCommands }
  /** A hook is about to run: durable before it does. */
  | {
      readonly type: 'lifecycle-command-started';
      readonly moment: LifecycleMoment;
      readonly where: 'inside' | 'host';
      readonly command: readonly string[];
    }
  /** A hook is over. `output` is the file that keeps what it wrote, if it wrote anything. */
  | {
      readonly type: 'lifecycle-command-ended';
      readonly moment: LifecycleMoment;
      readonly ok: boolean;
      readonly message: string;
      readonly ms: number;
      readonly output?: string;
    }
  /** What was held still for the restore point is let go: afterRestorePoint has run, or there was nothing to run. */
  | { readonly type: 'quiesce-ended' }
  /** Under which lease this guard takes, or takes over, the restore point in flight: durable before it does. */
  | { readonly type: 'lease-acquired'; readonly lease: number }
  /** The lock is held and there is a way back. */
  | { readonly type: 'restore-point-created'; readonly restorePoint: RestorePoint }
  /** The command's bytes as they came; for the JSON stream only, not for the journal. */
  | { readonly type: 'command-output'; readonly stream: 'stdout' | 'stderr'; readonly chunk: Uint8Array }
  | { readonly type: 'command-ended'; readonly end: CommandEnd; readonly ms: number }
  /** One look of the watch, when it says something new. Not for the journal. */
  | {
      readonly type: 'watch-progress';
      readonly waitingFor: readonly Finding[];
      readonly healthyForMs: number;
      /** How long it may take to be healthy, from the beginning of the phase. */
      readonly limitMs: number;
      /** How long health must then last. */
      readonly soakMs: number;
    }
  /** The last lines that a failed unit wrote to the log since the command. Control characters already neutralised. */
  | { readonly type: 'unit-log'; readonly unit: string; readonly lines: readonly string[] }
  | { readonly type: 'verdict'; readonly verdict: Verdict; readonly afterRollback: boolean }
  | { readonly type: 'changes'; readonly changes: Changes }
  /** The one decision of the run. `cause` is null when the change is kept because all is well. */
  | {
      readonly type: 'decided';
      readonly decision: 'keep' | 'rollback';
      readonly cause: Cause | null;
      /** The person at the terminal decided. */
      readonly chosen?: true;
      /** The command failed, and nothing that guard compares had changed. */
      readonly nothingChanged?: true;
    }
  | { readonly type: 'evidence-saved'; readonly files: readonly string[]; readonly missing: readonly string[] }
  /** What a rehearsal showed beside its verdict. */
  | { readonly type: 'rehearsal-report'; readonly report: RehearsalReport }
  /** The copy of a rehearsal is gone, or stays because the user asked for that. */
  | { readonly type: 'copy-removed'; readonly kept: boolean }
  /** What a rolled-back run would have changed, so that its repetition is known (F37): a hash. */
  | { readonly type: 'change-fingerprinted'; readonly fingerprint: string }
  /** The in-flight restore point got its final name, or is gone: the lock is free. */
  | { readonly type: 'released'; readonly restorePoint: string | null }
  /** An old restore point of an earlier run was removed. */
  | { readonly type: 'restore-point-pruned'; readonly name: string; readonly ofRun: string }
  | { readonly type: 'run-ended'; readonly outcome: Outcome; readonly ms: number };

/** An event with its place in time and the run it belongs to: what the journal keeps and `--json` writes, one a line. */
export type RecordedEvent = RunEvent & { readonly v: 1; readonly run: string; readonly at: number };

/** Where events go. A view that needs a moment (a line that must stand before others write) gives a promise; it must not fail. */
export type Listener = (event: RecordedEvent) => void | Promise<void>;
