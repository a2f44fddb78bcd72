import { createHash, randomBytes } from 'node:crypto';
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
import { readBegin } from './runs.ts';

/**
 * The folder with one file for each instance: a line for each run when it begins, and one with its summary when it has ended. A
 * line is only a copy that says where to look: whatever it does not know, or knows otherwise than the record, is read from the record.
 * The first line of a file is its header.
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

/** The lines of all runs that the file of an instance names, by run. */
export function readWholeHistory(state: string, key: string): Map<string, string> {
  return linesByRun(readTail(pathOf(state, key), Infinity));
}

/** The lines of an instance's last runs, by run: a few dozen. */
export function readRecentHistory(state: string, key: string): Map<string, string> {
  return linesByRun(readTail(pathOf(state, key), shortTail));
}

/** Identifies the content of a history file: notes that name another generation were made of a file that was lost. */
export interface HistoryHeader {
  /** 16 hexadecimal digits, drawn when the file was made. */
  readonly generation: string;
  /** Lines of runs with a smaller id were removed, because the file was too long; empty where none was. */
  readonly from: string;
}

/** The header of the file of an instance; null where it has none: it is missing, damaged, or of an older guard. */
export function readHeader(state: string, key: string): HistoryHeader | null {
  return headerAt(pathOf(state, key));
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
 * Adds lines to the file of an instance. `isNew`: the file was missing, or had no header, so that lines may have been lost. Returns the
 * generation of the file; null where the lines could not be written.
 */
export function addHistory(
  state: string,
  key: string,
  lines: readonly HistoryLine[],
): { readonly generation: string | null; readonly isNew: boolean } {
  const path = pathOf(state, key);
  let isNew = false;
  try {
    mkdirSync(join(state, historyFolder), { recursive: true, mode: 0o700 });
    isNew = headerAt(path) === null;
    if (isNew) rewrite(path);
    // The newline before them ends a line that was torn.
    const text = lines.map((line) => `\n${JSON.stringify(line)}`).join('');
    if (text !== '' && appendText(path, `${text}\n`) > longestFile) rewrite(path);
    return { generation: headerAt(path)?.generation ?? null, isNew };
  } catch {
    return { generation: null, isNew };
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

/**
 * Writes the file again, with a header and the newest lines in the order of the runs. A line that another guard adds at this moment
 * may be lost: it is one of the newest runs, whose lines are looked for when all runs are listed.
 */
function rewrite(path: string): void {
  const lines = [...linesByRun(readTail(path, Infinity))].toSorted(([a], [b]) => (a < b ? 1 : -1));
  const { generation, from } = headerAt(path) ?? { generation: randomBytes(8).toString('hex'), from: '' };
  let length = 0;
  const firstLeftOut = lines.findIndex(([, line]) => (length += Buffer.byteLength(line) + 1) > tailLength);
  const kept = firstLeftOut === -1 ? lines : lines.slice(0, firstLeftOut);
  const [oldest] = kept.at(-1) ?? [];
  const header: HistoryHeader = { generation, from: firstLeftOut === -1 ? from : (oldest ?? from) };
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(
    temporary,
    [JSON.stringify(header), ...kept.toReversed().map(([, line]) => line)].map((line) => `${line}\n`).join(''),
    {
      mode: 0o600,
    },
  );
  try {
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

const headerPattern = /^\{"generation":"([0-9a-f]{16})","from":"([0-9a-z-]{0,20})"\}$/;
const headerLength = JSON.stringify({ generation: '0'.repeat(16), from: '20261123-055126-k3f9' }).length + 1;

function headerAt(path: string): HistoryHeader | null {
  const [line = ''] = readBegin(path, headerLength).split('\n');
  const [, generation, from = ''] = headerPattern.exec(line) ?? [];
  return generation === undefined ? null : { generation, from };
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

/** Whether a line is of a run that has ended, as far as its beginning tells: what it says is in the record then. */
export function isOfEnded(line: string): boolean {
  return /^\{"run":"[^"]*","v":1,"bytes":\d/.test(line);
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
