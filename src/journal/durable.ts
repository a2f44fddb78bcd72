import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Makes a folder, readable by its owner only, that survives a power cut. An existing one is a success and stays as it is. */
export async function makeDurableFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  // Each new name is durable only when the folder that holds it is synced, from the innermost to the first that was there.
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/**
 * Writes a file whole or not at all: a temporary file in the same folder, fsync, rename, fsync of the folder. `mode` is what
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
    throw error;
  }
  await syncFolder(folder);
}

/** Makes the names in a folder durable: a file's own fsync does not. */
export function syncFolder(folder: string): Promise<void> {
  return withFile(folder, 'r', (handle) => handle.sync());
}

function writeSynced(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  return withFile(
    path,
    'w',
    async (file) => {
      await file.writeFile(content);
      await file.sync();
    },
    mode,
  );
}

async function withFile(
  path: string,
  flags: string,
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
