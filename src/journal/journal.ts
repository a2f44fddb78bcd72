import { constants, fstatSync, readSync, writeSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordedEvent } from '../event.ts';
import { err, ok, type Result } from '../result.ts';
import { appendOnly, makeDurableFolder, orClosed, syncFolder, writeAtomically } from './durable.ts';
import { tryFiles } from './file-failure.ts';
import { baselineFile, evidenceFolder, isFileName, journalFile, tornLineMarker } from './record-files.ts';
import { noteBegin, noteEnd } from './run-index.ts';
import { runDirectory } from './state-directory.ts';

/** The durable record of one run: one event per line, append-only. */
export interface Journal {
  readonly directory: string;
  /** Resolves when the event is on the disk (`durable` types) or written to the file (others). A failure is one sentence. */
  readonly append: (event: RecordedEvent) => Promise<Result<void, string>>;
  /** Saves a file beside the journal atomically. Returns its path. */
  readonly attach: (name: string, content: string | Uint8Array) => Promise<Result<string, string>>;
  /** The same for evidence, which has a folder of its own. */
  readonly saveEvidence: (name: string, content: string | Uint8Array) => Promise<Result<string, string>>;
  readonly close: () => Promise<void>;
}

/** How each type of event is stored. Recovery reads the durable ones, so they are on the disk before the next step. */
const treatment: Readonly<Record<RecordedEvent['type'], 'durable' | 'written' | 'left out'>> = {
  'run-started': 'durable',
  'phase-started': 'durable',
  'phase-ended': 'written',
  notice: 'written',
  'baseline-recorded': 'durable',
  'lifecycle-commands-planned': 'durable',
  'lifecycle-command-started': 'durable',
  'lifecycle-command-ended': 'written',
  'quiesce-ended': 'durable',
  'lease-acquired': 'durable',
  'restore-point-created': 'durable',
  'change-begun': 'durable',
  'command-output': 'left out',
  'command-ended': 'durable',
  'watch-progress': 'left out',
  'watch-observed': 'written',
  'unit-log': 'written',
  verdict: 'durable',
  changes: 'written',
  decided: 'durable',
  'confirmation-requested': 'durable',
  'confirmation-extended': 'durable',
  'confirmation-settled': 'durable',
  'instance-renamed': 'durable',
  'evidence-saved': 'written',
  'rehearsal-report': 'durable',
  'copy-removed': 'durable',
  'change-fingerprinted': 'durable',
  released: 'durable',
  'restore-point-pruned': 'written',
  'run-ended': 'durable',
};

/** The longest line, in bytes: an event that is larger has a file of its own, which its line names as `in`. */
const longestLine = 64 * 1024;

/**
 * Opens the journal of a run to append to it, and creates it if needed. Several processes may have it open: `guard confirm` adds to
 * the journal of a run that is under way. So nothing is ever cut off: what one process has added it alone may change.
 */
export async function openJournal(options: {
  readonly stateDirectory: string;
  readonly run: string;
}): Promise<Result<Journal, string>> {
  const { stateDirectory, run } = options;
  const directory = runDirectory(stateDirectory, run);
  const opened = await tryFiles(directory, () => openFile(directory));
  return opened.ok ? ok(journalOf(stateDirectory, run, directory, opened.value)) : opened;
}

interface JournalFile {
  /** Only appends. */
  readonly file: FileHandle;
  /** Reads and writes at any place of the same file. */
  readonly editor: FileHandle;
}

async function openFile(directory: string): Promise<JournalFile> {
  await makeDurableFolder(directory);
  const path = join(directory, journalFile);
  const file = await open(path, appendOnly, 0o600);
  return orClosed(file, async () => {
    const editor = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
    return orClosed(editor, async () => {
      await file.sync();
      await syncFolder(directory);
      return { file, editor };
    });
  });
}

function journalOf(state: string, run: string, directory: string, journal: JournalFile): Journal {
  let last: Promise<unknown> = Promise.resolve();
  // One after the other, in the order of the calls.
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  }
  return {
    directory,
    append: (event) =>
      inTurn(async () => {
        if (event.type === 'run-started') await noteBegin(state, event);
        const written = await append(directory, journal, event);
        if (written.ok && event.type === 'run-ended') await noteEnd(state, run);
        return written;
      }),
    attach: (name, content) => inTurn(() => attach(directory, name, content)),
    saveEvidence: (name, content) => inTurn(() => attach(join(directory, evidenceFolder), name, content)),
    close: () =>
      inTurn(async () => {
        await Promise.all([journal.file.close(), journal.editor.close()]);
      }),
  };
}

async function append(directory: string, journal: JournalFile, event: RecordedEvent): Promise<Result<void, string>> {
  const how = treatment[event.type];
  if (how === 'left out') return ok(undefined);
  return tryFiles(join(directory, journalFile), async () => {
    appendLine(journal, await lineOf(directory, journal, event));
    if (how === 'durable') await journal.file.datasync();
  });
}

/** Into the system's memory, which takes less than the way to another thread; what waits for the disk is the sync. */
function appendLine(journal: JournalFile, line: string): void {
  const { fd } = journal.file;
  for (;;) {
    const begin = fstatSync(fd).size;
    // If the incomplete line was being written it is whole by now, and the marker has no meaning.
    const before = endsInLine(journal, begin) ? '' : `\n${tornLineMarker}\n`;
    const bytes = Buffer.from(`${before}${line}\n`);
    const written = writeSync(fd, bytes);
    if (written === bytes.length) return;
    // A disk that is full took a part. The next attempt learns why, or has room again.
    blank(journal, begin, written);
  }
}

function endsInLine({ editor }: JournalFile, length: number): boolean {
  const last = Buffer.alloc(1);
  return length === 0 || readSync(editor.fd, last, 0, 1, length - 1) === 0 || last[0] === newline;
}

const newline = 0x0a;

/** Makes empty lines of a part of a line, if it is certain where it is: another process may have added lines meanwhile. */
function blank({ file, editor }: JournalFile, begin: number, length: number): void {
  // A file that grew by this part has it at the place where it ended before.
  if (fstatSync(file.fd).size !== begin + length) return;
  try {
    writeSync(editor.fd, Buffer.alloc(length, newline), 0, length, begin);
  } catch {
    // It stays, and a marker follows it.
  }
}

async function lineOf(directory: string, journal: JournalFile, event: RecordedEvent): Promise<string> {
  if (event.type === 'baseline-recorded') {
    await writeAtomically(directory, baselineFile, JSON.stringify(event.baseline));
    return JSON.stringify({ ...event, baseline: { file: baselineFile, checks: event.baseline.checks } });
  }
  const line = JSON.stringify(event);
  if (line.length <= longestLine) return line;
  // The place in the journal makes the name unique.
  const name = `${event.type}-${fstatSync(journal.file.fd).size}.json`;
  await writeAtomically(directory, name, line);
  return JSON.stringify({ v: event.v, run: event.run, at: event.at, type: event.type, in: name });
}

async function attach(directory: string, name: string, content: string | Uint8Array): Promise<Result<string, string>> {
  if (!isFileName(name)) return err(`"${name}" is not a valid name of a file in a record.`);
  const path = join(directory, name);
  const written = await tryFiles(path, async () => {
    await makeDurableFolder(directory);
    await writeAtomically(directory, name, content);
  });
  return written.ok ? ok(path) : written;
}
