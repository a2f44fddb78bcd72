import { appendFileSync, closeSync, constants, fstatSync, openSync } from 'node:fs';
import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Creates a folder that only its owner can read, durably. An existing one is a success and is not changed. */
export async function makeDurableFolder(folder: string): Promise<void> {
  if ((await stat(folder).catch(nullIfMissing))?.isDirectory() === true) return;
  const parent = dirname(folder);
  // One level at a time: Node's own recursive mkdir never returns below /proc (nodejs/node, ENOENT for a parent that exists).
  if (parent !== folder) await makeDurableFolder(parent);
  await mkdir(folder, { mode: 0o700 }).catch(acceptExisting);
  // A new name is durable only when the folder that holds it is synced.
  await syncFolder(parent);
}

function nullIfMissing(error: unknown): null {
  if (codeOf(error) === 'ENOENT') return null;
  throw error;
}

/** Another guard may have made it at the same moment. A file of that name is reported by whoever writes below it. */
function acceptExisting(error: unknown): void {
  if (codeOf(error) !== 'EEXIST') throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}

/**
 * Writes a file atomically: a temporary file in the same folder, fsync, rename, fsync of the folder. `mode` is what
 * the process's umask leaves of it; without it the file is its owner's alone.
 */
export async function writeAtomically(
  folder: string,
  name: string,
  content: string | Uint8Array,
  mode = 0o600,
): Promise<void> {
  const temporary = join(folder, `.${name}.${process.pid}.tmp`);
  try {
    await writeSynced(temporary, content, mode);
    await rename(temporary, join(folder, name));
  } catch (error) {
    await rm(temporary, { force: true });
    throw withPath(error, temporary, join(folder, name));
  }
  await syncFolder(folder);
}

/** An error about the temporary file names the wanted file, because a user does not know the temporary one. */
function withPath(error: unknown, temporary: string, wanted: string): unknown {
  if (error instanceof Error && 'path' in error && error.path === temporary) {
    error.path = wanted;
    error.message = error.message.replaceAll(temporary, wanted);
  }
  return error;
}

/** Opening a pipe with these does not block; without a reader the system refuses it. */
export const appendOnly = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

/** Adds text to a file, which is its owner's alone. Returns the length of the file. Not durable. */
export function appendText(path: string, text: string): number {
  const file = openSync(path, appendOnly, 0o600);
  try {
    appendFileSync(file, text);
    return fstatSync(file).size;
  } finally {
    closeSync(file);
  }
}

/** Makes the names in a folder durable: a file's own fsync does not. */
export function syncFolder(folder: string): Promise<void> {
  return withFile(folder, 'r', (handle) => handle.sync());
}

function writeSynced(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  return withFile(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK,
    async (file) => {
      await file.writeFile(content);
      await file.sync();
    },
    mode,
  );
}

/** Does the work with an open file, and closes the file only if the work fails. */
export async function orClosed<T>(file: FileHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function withFile(
  path: string,
  flags: string | number,
  work: (file: FileHandle) => Promise<void>,
  mode = 0o600,
): Promise<void> {
  const file = await open(path, flags, mode);
  try {
    await work(file);
  } finally {
    await file.close();
  }
}
