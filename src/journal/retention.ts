import { rm } from 'node:fs/promises';
import { countFinished, forgetFinished, readOldestFinished } from './finished-runs.ts';
import { historyKey, isLastRun, removeHistory } from './instance-history.ts';
import { isRunId } from './run-id.ts';
import { readSummary } from './run-summary.ts';
import { hasRecord } from './runs.ts';
import { runDirectory } from './state-directory.ts';

/** The default number of kept records. */
const defaultRecords = 10_000;

/** How many records are removed at once: a run does not wait for more. */
const mostAtOnce = 10;

/**
 * Removes the oldest records of finished runs beyond `keep`, a few at a time, and tells which. One in `needed` stays (its restore
 * point still exists). One that cannot be removed does not stop the rest.
 */
export async function pruneRecords(
  state: string,
  { keep = defaultRecords, needed = new Set() }: { readonly keep?: number; readonly needed?: ReadonlySet<string> } = {},
): Promise<string[]> {
  if (countFinished(state) <= keep) return [];
  const oldest = readOldestFinished(state);
  const firstThere = oldest.findIndex((run) => hasRecord(state, run));
  const removedBefore = firstThere === -1 ? oldest.length : firstThere;
  const excess = Math.floor(countFinished(state) - removedBefore - keep);
  const removed: string[] = [];
  for (const run of oldest.slice(removedBefore)) {
    if (removed.length >= Math.min(mostAtOnce, excess)) break;
    if (hasRecord(state, run) && !needed.has(run) && (await remove(state, run))) removed.push(run);
  }
  // Not at every run: the file is long.
  if (removedBefore > oldest.length / 2) await forgetFinished(state, new Set(oldest.slice(0, removedBefore)));
  return removed;
}

/** Removes one record, whatever it holds; false where it could not be removed. */
export async function removeRecord(state: string, run: string): Promise<boolean> {
  return remove(state, run);
}

async function remove(state: string, run: string): Promise<boolean> {
  if (!isRunId(run)) return false;
  const started = (await readSummary(state, run))?.started ?? null;
  const isRemoved = await rm(runDirectory(state, run), { recursive: true }).then(() => true, isMissing);
  if (isRemoved && started !== null) {
    const key = historyKey(started);
    // An instance without records, as after the test of a CI job, has no history.
    if (isLastRun(state, key, run)) removeHistory(state, key);
  }
  return isRemoved;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
