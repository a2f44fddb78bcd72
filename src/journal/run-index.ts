import { opendirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { RunStarted } from '../event.ts';
import { noGeneration, noteFinished, readFinished, type FinishedNote } from './finished-runs.ts';
import {
  addHistory,
  historyKey,
  historyKeysOf,
  isOfEnded,
  listHistoryKeys,
  parseHistoryLine,
  readFormerIndex,
  readHeader,
  readHistory,
  readRecentHistory,
  readWholeHistory,
  removeFormerIndex,
  type HistoryLine,
} from './instance-history.ts';
import { isOfInstance, type InstanceAddress, type InstanceIdentity } from './instance-identity.ts';
import { isFinished, journalLength, newestFirst, readSummary, secondOf, type RunSummary } from './run-summary.ts';
import { listRunIds, readRun, type RunRecord } from './runs.ts';
import { runsDirectory } from './state-directory.ts';

/** The newest runs of all instances, newest first, from their records. */
export async function listRuns(state: string, limit: number): Promise<RunSummary[]> {
  const found: RunSummary[] = [];
  for (const run of await listRunIds(state)) {
    if (found.length >= limit) break;
    const summary = await readSummary(state, run);
    if (summary?.started != null) found.push(summary);
  }
  return found.toSorted(newestFirst);
}

/** Which runs of an instance are wanted. */
export interface Wanted {
  /** Whether the run of a line may be one of them: the records of the others are not looked at. Left out: each of them may. */
  readonly mayFit?: (line: string) => boolean;
  readonly fits?: (summary: RunSummary) => boolean;
  /** How many are enough. */
  readonly most?: number;
  /** Whether no older run is wanted than this one. */
  readonly isLast?: (summary: RunSummary) => boolean;
}

/**
 * The runs that are wanted among the `limit` newest ones of exactly this instance, newest first. No run of another instance is read
 * for it. Where its uuid is not known its names decide, for which all histories are searched.
 */
export async function listRunsOf(
  state: string,
  identity: InstanceIdentity,
  limit: number,
  wanted: Wanted = {},
): Promise<RunSummary[]> {
  if (identity.uuid === null) return listRunsNamed(state, identity, limit);
  // It is a new instance, or its history was lost.
  const isKnown = historyKeysOf(identity).some((key) => readHeader(state, key) !== null);
  if (!isKnown && hasAtMost(state, fewRecords)) await completeHistory(state);
  const isOwn = ({ started, restorePoint }: RunSummary): boolean =>
    started === null ? false : isOfInstance(started, identity, restorePoint?.createdAt ?? null);
  function find(read: typeof readHistory): Promise<RunSummary[]> {
    const lines = new Map([
      ...readFormerIndex(state, identity.instance),
      ...historyKeysOf(identity).flatMap((key) => [...read(state, key)]),
    ]);
    return newest(state, lines, limit, isOwn, wanted);
  }
  const { most = Infinity, isLast } = wanted;
  if (most === Infinity && isLast === undefined) return find(readHistory);
  // A few are among the last lines.
  const recent = await find(readRecentHistory);
  const isEnough = recent.length >= most || (isLast !== undefined && recent.some(isLast));
  return isEnough ? recent : find(readHistory);
}

/** The newest runs of all instances that had this name when they ran, newest first; with a project and remote only those there. */
export async function listRunsNamed(
  state: string,
  names: Pick<InstanceAddress, 'instance'> & Partial<InstanceIdentity>,
  limit: number,
): Promise<RunSummary[]> {
  const { unlisted } = await completeHistory(state);
  const named = `"instance":${JSON.stringify(names.instance)}`;
  const lines = new Map(
    listHistoryKeys(state).flatMap((key) => {
      const all = [...readHistory(state, key)];
      return all.some(([, line]) => line.includes(named)) ? all : [];
    }),
  );
  const isNamed = ({ started, restorePoint }: RunSummary): boolean =>
    started !== null &&
    isOfInstance(started, { ...anyOf(started), ...names, uuid: null }, restorePoint?.createdAt ?? null);
  const others = unlisted.filter((summary) => isNamed(summary) && !lines.has(summary.run));
  return [...(await newest(state, lines, limit, isNamed)), ...others].toSorted(newestFirst).slice(0, limit);
}

function anyOf({ instance, project, remote }: InstanceAddress): InstanceIdentity {
  return { instance, project, remote, uuid: null, server: null, createdAt: null };
}

/** The wanted ones of the newest runs that lines name, from the lines where they agree with the records. */
async function newest(
  state: string,
  lines: ReadonlyMap<string, string>,
  limit: number,
  isWanted: (summary: RunSummary) => boolean,
  { mayFit = () => true, fits = () => true, most = Infinity, isLast = () => false }: Wanted = {},
): Promise<RunSummary[]> {
  const found: RunSummary[] = [];
  let others = 0;
  let last: string | null = null;
  for (const [run, text] of [...lines].toSorted(([a], [b]) => (a < b ? 1 : -1))) {
    if (found.length >= most || found.length + others >= limit) break;
    // Ids of the same second are in no order.
    if (last !== null && secondOf(run) !== secondOf(last)) break;
    if (isOfEnded(text) && !mayFit(text)) {
      others += 1;
      continue;
    }
    const bytes = journalLength(state, run);
    // It was removed.
    if (bytes === null) continue;
    const line = parseHistoryLine(text);
    const summary = line?.bytes === bytes ? line.summary : await readSummary(state, run);
    if (summary === null || !isWanted(summary)) continue;
    if (fits(summary)) found.push(summary);
    else others += 1;
    if (isLast(summary)) last = run;
  }
  return found.toSorted(newestFirst);
}

/** The last run of each instance that the records name. */
export async function lastRunOfEach(state: string): Promise<RunSummary[]> {
  const { unlisted } = await completeHistory(state);
  const last = new Map<string, RunSummary>();
  for (const key of listHistoryKeys(state)) {
    const [summary] = await newest(state, readHistory(state, key), 1, ({ started }) => started !== null);
    if (summary !== undefined) last.set(key, summary);
  }
  for (const summary of unlisted) if (summary.started !== null) last.set(historyKey(summary.started), summary);
  return [...last.values()];
}

/**
 * Runs that are not over, oldest first: without an end, with a restore point that is still in flight, or with the copy of a
 * rehearsal. Whether one is under way or was interrupted its holder tells.
 */
export async function unfinishedRuns(state: string): Promise<RunRecord[]> {
  const { unfinished } = await completeHistory(state);
  const records = await Promise.all(unfinished.map((run) => readRun(state, run)));
  return records.filter((record) => record !== null);
}

/** Names the run in the history of its instance before it is recorded: it is found there, whatever ends guard. */
export async function noteBegin(
  state: string,
  started: RunStarted & { readonly run: string; readonly at: number },
): Promise<void> {
  const summary = { ...emptySummary, run: started.run, started: { ...started, command: [] } };
  const { isNew } = addHistory(state, historyKey(started), [{ run: started.run, v: 1, bytes: -1, summary }]);
  // It is a new instance, or its history was lost. A run does not wait for a long one; the next command that lists runs reads all of it.
  if (isNew && hasAtMost(state, fewRecords)) await completeHistory(state);
}

const emptySummary = {
  restorePoint: null,
  commandEnded: null,
  decided: null,
  released: null,
  ended: null,
  copyRemoved: false,
  fingerprint: null,
};

/** Adds the summary of an ended run to the history of its instance. Its record stays the truth, so failures are ignored. */
export async function noteEnd(state: string, run: string): Promise<void> {
  const line = await lineOf(state, run);
  if (line?.summary.started == null) return;
  const { generation } = addHistory(state, historyKey(line.summary.started), [line]);
  if (generation !== null && isFinished(line.summary))
    noteFinished(state, new Map([[run, { bytes: line.bytes, generation }]]));
}

async function lineOf(state: string, run: string): Promise<HistoryLine | null> {
  // The length first: what is added meanwhile makes the line stale, never wrong.
  const bytes = journalLength(state, run);
  const summary = await readSummary(state, run);
  return summary === null || bytes === null ? null : { run, v: 1, bytes, summary };
}

/** How many records are read at once, in a run, to restore a deleted history. */
const fewRecords = 500;

function hasAtMost(state: string, most: number): boolean {
  try {
    const folder = opendirSync(runsDirectory(state));
    try {
      for (let count = 0; count <= most; count += 1) if (folder.readSync() === null) return true;
      return false;
    } finally {
      folder.closeSync();
    }
  } catch {
    return true;
  }
}

/** How many records are kept in memory before their lines are written. */
const batch = 1000;

/** How many records are read before the event loop has a turn: no signal waits until a long history is read. */
const turn = 50;

/** The same for notes. */
const turnOfNotes = 10_000;

/** Of how many of the newest runs the length of the journal is compared with the note, and the line is looked for in the history. */
const checked = 1000;

interface Completion {
  /** The runs that are not finished, oldest first. */
  readonly unfinished: readonly string[];
  /** Those without a line in a history, because it could not be written. */
  readonly unlisted: readonly RunSummary[];
}

/**
 * Reads every record that is not noted as finished, or whose line was lost, and adds what the histories lack: records of an older
 * guard, of one that was killed, and of one whose notes were lost. Later calls read only the runs that are not finished.
 */
async function completeHistory(state: string): Promise<Completion> {
  const ids = await listRunIds(state);
  const open = (await openRuns(state, ids)).toReversed();
  const unfinished: string[] = [];
  const unlisted: RunSummary[] = [];
  const listed = new Map<string, ReadonlyMap<string, string>>();
  for (let at = 0; at < open.length; at += batch) {
    const added = new Map<string, HistoryLine[]>();
    const ended: { readonly run: string; readonly bytes: number; readonly key: string | null }[] = [];
    for (const [index, run] of open.slice(at, at + batch).entries()) {
      if (index % turn === 0) await setImmediate();
      const line = await lineOf(state, run);
      if (line === null) continue;
      const { started } = line.summary;
      const key = started === null ? null : historyKey(started);
      const isOver = isFinished(line.summary);
      if (isOver) ended.push({ run, bytes: line.bytes, key });
      else unfinished.push(run);
      if (key === null) continue;
      const known = listed.get(key) ?? readWholeHistory(state, key);
      listed.set(key, known);
      const lines = added.get(key) ?? [];
      added.set(key, lines);
      const isListed = isOver ? parseHistoryLine(known.get(run))?.bytes === line.bytes : known.has(run);
      if (!isListed) lines.push(line);
    }
    const generations = new Map<string | null, string>([[null, noGeneration]]);
    for (const [key, lines] of added) {
      const { generation } = addHistory(state, key, lines);
      if (generation === null) unlisted.push(...lines.map(({ summary }) => summary));
      else generations.set(key, generation);
    }
    const notes = ended.flatMap(({ run, bytes, key }) => {
      const generation = generations.get(key);
      return generation === undefined ? [] : [[run, { bytes, generation }] as const];
    });
    noteFinished(state, new Map(notes));
  }
  if (unlisted.length === 0) removeFormerIndex(state);
  return { unfinished, unlisted };
}

/**
 * The runs that have to be read, newest first: those without a note, those whose note names a history that was lost, and those of a history that
 * lacks the line of one of the newest runs. A disk that lost the end of a file lost that of a recent one.
 */
async function openRuns(state: string, newestFirstIds: readonly string[]): Promise<string[]> {
  await setImmediate();
  const finished = readFinished(state);
  await setImmediate();
  const histories = new Map(
    listHistoryKeys(state).flatMap((key) => {
      const header = readHeader(state, key);
      return header === null ? [] : [[header.generation, { key, from: header.from }] as const];
    }),
  );
  const recent = new Map<string, string[]>();
  for (const run of newestFirstIds.slice(0, checked)) {
    const generation = finished.get(run)?.generation;
    const from = generation === undefined ? undefined : histories.get(generation)?.from;
    if (generation === undefined || from === undefined || run < from) continue;
    const runs = recent.get(generation) ?? [];
    recent.set(generation, runs);
    runs.push(run);
  }
  const incomplete = new Set(
    [...recent].flatMap(([generation, runs]) => {
      const key = histories.get(generation)?.key;
      return key === undefined || namesAll(state, key, runs) ? [] : [generation];
    }),
  );
  const isBelieved = (run: string, age: number, { bytes, generation }: FinishedNote): boolean => {
    if (age < checked && bytes !== journalLength(state, run)) return false;
    if (generation === noGeneration) return true;
    const from = histories.get(generation)?.from;
    return from !== undefined && (run < from || !incomplete.has(generation));
  };
  const open: string[] = [];
  for (const [age, run] of newestFirstIds.entries()) {
    if (age % turnOfNotes === 0) await setImmediate();
    const note = finished.get(run);
    if (note === undefined || !isBelieved(run, age, note)) open.push(run);
  }
  return open;
}

function namesAll(state: string, key: string, runs: readonly string[]): boolean {
  return [readRecentHistory, readWholeHistory].some((read) => {
    const lines = read(state, key);
    return runs.every((run) => lines.has(run));
  });
}
