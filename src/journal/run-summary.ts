import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { journalFile } from './record-files.ts';
import { foldEvents, readRun, readText, recordedEventOf, type RunRecord } from './runs.ts';
import { runDirectory } from './state-directory.ts';

/** The summary of a run for lists. */
export interface RunSummary extends Pick<
  RunRecord,
  'run' | 'started' | 'restorePoint' | 'commandEnded' | 'decided' | 'released' | 'ended' | 'copyRemoved'
> {
  /** Until when the change waits for a confirmation; absent where it never waited, and in lines of an older guard. */
  readonly confirmationDeadline?: RunRecord['confirmationDeadline'];
  /** The record has an unreadable line, whose content is unknown. */
  readonly damaged?: boolean;
  /** The same for the same command words; null where the run's beginning is not known. */
  readonly fingerprint: string | null;
}

/** Reads the summary of one run from its record; null where there is none. */
export async function readSummary(state: string, run: string): Promise<RunSummary | null> {
  const text = readText(join(runDirectory(state, run), journalFile));
  if (text === null) return null;
  const events = summarisedEvents(text);
  if (events !== null) return summaryOf(foldEvents(run, '', events));
  const record = await readRun(state, run);
  if (record === null) return null;
  return { ...summaryOf(record), ...(record.damaged ? { damaged: true } : {}) };
}

/**
 * The events of a journal that a summary is made of; the others, which are most of its bytes, are not parsed. Null where a line
 * has another form: the whole record has to be read.
 */
function summarisedEvents(text: string): RunRecord['events'] | null {
  const events = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (!line.startsWith(lineBegin)) return null;
    const type = line.slice(lineBegin.length, line.indexOf('"', lineBegin.length));
    if (!summarised.has(type)) continue;
    const event = recordedEventOf(line);
    if (event === null) return null;
    events.push(event);
  }
  return events;
}

const lineBegin = '{"type":"';

/** The types of the events that `RunSummary` is made of. */
const summarised: ReadonlySet<string> = new Set([
  'run-started',
  'instance-renamed',
  'restore-point-created',
  'command-ended',
  'decided',
  'confirmation-requested',
  'confirmation-extended',
  'released',
  'run-ended',
  'copy-removed',
]);

/** The length of a record's journal in bytes; null where there is none. */
export function journalLength(state: string, run: string): number | null {
  try {
    return statSync(join(runDirectory(state, run), journalFile), { throwIfNoEntry: false })?.size ?? null;
  } catch {
    return null;
  }
}

/**
 * Whether nothing is left to do: it has an end, its restore point is not in flight any more, and the copy of a rehearsal is gone.
 * What is added to the record of a finished run never takes that back.
 */
export function isFinished({
  started,
  ended,
  restorePoint,
  released,
  copyRemoved,
  damaged = false,
}: RunSummary): boolean {
  if (ended === null || ended.outcome.outcome === 'waiting') return false;
  // The line that is not readable may be that of a restore point.
  if ((restorePoint !== null || damaged) && released === null) return false;
  return started?.rehearsal === undefined || copyRemoved;
}

/** Runs of the same second are ordered by the time in their records. */
export function newestFirst(a: RunSummary, b: RunSummary): number {
  const [second, other] = [secondOf(a.run), secondOf(b.run)];
  if (second !== other) return second < other ? 1 : -1;
  return (b.started?.at ?? 0) - (a.started?.at ?? 0);
}

/** The part of a run's id that tells when it began. */
export function secondOf(run: string): string {
  return run.slice(0, -5);
}

/** A hash that identifies a command. */
export function fingerprintOf(command: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(command)).digest('hex').slice(0, 32);
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
