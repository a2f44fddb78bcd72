import { appendFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from './durable.ts';
import { isRunId } from './run-id.ts';
import { readText } from './runs.ts';

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
  const lines = (readText(join(state, finishedFile)) ?? '')
    .split('\n')
    .filter((line) => line.length === lineLength - 1);
  const entries = lines.map((line) => [line.slice(0, -lengthDigits - 1), Number(line.slice(-lengthDigits))] as const);
  return new Map(entries.filter(([run]) => isRunId(run)));
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
    appendFileSync(join(state, finishedFile), `\n${textOf(runs)}`, { mode: 0o600 });
  } catch {
    // A full disk, a folder of someone else's: the records are read instead.
  }
}

/** Replaces the whole file. What another guard adds at this moment may be lost, and is found again. */
export async function replaceFinished(state: string, runs: ReadonlyMap<string, number>): Promise<void> {
  await writeAtomically(state, finishedFile, textOf(runs)).catch(() => {});
}

function textOf(runs: ReadonlyMap<string, number>): string {
  return [...runs].map(([run, bytes]) => `${run} ${String(bytes).padStart(lengthDigits, '0')}\n`).join('');
}
