import { statSync } from 'node:fs';
import { join } from 'node:path';
import { appendText, writeAtomically } from './durable.ts';
import { isRunId } from './run-id.ts';
import { readBegin, readText } from './runs.ts';

/**
 * The runs that nothing is left to do for, one a line, each with the length of its journal in bytes at that time. Only a record that
 * says so gets its run into this file. A run that is missing here is looked at: the file can be lost, torn or deleted at any time,
 * and that costs only time.
 */
const finishedFile = 'finished';

const lengthDigits = 9;
const lineLength = '20261123-055126-k3f9 '.length + lengthDigits + 1;

/** The finished runs and the lengths of their journals. */
export function readFinished(state: string): Map<string, number> {
  return new Map(parse(readText(join(state, finishedFile)) ?? ''));
}

/** About how many runs are noted, without reading them. */
export function countFinished(state: string): number {
  try {
    return (statSync(join(state, finishedFile), { throwIfNoEntry: false })?.size ?? 0) / lineLength;
  } catch {
    return 0;
  }
}

/** Notes finished runs. The newline before them ends a line that was torn. */
export function noteFinished(state: string, runs: ReadonlyMap<string, number>): void {
  if (runs.size === 0) return;
  try {
    appendText(join(state, finishedFile), `\n${textOf(runs)}`);
  } catch {
    // A full disk, a folder of someone else's: the records are read instead.
  }
}

/** The runs at the beginning of the file, which were finished first: a few hundred. */
export function readOldestFinished(state: string): string[] {
  return parse(readBegin(join(state, finishedFile), beginLength)).map(([run]) => run);
}

const beginLength = 512 * lineLength;

/** Takes runs out of the file. What another guard adds at this moment may be lost, and is found again. */
export async function forgetFinished(state: string, runs: ReadonlySet<string>): Promise<void> {
  const left = [...readFinished(state)].filter(([run]) => !runs.has(run));
  await writeAtomically(state, finishedFile, textOf(new Map(left))).catch(() => {});
}

function parse(text: string): (readonly [run: string, bytes: number])[] {
  const lines = text.split('\n').filter((line) => line.length === lineLength - 1);
  const entries = lines.map((line) => [line.slice(0, -lengthDigits - 1), Number(line.slice(-lengthDigits))] as const);
  return entries.filter(([run]) => isRunId(run));
}

function textOf(runs: ReadonlyMap<string, number>): string {
  return [...runs].map(([run, bytes]) => `${run} ${String(bytes).padStart(lengthDigits, '0')}\n`).join('');
}
