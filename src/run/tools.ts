import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { Holder } from '../event.ts';
import type { Person } from '../question.ts';
import type { Platform } from '../platform/platform.ts';
import type { FailedChange } from '../journal/history.ts';
import type { KeptRestorePoint } from '../journal/kept-restore-points.ts';
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
  readonly io: CommandIo;
  /** This process, as the journal and the marker identify it. */
  readonly holder: Holder;
  readonly inspectHolder: InspectHolder;
  /** The restore points that earlier runs of this state directory kept for this instance, from their records. */
  readonly keptRestorePoints: () => Promise<readonly KeptRestorePoint[]>;
  /** The rolled-back runs of this command on this instance since it was last kept. */
  readonly failedChanges: () => Promise<readonly FailedChange[]>;
  /** Null where nobody can be asked. */
  readonly person: Person | null;
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
