import { open, readFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recorded } from '../event.ts';
import { err, ok, type Result } from '../result.ts';
import { makeDurableFolder, syncFolder, writeAtomically } from './durable.ts';
import { runDirectory } from './state-directory.ts';

/** The durable record of one run: one event a line, appended, never rewritten. */
export interface Journal {
  readonly directory: string;
  /** Resolves when the event is on the disk (`durable` types) or handed to the system (the others). A failure is one sentence. */
  readonly append: (event: Recorded) => Promise<Result<void, string>>;
  readonly close: () => Promise<void>;
}

/** What becomes of each kind of event. Recovery reads the durable ones: they are on the disk before the next step begins. */
const treatment: Readonly<Record<Recorded['type'], 'durable' | 'written' | 'left out'>> = {
  'run-started': 'durable',
  'phase-begun': 'durable',
  'phase-ended': 'written',
  notice: 'written',
  'baseline-taken': 'durable',
  'restore-point-taken': 'durable',
  'command-output': 'left out',
  'command-ended': 'durable',
  'watch-progress': 'left out',
  verdict: 'durable',
  changes: 'written',
  decided: 'durable',
  'evidence-saved': 'written',
  released: 'durable',
  'restore-point-pruned': 'written',
  'run-ended': 'durable',
};

/** The baseline can be large and is wanted whole: it has a file of its own beside the journal. */
export const baselineFile = 'baseline.json';
export const journalFile = 'journal.jsonl';

/** Opens a run's journal to append to it, and makes it if it is not there. A torn last line is cut off. */
export const openJournal = async (options: {
  readonly stateDirectory: string;
  readonly run: string;
}): Promise<Result<Journal, string>> => {
  const directory = runDirectory(options.stateDirectory, options.run);
  try {
    await makeDurableFolder(directory);
    const path = join(directory, journalFile);
    const file = await open(path, 'a', 0o600);
    await cutTornLine(file, path);
    await syncFolder(directory);
    return ok({ directory, append: (event) => append(directory, file, event), close: () => file.close() });
  } catch (error) {
    return err(sayError(error));
  }
};

const append = async (directory: string, file: FileHandle, event: Recorded): Promise<Result<void, string>> => {
  const how = treatment[event.type];
  if (how === 'left out') return ok(undefined);
  try {
    await file.appendFile(`${JSON.stringify(await withoutLargeParts(directory, event))}\n`);
    if (how === 'durable') await file.datasync();
    return ok(undefined);
  } catch (error) {
    return err(sayError(error));
  }
};

const withoutLargeParts = async (directory: string, event: Recorded): Promise<object> => {
  if (event.type !== 'baseline-taken') return event;
  await writeAtomically(directory, baselineFile, JSON.stringify(event.baseline));
  return { ...event, baseline: { file: baselineFile, checks: event.baseline.checks } };
};

/** A line that was being written when the power went is no event. */
const cutTornLine = async (file: FileHandle, path: string): Promise<void> => {
  const text = await readFile(path);
  const whole = text.lastIndexOf(0x0a) + 1;
  if (whole < text.length) await file.truncate(whole);
};

const sayError = (error: unknown): string => (error instanceof Error ? error.message : String(error));
