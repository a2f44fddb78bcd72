import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { ClockReading, Deadline } from '../deadline.ts';
import type { Result } from '../result.ts';
import type { Holder, Outcome } from '../event.ts';
import type { Permission } from '../permission.ts';
import type { Person } from '../question.ts';
import type { Platform } from '../platform/platform.ts';
import type { FailedChange } from '../journal/history.ts';
import type { InstanceIdentity } from '../journal/instance-identity.ts';
import type { KeptRestorePoint, WantedPoints } from '../journal/kept-restore-points.ts';
import type { Interruption } from './interruption.ts';
import type { Recorder } from './recorder.ts';

/** Whether the process that holds a run is alive; `elsewhere` if only another host can tell. */
export type InspectHolder = (holder: Holder) => 'alive' | 'dead' | 'elsewhere';

/** The dependencies of a run. `main.ts` provides them. */
export interface RunTools {
  readonly platform: Platform;
  readonly clock: Clock;
  readonly recorder: Recorder;
  readonly interruption: Interruption;
  /** For a run of a rollout. */
  readonly permission?: Permission;
  readonly io: CommandIo;
  /** This process, as the journal and the marker identify it. */
  readonly holder: Holder;
  readonly inspectHolder: InspectHolder;
  /** The restore points that earlier runs of this state directory kept for this instance, from their records. */
  readonly keptRestorePoints: (of: InstanceIdentity, wanted?: WantedPoints) => Promise<readonly KeptRestorePoint[]>;
  /** The rolled-back runs of this command on this instance since it was last kept. */
  readonly failedChanges: (of: InstanceIdentity) => Promise<readonly FailedChange[]>;
  /** For changes that wait for a confirmation. */
  readonly confirmation: ConfirmationTools;
  /** Null where there is no terminal to ask at. */
  readonly person: Person | null;
}

/** What a person at the terminal answers; `leave` lets the change wait without this process. */
export type ConfirmationAnswer = 'confirm' | 'refuse' | 'leave';

/** What waiting needs of the outside world. */
export interface ConfirmationTools {
  readonly readClocks: () => ClockReading;
  /** Resolves when the wait may begin, or with the signal: the changes of a wave of a rollout wait from the same moment on. */
  readonly ready: (signal: AbortSignal) => Promise<void>;
  /** Makes sure that somebody acts at the deadline whatever becomes of this process. The error is one sentence. */
  readonly arm: (run: string, deadline: Deadline) => Promise<Result<void, string>>;
  /** Asks the person at the terminal and shows the time left; null without a terminal. Aborting the signal closes the question. */
  readonly ask: ((deadline: () => Deadline, signal: AbortSignal) => Promise<ConfirmationAnswer>) | null;
  /** Runs `--confirm-by` once. */
  readonly tryCommand: (words: readonly [string, ...string[]], signal: AbortSignal) => Promise<boolean>;
  /** How the run ended, where another guard of this host has it; that it waits, where it still does; null where that is not known in time. */
  readonly outcomeOf: (run: string) => Promise<Outcome | null>;
  /** Shows the text at the terminals inside the instance: that it is about to be rolled back, or is not any more. */
  readonly tellUsers: (text: string) => Promise<void>;
}

/** The input and output of the command. Messages of guard are never written there. */
export interface CommandIo {
  /** Null unless both sides are a terminal. */
  readonly terminal: Terminal | null;
  /** Null if there is no input to pass on. */
  readonly stdin: Readable | null;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Prepares this process to pass on large amounts of data, until the returned function is called. */
  readonly begin: () => () => void;
}

/** The terminal of the user, which the command uses while it runs. */
export interface Terminal {
  /** The value of TERM. */
  readonly kind: string;
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** Calls back when the size changes, until the returned function is called. */
  readonly onResize: (listener: () => void) => () => void;
  /** Switches to raw mode, so that keys such as Ctrl-C reach the command; the returned function switches back. */
  readonly raw: () => () => void;
}
