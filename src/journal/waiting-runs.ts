import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Result } from '../result.ts';
import { makeDurableFolder, writeAtomically } from './durable.ts';
import { tryFiles } from './file-failure.ts';
import { isRunId } from './run-id.ts';

/** The folder that names the runs whose deadline somebody has to keep: a keeper does not read every record for them. */
function folderOf(stateDirectory: string): string {
  return join(stateDirectory, 'waiting');
}

/** Notes, durably, that the run waits for a confirmation. The failure is one sentence. */
export function noteWaiting(stateDirectory: string, run: string): Promise<Result<void, string>> {
  const folder = folderOf(stateDirectory);
  return tryFiles(join(folder, run), async () => {
    await makeDurableFolder(folder);
    await writeAtomically(folder, run, '');
  });
}

/** The run does not wait any more. Forgetting it twice does nothing. */
export async function forgetWaiting(stateDirectory: string, run: string): Promise<void> {
  await rm(join(folderOf(stateDirectory), run), { force: true }).catch(() => {});
}

/** The runs that were noted, in the order of their ids. */
export function listWaiting(stateDirectory: string): string[] {
  try {
    return readdirSync(folderOf(stateDirectory)).filter(isRunId).toSorted();
  } catch {
    return [];
  }
}
