import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { join, resolve } from 'node:path';
import { execa, type Options } from 'execa';
import { incusCommand } from './incus-subject.ts';

/** GUARD_TEST_PROGRAM takes the place of the npm package's program: the single executable, in `npm run test:packages`. */
const program = process.env['GUARD_TEST_PROGRAM'];
const command =
  program === undefined ? [process.execPath, resolve(import.meta.dirname, '../../dist/guard.cjs')] : [program];

/** The built program with a state directory of its own. */
export interface GuardUnderTest {
  readonly stateDirectory: string;
  /** The program and its first words, for a terminal. */
  readonly command: readonly string[];
  /** Runs guard to its end; never rejects. */
  readonly run: (words: readonly string[], options?: Options) => Promise<Ended>;
  /** Starts guard and gives the process. */
  readonly start: (words: readonly string[], options?: Options) => Started;
  readonly remove: () => Promise<void>;
}

/** A guard that runs. It resolves to its end. */
export interface Started extends PromiseLike<{
  readonly exitCode?: number;
  readonly stdout: unknown;
  readonly stderr: string;
}> {
  readonly pid?: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly kill: (signal: NodeJS.Signals) => boolean;
}

export interface Ended {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** guard as built, against the Incus of the tests; its records go to a temporary folder. */
export const guardUnderTest = async (): Promise<GuardUnderTest> => {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'guard-e2e-'));
  const start = (words: readonly string[], options: Options = {}): Started =>
    execa(command[0] ?? '', [...command.slice(1), ...words], {
      stdin: 'ignore',
      stripFinalNewline: false,
      // A rollback after SIGTERM takes its time: nobody kills it meanwhile.
      forceKillAfterDelay: false,
      ...options,
      env: {
        GUARD_STATE_DIR: stateDirectory,
        XDG_CONFIG_HOME: stateDirectory,
        // Where a test names a socket it means the daemon behind it, also where the tests' own is a remote.
        ...(options.env?.['INCUS_SOCKET'] === undefined ? {} : { INCUS_REMOTE: 'local' }),
        ...options.env,
      },
      reject: false,
    }) as unknown as Started;
  return {
    stateDirectory,
    command,
    start,
    run: async (words, options) => {
      const { exitCode, stdout, stderr } = await start(words, options);
      return { status: exitCode, stdout: text(stdout), stderr: text(stderr) };
    },
    remove: () => rm(stateDirectory, { recursive: true, force: true }),
  };
};

const text = (output: unknown): string => (typeof output === 'string' ? output : '');

/** The client of the tests' server, as guard names it in the commands that it prints. */
export const client = process.env['LXD_DIR'] === undefined ? 'incus' : 'lxc';

/** Its words that restore a snapshot. */
export const restoreWords = client === 'lxc' ? 'lxc restore' : 'incus snapshot restore';

/** `incus query` takes its path as it is: it obeys no project of the environment. */
const project = (): string => process.env['INCUS_PROJECT'] ?? 'default';

/** The names of the instance's snapshots, as the `incus` command shows them. */
export const snapshotNames = async (instance: string): Promise<string[]> => {
  const snapshots: unknown = JSON.parse(
    await incusCommand('query', `/1.0/instances/${instance}/snapshots?recursion=1&project=${project()}`),
  );
  return (snapshots as { name: string }[]).map((snapshot) => snapshot.name);
};

/** `Running`, `Stopped`, … */
export const statusOf = async (instance: string): Promise<string> => {
  const found: unknown = JSON.parse(await incusCommand('query', `/1.0/instances/${instance}?project=${project()}`));
  return (found as { status: string }).status;
};

/** Whether a file is there, inside. */
export const fileExists = async (instance: string, path: string): Promise<boolean> => {
  const { exitCode } = await execa('incus', ['exec', instance, '--', 'test', '-e', path], { reject: false });
  return exitCode === 0;
};

/** How guard names an instance in the commands that it prints: with its remote, where the tests' own is one. */
export const addressOf = (instance: string): string => {
  const remote = process.env['INCUS_REMOTE'] ?? '';
  return remote === '' ? instance : `${remote}:${instance}`;
};
