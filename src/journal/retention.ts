import { rm } from 'node:fs/promises';
import { isRunId } from './run-id.ts';
import { listRuns, tidyIndex, type RunSummary } from './run-index.ts';
import { listRunIds } from './runs.ts';
import { runDirectory } from './state-directory.ts';

/** The default number of kept records. */
const defaultRecords = 10_000;

/**
 * Removes the oldest records beyond `keep`, and tells which. The record of a run that has not ended stays, and so does one
 * in `needed` (its restore point still exists). One that cannot be removed does not stop the rest.
 */
export async function pruneRecords(
  state: string,
  { keep = defaultRecords, needed = new Set() }: { readonly keep?: number; readonly needed?: ReadonlySet<string> } = {},
): Promise<string[]> {
  if ((await listRunIds(state)).length <= keep) return [];
  const runs = await listRuns(state, { instance: null, limit: Infinity });
  const old = runs.slice(keep).filter(({ run, ended }) => hasEnded(ended) && !needed.has(run));
  const removed: string[] = [];
  for (const { run } of old) if (await remove(state, run)) removed.push(run);
  if (removed.length > 0) await tidyIndex(state);
  return removed;
}

/** A run that waits for a confirmation goes on without the guard that began it. */
function hasEnded(ended: RunSummary['ended']): boolean {
  return ended !== null && ended.outcome.outcome !== 'waiting';
}

/** Removes one record, whatever it holds; false where it could not be removed. */
export async function removeRecord(state: string, run: string): Promise<boolean> {
  const removed = await remove(state, run);
  if (removed) await tidyIndex(state);
  return removed;
}

async function remove(state: string, run: string): Promise<boolean> {
  if (!isRunId(run)) return false;
  return rm(runDirectory(state, run), { recursive: true }).then(
    () => true,
    () => false,
  );
}
