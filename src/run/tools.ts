import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { Holder } from '../event.ts';
import type { Person } from '../question.ts';
import type { Platform } from '../platform/platform.ts';
import type { FailedChange } from '../journal/history.ts';
import type { KeptRestorePoint } from '../journal/kept-restore-points.ts';
import type { Interruption } from './interruption.ts';
import type { Recorder } from './recorder.ts';

/** Tells whether the process that holds a run still lives: `elsewhere` when another host would have to be asked. */
export type InspectHolder = (holder: Holder) => 'alive' | 'dead' | 'elsewhere';

/** What a run works with. `main.ts` brings the real ones. */
export interface RunTools {
  readonly platform: Platform;
  readonly clock: Clock;
  readonly recorder: Recorder;
  readonly interruption: Interruption;
  readonly io: CommandIo;
  /** This process, as the journal and the mark name it. */
  readonly holder: Holder;
  readonly inspectHolder: InspectHolder;
  /** The restore points that earlier runs of this state directory kept for this instance, from their records. */
  readonly keptRestorePoints: () => Promise<readonly KeptRestorePoint[]>;
  /** What this command did to this instance, as far as it was rolled back since it was last kept. */
  readonly failedChanges: () => Promise<readonly FailedChange[]>;
  /** Null where nobody can be asked. */
  readonly person: Person | null;
}

/** The command's own input and output: guard's words never go there. */
export interface CommandIo {
  /** Null without a terminal on both sides. */
  readonly terminal: Terminal | null;
  /** Null where there is nothing to pass on. */
  readonly stdin: Readable | null;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Makes this process ready to pass on a great deal, until the returned function is called. */
  readonly begin: () => () => void;
}

/** The user's terminal, handed to the command while it runs. */
export interface Terminal {
  /** The value of TERM. */
  readonly kind: string;
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** Calls back at each change of size, until the returned function is called. */
  readonly onResize: (listener: () => void) => () => void;
  /** Switches to raw mode, so that keys such as Ctrl-C reach the command; the returned function switches back. */
  readonly raw: () => () => void;
}
