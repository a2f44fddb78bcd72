import { rm } from 'node:fs/promises';
import { boundFinished, readFinished, rewriteFinished } from './finished-runs.ts';
import { historyKey, readRecentHistory, readWholeHistory, removeHistory } from './instance-history.ts';
import { isRunId } from './run-id.ts';
import { readSummary } from './run-summary.ts';
import { hasRecord, recordedRuns } from './runs.ts';
import { runDirectory } from './state-directory.ts';

/** The default number of kept records. */
const defaultRecords = 10_000;

/** How many records are removed at once: a run does not wait for more. */
const mostAtOnce = 10;

/** How many records that cannot be removed are tried at once. */
const mostFailures = 1000;

/**
 * Removes the oldest records of finished runs beyond `keep`, a few at a time, and tells which. One in `needed` stays (its restore
 * point still exists). One that cannot be removed does not stop the rest.
 */
export async function pruneRecords(
  state: string,
  { keep = defaultRecords, needed = new Set() }: { readonly keep?: number; readonly needed?: ReadonlySet<string> } = {},
): Promise<string[]> {
  if (boundFinished(state) <= keep) return [];
  const recorded = new Set(recordedRuns(state));
  const present = [...readFinished(state)].filter(([run]) => recorded.has(run));
  const beyond = present.slice(0, Math.max(0, present.length - keep)).map(([run]) => run);
  const removed: string[] = [];
  let failures = 0;
  for (const run of beyond) {
    if (removed.length >= mostAtOnce || failures >= mostFailures) break;
    if (needed.has(run)) continue;
    if (await remove(state, run)) removed.push(run);
    else failures += 1;
  }
  // Not at every run: the file is long.
  if (boundFinished(state) > 2 * present.length) await rewriteFinished(state, new Map(present));
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
    const isNeeded = [readRecentHistory, readWholeHistory].some((read) =>
      [...read(state, key).keys()].some((other) => hasRecord(state, other)),
    );
    if (!isNeeded) removeHistory(state, key);
  }
  return isRemoved;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
