import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { appendText } from './durable.ts';
import type { InstanceIdentity, RecordedIdentity } from './instance-identity.ts';
import type { RunSummary } from './run-summary.ts';

/**
 * The folder with one file for each instance: a line for each run when it begins, and one with its summary when it has ended. A
 * line is only a copy that says where to look: whatever it does not know, or knows otherwise than the record, is read from the record.
 */
const historyFolder = 'history';

/** The file in which an older guard kept the lines of all instances. */
const formerIndex = 'index.jsonl';

/** One line. `run` comes first, so that a line is found without being parsed. */
export interface HistoryLine {
  readonly run: string;
  readonly v: 1;
  /** The length of the journal in bytes when the line was made; negative for a run that is only beginning. */
  readonly bytes: number;
  readonly summary: RunSummary;
}

/** The name of the file of an instance. By the uuid, which a user cannot give to another one; by the names where there is none. */
export function historyKey({ uuid, instance, project, remote }: RecordedIdentity): string {
  const identity = uuid === undefined ? { instance, project, remote } : { uuid };
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32);
}

/** The files with lines of an instance: also what guard wrote before it recorded the uuid. */
export function historyKeysOf(identity: InstanceIdentity): string[] {
  const { instance, project, remote, uuid } = identity;
  const names = { instance, project, remote };
  return uuid === null ? [historyKey(names)] : [historyKey({ ...names, uuid }), historyKey(names)];
}

/** All files of the folder. */
export function listHistoryKeys(state: string): string[] {
  try {
    return readdirSync(join(state, historyFolder)).flatMap((name) => /^([0-9a-f]{32})\.jsonl$/.exec(name)?.[1] ?? []);
  } catch {
    return [];
  }
}

/** The lines of an instance's newest runs, by run; the last line of a run counts. */
export function readHistory(state: string, key: string): Map<string, string> {
  return linesByRun(readTail(pathOf(state, key)));
}

/** Whether the newest lines of an instance name no later run. */
export function isLastRun(state: string, key: string, run: string): boolean {
  return [...linesByRun(readTail(pathOf(state, key), shortTail)).keys()].every((other) => other <= run);
}

/** The newest lines of the file of an older guard, by run, for this instance name. */
export function readFormerIndex(state: string, instance: string): Map<string, string> {
  const named = `"instance":${JSON.stringify(instance)}`;
  return linesByRun(readTail(join(state, formerIndex)), (line) => line.includes(named));
}

/** What the older guard left is not needed once all its records have lines of their own. */
export function removeFormerIndex(state: string): void {
  try {
    rmSync(join(state, formerIndex), { force: true });
  } catch {
    // It is read as before.
  }
}

/** A file that is longer is cut to its newest lines, in bytes. */
const longestFile = 8 * 1024 * 1024;

/** How much of the end of a file is read, in bytes: more than a thousand runs. */
const tailLength = 2 * 1024 * 1024;

/** The same where only the last runs matter. */
const shortTail = 64 * 1024;

/**
 * Adds lines to the file of an instance. The folder is made where it is missing; `isNew` says so. False where the lines could not
 * be written.
 */
export function addHistory(
  state: string,
  key: string,
  lines: readonly HistoryLine[],
): { readonly ok: boolean; readonly isNew: boolean } {
  const path = pathOf(state, key);
  let isNew = false;
  try {
    isNew = mkdirSync(join(state, historyFolder), { recursive: true, mode: 0o700 }) !== undefined;
    // The newline before them ends a line that was torn.
    const text = lines.map((line) => `\n${JSON.stringify(line)}`).join('');
    if (appendText(path, `${text}\n`) > longestFile) cut(path);
    return { ok: true, isNew };
  } catch {
    return { ok: false, isNew };
  }
}

/** Removes the file of an instance that has no records any more. */
export function removeHistory(state: string, key: string): void {
  try {
    rmSync(pathOf(state, key), { force: true });
  } catch {
    // Its lines name records that do not exist, and are passed over.
  }
}

/** A line that another guard adds at this moment may be lost: its record is found again. */
function cut(path: string): void {
  const lines = [...linesByRun(readTail(path)).values()];
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  renameSync(temporary, path);
}

function pathOf(state: string, key: string): string {
  return join(state, historyFolder, `${key}.jsonl`);
}

const lineBegin = '{"run":"';
const idLength = '20261123-055126-k3f9'.length;

function linesByRun(text: string, isWanted: (line: string) => boolean = () => true): Map<string, string> {
  const lines = text.split('\n').filter((line) => line.startsWith(lineBegin) && isWanted(line));
  return new Map(lines.map((line) => [line.slice(lineBegin.length, lineBegin.length + idLength), line]));
}

/** Null if the line is incomplete or of another version. Then the record itself is read. */
export function parseHistoryLine(text: string | undefined): HistoryLine | null {
  if (text === undefined) return null;
  try {
    const line: unknown = JSON.parse(text);
    return isLine(line) ? line : null;
  } catch {
    return null;
  }
}

function isLine(value: unknown): value is HistoryLine {
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

/** The end of a file, from the beginning of a line; empty where it cannot be read. */
function readTail(path: string, length = tailLength): string {
  let file: number | null = null;
  try {
    // Opening a pipe in place of the file would block forever.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(file);
    if (!stat.isFile()) return '';
    const begin = Math.max(0, stat.size - length);
    const bytes = Buffer.alloc(stat.size - begin);
    const text = bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, begin));
    return begin === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } catch {
    return '';
  } finally {
    if (file !== null) closeSync(file);
  }
}
