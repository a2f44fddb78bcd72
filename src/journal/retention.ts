import { rm } from 'node:fs/promises';
import { boundFinished, noteFinished, readFinished, rewriteFinished, type FinishedNote } from './finished-runs.ts';
import { historyKey, readRecentHistory, readWholeHistory, removeHistory } from './instance-history.ts';
import type { RecordedIdentity } from './instance-identity.ts';
import { keptBy, type KeptRestorePoint } from './kept-restore-points.ts';
import { isRunId } from './run-id.ts';
import { readSummary } from './run-summary.ts';
import { hasRecord, recordedRuns } from './runs.ts';
import { runDirectory } from './state-directory.ts';

/** The default number of kept records. */
const defaultRecords = 10_000;

/** How many records are removed at once: a run does not wait for more. */
const mostAtOnce = 10;

/** How many records at once stay because of their restore points: whether one exists its server is asked. */
const mostNeeded = 10;

/** How many records that cannot be removed are tried at once. */
const mostFailures = 1000;

/** Whether a restore point that a run left may still exist. */
export type MayExist = (point: KeptRestorePoint, of: RecordedIdentity) => Promise<boolean>;

/**
 * Removes the oldest records of finished runs beyond `keep`, a few at a time, and tells which. The record of a restore point that
 * may still exist stays: without it nobody could go back to that restore point, or prune it. One that stays, or cannot be removed,
 * does not stop the rest.
 */
export async function pruneRecords(
  state: string,
  { keep = defaultRecords, mayExist }: { readonly keep?: number; readonly mayExist: MayExist },
): Promise<string[]> {
  if (boundFinished(state) <= keep) return [];
  const recorded = new Set(recordedRuns(state));
  const present = [...onlyOf(readFinished(state), recorded)];
  const removed: string[] = [];
  const needed = new Map<string, FinishedNote>();
  let failures = 0;
  for (const [run, note] of present.slice(0, Math.max(0, present.length - keep))) {
    if (removed.length >= mostAtOnce || needed.size >= mostNeeded || failures >= mostFailures) break;
    if (await isNeeded(state, run, mayExist)) needed.set(run, note);
    else if (await remove(state, run)) removed.push(run);
    else failures += 1;
  }
  // Noted again they are the newest ones: the next call looks at others.
  noteFinished(state, needed);
  // Not at every run: the file is long.
  if (boundFinished(state) > 2 * present.length) await rewriteFinished(state, onlyOf(readFinished(state), recorded));
  return removed;
}

function onlyOf(notes: ReadonlyMap<string, FinishedNote>, runs: ReadonlySet<string>): Map<string, FinishedNote> {
  return new Map([...notes].filter(([run]) => runs.has(run)));
}

async function isNeeded(state: string, run: string, mayExist: MayExist): Promise<boolean> {
  const summary = await readSummary(state, run);
  if (summary === null) return false;
  const [point] = keptBy(summary);
  if (point === undefined) return false;
  // Nothing tells where its restore point is.
  return summary.started === null || mayExist(point, summary.started);
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
