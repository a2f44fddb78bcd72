import { access, constants, readdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { ok, type Result } from '../result.ts';
import { makeDurableFolder } from './durable.ts';
import { tryFiles } from './file-failure.ts';

/**
 * Where the records of runs are: GUARD_STATE_DIR if set, else /var/lib/guard for root, else the user's state directory
 * (XDG base directories: $XDG_STATE_HOME/guard, or ~/.local/state/guard). Always absolute.
 */
export function stateDirectory(environment: Readonly<Record<string, string | undefined>>, uid: number): string {
  const chosen = environment['GUARD_STATE_DIR'];
  if (chosen) return resolve(chosen);
  return uid === 0 ? '/var/lib/guard' : join(userStateHome(environment), 'guard');
}

/** Creates the state directory if needed. The failure is a sentence. */
export function openStateDirectory(state: string): Promise<Result<void, string>> {
  return tryFiles(state, async () => {
    await makeDurableFolder(runsDirectory(state));
    await access(runsDirectory(state), constants.W_OK | constants.X_OK);
  });
}

/**
 * Whether the records can be read. A folder that does not exist yet holds none, which is no failure. An unreadable one must not
 * look like an empty one: `guard recover` would say that there is nothing to do. The failure is a sentence.
 */
export async function checkReadable(state: string): Promise<Result<void, string>> {
  const read = await tryFiles(runsDirectory(state), () => readdir(runsDirectory(state)).catch(acceptMissing));
  return read.ok ? ok(undefined) : read;
}

function acceptMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}

/** The folder of all records. */
export function runsDirectory(state: string): string {
  return join(state, 'runs');
}

/** The folder of one run's record. */
export function runDirectory(state: string, run: string): string {
  return join(runsDirectory(state), run);
}

function userStateHome(environment: Readonly<Record<string, string | undefined>>): string {
  const base = environment['XDG_STATE_HOME'];
  // The specification: a relative path there is invalid and to be ignored.
  if (base && isAbsolute(base)) return base;
  return join(environment['HOME'] || userInfo().homedir, '.local/state');
}
