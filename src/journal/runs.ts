import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recorded, RestorePoint, RunStarted } from '../event.ts';
import { baselineFile, journalFile } from './journal.ts';
import { isRunId } from './run-id.ts';
import { runDirectory } from './state-directory.ts';

type EventOf<Type extends Recorded['type']> = Extract<Recorded, { readonly type: Type }>;

/** One run, as its journal tells it. What did not happen, or was not written any more, is null. */
export interface RunRecord {
  readonly run: string;
  readonly directory: string;
  readonly events: readonly Recorded[];
  readonly started: (RunStarted & { readonly at: number }) | null;
  readonly restorePoint: RestorePoint | null;
  readonly commandBegan: boolean;
  readonly commandEnded: EventOf<'command-ended'> | null;
  readonly verdict: EventOf<'verdict'> | null;
  readonly decided: EventOf<'decided'> | null;
  readonly released: EventOf<'released'> | null;
  readonly ended: EventOf<'run-ended'> | null;
}

/** Reads one run's record; null where there is none. Lines of later versions, and a torn last one, are passed over. */
export const readRun = async (stateDirectory: string, run: string): Promise<RunRecord | null> => {
  const directory = runDirectory(stateDirectory, run);
  const text = await readFile(join(directory, journalFile), 'utf8').catch(() => null);
  return text === null ? null : foldEvents(run, directory, parseLines(text));
};

/** The baseline of a run, whole, as it was written; null where it cannot be read. */
export const readBaseline = async (record: Pick<RunRecord, 'directory'>): Promise<unknown> => {
  try {
    return JSON.parse(await readFile(join(record.directory, baselineFile), 'utf8'));
  } catch {
    return null;
  }
};

/** The ids of all recorded runs, newest first. */
export const listRunIds = async (stateDirectory: string): Promise<string[]> => {
  const names = await readdir(join(stateDirectory, 'runs')).catch(() => []);
  return names.filter(isRunId).toSorted((a, b) => b.localeCompare(a));
};

/** The newest runs, newest first, of one instance or of all. */
export const listRuns = async (
  stateDirectory: string,
  wanted: { readonly instance: string | null; readonly limit: number },
): Promise<RunRecord[]> => {
  const found: RunRecord[] = [];
  for (const run of await listRunIds(stateDirectory)) {
    if (found.length >= wanted.limit) break;
    const record = await readRun(stateDirectory, run);
    if (record?.started && (wanted.instance === null || record.started.instance === wanted.instance))
      found.push(record);
  }
  return found;
};

const parseLines = (text: string): Recorded[] => text.split('\n').flatMap(parseLine);

const parseLine = (line: string): Recorded[] => {
  try {
    const event: unknown = JSON.parse(line);
    return isRecorded(event) ? [event] : [];
  } catch {
    return [];
  }
};

const isRecorded = (value: unknown): value is Recorded =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && 'at' in value;

const foldEvents = (run: string, directory: string, events: readonly Recorded[]): RunRecord => {
  const last = <Type extends Recorded['type']>(type: Type): EventOf<Type> | null =>
    events.findLast((event): event is EventOf<Type> => event.type === type) ?? null;
  return {
    run,
    directory,
    events,
    started: last('run-started'),
    restorePoint: last('restore-point-taken')?.restorePoint ?? null,
    commandBegan: events.some((event) => event.type === 'phase-begun' && event.phase === 'command'),
    commandEnded: last('command-ended'),
    verdict: last('verdict'),
    decided: last('decided'),
    released: last('released'),
    ended: last('run-ended'),
  };
};
