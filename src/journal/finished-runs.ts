import { statSync } from 'node:fs';
import { join } from 'node:path';
import { appendText, writeAtomically } from './durable.ts';
import { readText } from './runs.ts';

/**
 * The runs that nothing is left to do for, one a line, each with the length of its journal in bytes at that time and the generation of
 * the history that has its line. Only a record that says so gets its run into this file. A run that is missing here is looked at, and
 * so is one whose history was lost: the file can be lost, torn or deleted at any time, and that costs only time.
 */
const finishedFile = 'finished';

/** What is noted of a finished run. */
export interface FinishedNote {
  /** The length of its journal in bytes. */
  readonly bytes: number;
  /** The generation of the history of its instance; `noGeneration` for a run whose record names no instance. */
  readonly generation: string;
}

/** Of a run that belongs in no history. */
export const noGeneration = '0'.repeat(16);

const linePattern = /^(\d{8}-\d{6}-[a-z0-9]{4}) (\d{9}) ([0-9a-f]{16})$/;
const lineLength = `20261123-055126-k3f9 ${'0'.repeat(9)} ${noGeneration}\n`.length;

/** The finished runs, in the order in which they were last noted. */
export function readFinished(state: string): Map<string, FinishedNote> {
  const notes = new Map<string, FinishedNote>();
  for (const [run, note] of parse(readText(join(state, finishedFile)) ?? '')) {
    notes.delete(run);
    notes.set(run, note);
  }
  return notes;
}

/** At least as many as the runs that are noted, without reading them. */
export function boundFinished(state: string): number {
  try {
    return (statSync(join(state, finishedFile), { throwIfNoEntry: false })?.size ?? 0) / lineLength;
  } catch {
    return 0;
  }
}

/** Notes finished runs. The newline before them ends a line that was torn. */
export function noteFinished(state: string, runs: ReadonlyMap<string, FinishedNote>): void {
  if (runs.size === 0) return;
  try {
    appendText(join(state, finishedFile), `\n${textOf(runs)}`);
  } catch {
    // A full disk, a folder of someone else's: the records are read instead.
  }
}

/** Writes the file with these runs only. What another guard adds at this moment may be lost, and is found again. */
export async function rewriteFinished(state: string, runs: ReadonlyMap<string, FinishedNote>): Promise<void> {
  await writeAtomically(state, finishedFile, textOf(runs)).catch(() => {});
}

function parse(text: string): (readonly [run: string, note: FinishedNote])[] {
  const entries: (readonly [run: string, note: FinishedNote])[] = [];
  for (const line of text.split('\n')) {
    const [, run, bytes, generation] = (line.length === lineLength - 1 ? linePattern.exec(line) : null) ?? [];
    if (run !== undefined && generation !== undefined) entries.push([run, { bytes: Number(bytes), generation }]);
  }
  return entries;
}

function textOf(runs: ReadonlyMap<string, FinishedNote>): string {
  return [...runs]
    .map(([run, { bytes, generation }]) => `${run} ${String(bytes).padStart(9, '0')} ${generation}\n`)
    .join('');
}
