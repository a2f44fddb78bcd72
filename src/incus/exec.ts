import type { Readable, Writable } from 'node:stream';

import type { Result } from '../result.ts';
import type { Incus } from './client.ts';
import type { IncusFailure } from './failure.ts';

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
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'not-executable' };

/** A command under way. */
export interface Exec {
  /** Id of the operation. */
  readonly operation: string;
  /** Tells the terminal inside its new size. */
  readonly resize: (columns: number, rows: number) => void;
  /** Sends a signal by number to the direct child only; its own children do not get it. */
  readonly signal: (signal: number) => void;
  /** Drops all connections: the server then kills the direct child with SIGKILL; grandchildren survive. */
  readonly abandon: () => void;
  /** Resolves after all output was handed to the Writables. `connection-lost`: how the command ended is not known. */
  readonly ended: Promise<Result<ExecEnd, IncusFailure>>;
}

/** Starts a command; a success means that the command was asked for, not that the executable exists (see `ended`). */
export const startExec = (
  incus: Incus,
  instance: string,
  request: ExecRequest,
  streams: ExecStreams,
): Promise<Result<Exec, IncusFailure>> => notYet(incus, instance, request, streams);

const notYet = (..._all: unknown[]): never => {
  throw new Error('not written yet');
};
