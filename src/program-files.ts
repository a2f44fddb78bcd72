import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Reads a file of the program, by its path in the npm package (`hooks/guard-hook`); in the single executable it is an asset. */
export async function readProgramFile(path: string): Promise<string> {
  const sea = process.getBuiltinModule('node:sea');
  return sea.isSea() ? sea.getAsset(path, 'utf8') : readFile(join(__dirname, '..', path), 'utf8');
}

/** Whether Node is part of this program. */
export function isSingleFile(): boolean {
  return process.getBuiltinModule('node:sea').isSea();
}
