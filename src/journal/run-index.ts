import { createHash } from 'node:crypto';
import { appendFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from './durable.ts';
import { journalFile } from './record-files.ts';
import { listRunIds, readRun, readText, type RunRecord } from './runs.ts';
import { runDirectory } from './state-directory.ts';

/** The summary of a run for lists. */
export interface RunSummary extends Pick<
  RunRecord,
  'run' | 'started' | 'restorePoint' | 'commandEnded' | 'decided' | 'released' | 'ended' | 'copyRemoved'
> {
  /** Until when the change waits for a confirmation; absent where it never waited, and in lines of an older guard. */
  readonly confirmationDeadline?: RunRecord['confirmationDeadline'];
  /** The same for the same command words; null where the run's beginning is not known. */
  readonly fingerprint: string | null;
}

/** Which runs; `instance` null means all. */
export interface RunFilter {
  readonly instance: string | null;
  readonly limit: number;
}

/**
 * The newest runs, newest first. Ten thousand records must not be read for that: `index.jsonl` has a line for each run that
 * has ended. It is only a copy. A run that it does not know, or knows otherwise than its journal is, is read from its record.
 */
export async function listRuns(state: string, wanted: RunFilter): Promise<RunSummary[]> {
  const index = linesByRun(readIndex(state));
  const found: RunSummary[] = [];
  const stale: string[] = [];
  for (const run of await listRunIds(state)) {
    if (found.length >= wanted.limit) break;
    const indexed = parseEntry(index.get(run));
    if (indexed && !isWanted(indexed.summary, wanted)) continue;
    const isCurrent = indexed !== null && indexed.bytes === journalLength(state, run);
    const summary = isCurrent ? indexed.summary : await readSummary(state, run);
    if (summary === null) continue;
    if (!isCurrent && summary.ended) stale.push(run);
    if (isWanted(summary, wanted)) found.push(summary);
  }
  await renew(state, stale);
  return found.toSorted(newestFirst);
}

/**
 * Runs that are not over, oldest first: without an end, with a restore point that is still in flight, or with the copy of a
 * rehearsal. Whether one is under way or was interrupted its holder tells.
 */
export async function unfinishedRuns(state: string): Promise<RunRecord[]> {
  const runs = await listRuns(state, { instance: null, limit: Infinity });
  const unfinished = runs.filter(
    ({ started, ended, restorePoint, released, copyRemoved }) =>
      !ended || (restorePoint && !released) || (started?.rehearsal !== undefined && !copyRemoved),
  );
  const records = await Promise.all(unfinished.toReversed().map(({ run }) => readRun(state, run)));
  return records.filter((record) => record !== null);
}

/** Adds an ended run to the index. The index is only a cache, so failures are ignored. */
export function indexRun(state: string, run: string): Promise<void> {
  return renew(state, [run]);
}

/** A hash that identifies a command. */
export function fingerprintOf(command: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(command)).digest('hex').slice(0, 32);
}

const indexFile = 'index.jsonl';

/** One line. `run` comes first, so that a line is found without being parsed. */
interface Entry {
  readonly run: string;
  readonly v: 1;
  /** The journal's length when the line was made. */
  readonly bytes: number;
  readonly summary: RunSummary;
}

const lineBegin = '{"run":"';
const idLength = '20261123-055126-k3f9'.length;

function readIndex(state: string): string {
  return readText(join(state, indexFile)) ?? '';
}

/** The last line of a run counts: `guard recover` adds to a record that had ended. */
function linesByRun(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').filter((line) => line.startsWith(lineBegin));
  return new Map(lines.map((line) => [line.slice(lineBegin.length, lineBegin.length + idLength), line]));
}

/** Null if the line is incomplete or of another version. Then the record itself is read. */
function parseEntry(line: string | undefined): Entry | null {
  if (line === undefined) return null;
  try {
    const entry: unknown = JSON.parse(line);
    return isEntry(entry) ? entry : null;
  } catch {
    return null;
  }
}

function isEntry(value: unknown): value is Entry {
  return (
    typeof value === 'object' &&
    value !== null &&
    'v' in value &&
    value.v === 1 &&
    'bytes' in value &&
    'summary' in value &&
    typeof value.summary === 'object' &&
    value.summary !== null &&
    'started' in value.summary
  );
}

function journalLength(state: string, run: string): number | null {
  return statSync(join(runDirectory(state, run), journalFile), { throwIfNoEntry: false })?.size ?? null;
}

function isWanted({ started }: RunSummary, { instance }: RunFilter): boolean {
  return started !== null && (instance === null || started.instance === instance);
}

/** Runs of the same second are ordered by the time in their records. */
function newestFirst(a: RunSummary, b: RunSummary): number {
  const [second, other] = [a.run.slice(0, -5), b.run.slice(0, -5)];
  if (second !== other) return second < other ? 1 : -1;
  return (b.started?.at ?? 0) - (a.started?.at ?? 0);
}

async function readSummary(state: string, run: string): Promise<RunSummary | null> {
  const record = await readRun(state, run);
  return record === null ? null : summaryOf(record);
}

const mostWords = 100;
const longestWord = 500;

function summaryOf({
  run,
  started,
  restorePoint,
  commandEnded,
  decided,
  released,
  ended,
  copyRemoved,
  confirmationDeadline,
}: RunRecord): RunSummary {
  return {
    run,
    started: started && {
      ...started,
      command: started.command.slice(0, mostWords).map((word) => word.slice(0, longestWord)),
    },
    fingerprint: started && fingerprintOf(started.command),
    restorePoint,
    commandEnded,
    decided,
    released,
    copyRemoved,
    ended,
    ...(confirmationDeadline === null ? {} : { confirmationDeadline }),
  };
}

/** The maximum number of lines for each existing run before the index is rewritten. */
const mostLinesARun = 3;

async function renew(state: string, runs: readonly string[]): Promise<void> {
  if (runs.length === 0) return;
  try {
    const lines = await Promise.all(runs.map((run) => entryLine(state, run)));
    appendFileSync(join(state, indexFile), lines.join(''), { mode: 0o600 });
  } catch {
    // A full disk, a folder of someone else's: the records are the truth, and are read instead.
  }
}

async function entryLine(state: string, run: string): Promise<string> {
  // The length first: what is added meanwhile makes the line stale, never wrong.
  const bytes = journalLength(state, run);
  const summary = await readSummary(state, run);
  if (summary === null || bytes === null) return '';
  const entry: Entry = { run, v: 1, bytes, summary };
  return `${JSON.stringify(entry)}\n`;
}

/** Rewrites the index when most of its lines are outdated. */
export async function tidyIndex(state: string): Promise<void> {
  const text = readIndex(state);
  const ids = await listRunIds(state);
  if (text.split('\n').length <= mostLinesARun * ids.length + 100) return;
  const index = linesByRun(text);
  const lines = ids.toReversed().flatMap((id) => index.get(id) ?? []);
  await writeAtomically(state, indexFile, lines.map((line) => `${line}\n`).join('')).catch(() => {});
}
