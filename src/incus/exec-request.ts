import type { Readable, Writable } from 'node:stream';

import type { Result } from '../result.ts';
import type { IncusFailure } from './failure.ts';
import type { Operation } from './operations.ts';

/** A command to run inside an instance. No shell is involved: the argument vector arrives as it is. */
export interface ExecRequest {
  readonly command: readonly string[];
  /** Seen by everyone on the host who can list processes: never put a secret here. */
  readonly environment: Readonly<Record<string, string>>;
  readonly user?: number;
  readonly group?: number;
  /** A folder that does not exist is silently replaced by `/` by the server. */
  readonly cwd?: string;
  /** Size of the terminal to make inside, or null for plain streams. */
  readonly terminal: null | { readonly columns: number; readonly rows: number };
}

/** Where the bytes come from and go to. None of them is closed or ended by the exec. */
export interface ExecStreams {
  /** Null: the command sees an empty stdin (end of file at once). */
  readonly stdin: Readable | null;
  readonly stdout: Writable;
  /** Unused with a terminal. */
  readonly stderr: Writable;
}

/** How the command ended. A status above 128 may be a signal, or a stop of the instance: ask its state. */
export type ExecEnd =
  | {
      readonly kind: 'exited';
      readonly status: number;
      /** The connection for output ended before all of it had come. */
      readonly outputLost?: true;
    }
  /** The executable does not exist, or something ended with 127 without a word: Incus does not tell these apart. */
  | { readonly kind: 'not-found' }
  /** It cannot be executed, or something ended with 126 without a word. */
  | { readonly kind: 'not-executable' };

/** A command that the server has accepted: it starts as soon as all sockets are connected, within five seconds. */
export interface AcceptedExec {
  readonly operation: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly terminal: boolean;
  readonly waited: Promise<Result<Operation, IncusFailure>>;
}
