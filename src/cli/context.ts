import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { InstanceConnection, RequestWatch } from '../platform/incus/remote/reach.ts';
import type { Refusal } from '../event.ts';
import { stateDirectory } from '../journal/state-directory.ts';
import type { Reports } from '../report/report-files.ts';
import type { Target } from '../report/run-report.ts';
import type { Trace } from '../report/trace.ts';
import type { Result } from '../result.ts';
import type { ReadHookPart } from '../package-hook/parts.ts';
import type { Interrupter } from '../run/interruption.ts';

/** What the commands get from the outside world; `main.ts` brings the real one. */
export interface Context {
  readonly version: string;
  readonly commit: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly clock: Clock;
  /** Reads a part of the package hook. */
  readonly readHookPart: ReadHookPart;
  readonly interrupter: Interrupter;
  readonly stdin: Readable & {
    readonly isTTY?: boolean;
    readonly fd?: number;
    readonly setRawMode?: (raw: boolean) => unknown;
  };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  /** Whether the terminal listens to this process: a job in the background must not touch it. Left out: it does. */
  readonly foreground?: boolean;
  /** The command never changes an instance. Left out: it may. */
  readonly readOnly?: boolean;
  /** What is being done to which instance, once that is known. */
  readonly target?: Target;
  /** The files of `--report`, where there are any. */
  readonly reports?: Reports;
  /** The file of `--trace`, where there is one. */
  readonly trace?: Trace;
  /** Finds the daemon of an instance as the `incus` command would, and opens it. */
  readonly reach: (
    instance: string,
    project: string | null,
    watch?: RequestWatch,
  ) => Promise<Result<InstanceConnection, Refusal>>;
}

/** Where the records of runs are, for this user in this environment. */
export function stateDirectoryOf({ environment }: Pick<Context, 'environment'>): string {
  return stateDirectory(environment, process.getuid?.() ?? 0);
}
