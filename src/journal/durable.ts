import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Makes a folder, readable by its owner only, that survives a power cut. An existing one is a success. */
export const makeDurableFolder = async (folder: string): Promise<void> => {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first !== undefined) await syncFolder(dirname(folder));
};

/** Writes a file whole or not at all: a temporary file in the same folder, fsync, rename, fsync of the folder. */
export const writeAtomically = async (folder: string, name: string, text: string): Promise<void> => {
  const temporary = join(folder, `.${name}.tmp`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, name));
  await syncFolder(folder);
};

/** Makes the names in a folder durable: a file's own fsync does not. */
export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
