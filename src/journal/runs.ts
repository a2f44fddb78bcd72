import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Deadline } from '../deadline.ts';
import type { Changes, CheckResult, Holder, Phase, RecordedEvent, RestorePoint, RunStarted } from '../event.ts';
import type { LifecycleCommands } from '../lifecycle-command.ts';
import { baselineFile, isFileName, journalFile, tornLineMarker } from './record-files.ts';
import { isRunId } from './run-id.ts';
import { runDirectory, runsDirectory } from './state-directory.ts';

type EventOf<Type extends RecordedEvent['type']> = Extract<RecordedEvent, { readonly type: Type }>;

/** One run, from its journal. What did not happen or was not recorded is null. */
export interface RunRecord {
  readonly run: string;
  readonly directory: string;
  readonly events: readonly RecordedEvent[];
  readonly started: (RunStarted & { readonly at: number }) | null;
  readonly phases: readonly PhaseRecord[];
  /** What the checks said before the command; empty where none was asked. */
  readonly checksBefore: readonly CheckResult[];
  readonly hooks: LifecycleCommands;
  /** The instance may still be quiesced. */
  readonly quiesced: boolean;
  /** The last lease under which this host held the restore point in flight. */
  readonly lease: number | null;
  /** The guard of this host that took the run over with that lease; null for the one that began it. */
  readonly leaseHolder: Holder | null;
  readonly restorePoint: RestorePoint | null;
  /** The record has an unreadable line, whose content is unknown. */
  readonly damaged: boolean;
  /** The change or the push has started, so the instance may have changed. */
  readonly commandBegan: boolean;
  readonly commandEnded: EventOf<'command-ended'> | null;
  /** On the instance after the command. */
  readonly verdict: EventOf<'verdict'> | null;
  /** On the instance after a rollback. */
  readonly verdictAgain: EventOf<'verdict'> | null;
  readonly changes: Changes | null;
  readonly decided: EventOf<'decided'> | null;
  /** Until when the change waits for a confirmation, as this host last heard; null where it never waited. */
  readonly confirmationDeadline: Deadline | null;
  /** The command whose success confirms the change. */
  readonly confirmBy: readonly [string, ...string[]] | null;
  /** What becomes of the restore point of a confirmed change; null where it never waited. */
  readonly retention: EventOf<'confirmation-requested'>['retention'] | null;
  readonly evidence: EventOf<'evidence-saved'> | null;
  readonly released: EventOf<'released'> | null;
  readonly ended: EventOf<'run-ended'> | null;
  /** Of a rehearsal: nothing of its copy is left, or the user wanted to keep it. */
  readonly copyRemoved: boolean;
}

/** One phase; `ended` is null where it was under way when the record breaks off. */
export interface PhaseRecord {
  readonly phase: Phase;
  readonly begunAt: number;
  readonly ended: EventOf<'phase-ended'> | null;
}

/** Reads one run's record; null where there is none. Lines that cannot be read are passed over: the record is `damaged`, unless the line was never written to its end. */
export async function readRun(stateDirectory: string, run: string): Promise<RunRecord | null> {
  if (!isRunId(run)) return null;
  const directory = runDirectory(stateDirectory, run);
  const text = readText(join(directory, journalFile));
  if (text === null) return null;
  const lines = withoutTorn(text.split('\n').filter((line) => line !== ''));
  const events = lines.map((line) => wholeEvent(directory, parseLine(line))).filter(isRecorded);
  return { ...foldEvents(run, directory, events), damaged: events.length < lines.length || events.length === 0 };
}

/** The baseline of a run, whole, as it was written; null where it cannot be read. */
export async function readBaseline(record: Pick<RunRecord, 'directory'>): Promise<unknown> {
  return readJson(join(record.directory, baselineFile));
}

/** Whether there is a record of exactly this id. */
export function hasRecord(stateDirectory: string, run: string): boolean {
  return isRunId(run) && existsSync(runDirectory(stateDirectory, run));
}

/** The ids of all recorded runs, newest first. */
export async function listRunIds(stateDirectory: string): Promise<string[]> {
  // By another thread: a long list takes too long for signals to wait.
  const names = await readdir(runsDirectory(stateDirectory)).catch(() => []);
  // Ids are plain ASCII: the default order is the right one, and quick.
  return names.filter(isRunId).toSorted().toReversed();
}

/** The same in no order. */
export function recordedRuns(stateDirectory: string): string[] {
  return namesIn(runsDirectory(stateDirectory)).filter(isRunId);
}

/** Builds a record from the events of a run. Pure. */
export function foldEvents(run: string, directory: string, events: readonly RecordedEvent[]): RunRecord {
  const last = <Type extends RecordedEvent['type']>(
    type: Type,
    fits: (event: EventOf<Type>) => boolean = () => true,
  ): EventOf<Type> | null =>
    events.findLast((event): event is EventOf<Type> => event.type === type && fits(event as EventOf<Type>)) ?? null;
  return {
    run,
    directory,
    events,
    started: startedUnder(last('run-started'), last('instance-renamed')?.instance ?? null),
    phases: phasesOf(events),
    checksBefore: last('baseline-recorded')?.baseline.checks ?? [],
    hooks: last('lifecycle-commands-planned')?.commands ?? {},
    quiesced: isQuiesced(events),
    lease: last('lease-acquired')?.lease ?? null,
    leaseHolder: last('lease-acquired')?.holder ?? null,
    restorePoint: last('restore-point-created')?.restorePoint ?? null,
    damaged: false,
    commandBegan: events.some(
      (event) =>
        event.type === 'change-begun' ||
        (event.type === 'phase-started' && (event.phase === 'command' || event.phase === 'push')),
    ),
    commandEnded: last('command-ended'),
    verdict: last('verdict', (event) => !event.afterRollback),
    verdictAgain: last('verdict', (event) => event.afterRollback),
    changes: last('changes')?.changes ?? null,
    decided: last('decided'),
    ...waitOf(last('confirmation-requested'), last('confirmation-extended')),
    evidence: last('evidence-saved'),
    released: last('released'),
    // A guard that lost the run may record that after the end by the one that took it over.
    ended: last('run-ended', ({ outcome }) => !isLoss(outcome)) ?? last('run-ended'),
    copyRemoved: last('copy-removed') !== null,
  };
}

/** Whether the guard of a run recorded that it lost it. It works on it no more, also where its process lives. */
export function isLost({ ended }: Pick<RunRecord, 'ended'>): boolean {
  return ended !== null && isLoss(ended.outcome);
}

function isLoss(outcome: EventOf<'run-ended'>['outcome']): boolean {
  return outcome.outcome === 'rollback-failed' && outcome.lost === true;
}

function waitOf(
  requested: EventOf<'confirmation-requested'> | null,
  extended: EventOf<'confirmation-extended'> | null,
): Pick<RunRecord, 'confirmationDeadline' | 'confirmBy' | 'retention'> {
  return {
    confirmationDeadline: (extended ?? requested)?.deadline ?? null,
    confirmBy: requested?.by ?? null,
    retention: requested?.retention ?? null,
  };
}

/** The instance is found under its present name. */
function startedUnder(started: EventOf<'run-started'> | null, instance: string | null): EventOf<'run-started'> | null {
  return started === null || instance === null ? started : { ...started, instance };
}

function isQuiesced(events: readonly RecordedEvent[]): boolean {
  return (
    events.findLast(
      (event) =>
        event.type === 'quiesce-ended' ||
        (event.type === 'lifecycle-command-started' && event.moment === 'beforeRestorePoint'),
    )?.type === 'lifecycle-command-started'
  );
}

function phasesOf(events: readonly RecordedEvent[]): PhaseRecord[] {
  const phases: PhaseRecord[] = [];
  for (const event of events) {
    if (event.type === 'phase-started') phases.push({ phase: event.phase, begunAt: event.at, ended: null });
    if (event.type !== 'phase-ended') continue;
    const at = phases.findLastIndex(({ phase, ended }) => phase === event.phase && ended === null);
    const begun = phases[at];
    if (begun) phases[at] = { ...begun, ended: event };
    // The beginning of the inspection lies before the journal's own.
    else phases.push({ phase: event.phase, begunAt: event.at - event.ms, ended: event });
  }
  return phases;
}

/** Without the markers of incomplete lines, and without the lines that they stand for. */
function withoutTorn(lines: readonly string[]): string[] {
  return lines.filter(
    (line, at) => line !== tornLineMarker && !(lines[at + 1] === tornLineMarker && parseLine(line) === null),
  );
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** The event that a line stands for: itself, or what the file it names contains. */
function wholeEvent(directory: string, line: unknown): unknown {
  if (typeof line !== 'object' || line === null || !('in' in line)) return line;
  return typeof line.in === 'string' && isFileName(line.in) ? readJson(join(directory, line.in)) : null;
}

function readJson(path: string): unknown {
  const text = readText(path);
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** The event of one line of a journal, where the line contains it; null where it cannot be read, or the event is in another file. */
export function recordedEventOf(line: string): RecordedEvent | null {
  const event = parseLine(line);
  return isRecorded(event) && !('in' in event) ? event : null;
}

/** Null where it cannot be read. At once: a record is a few kilobytes, which takes less than the way to another thread and back. */
export function readText(path: string): string | null {
  let file: number | null = null;
  try {
    // Opening a pipe in place of the file would block forever.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return fstatSync(file).isFile() ? readFileSync(file, 'utf8') : null;
  } catch {
    return null;
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** The beginning of a file, of at most that many bytes; empty where it cannot be read. */
export function readBegin(path: string, mostBytes: number): string {
  let file: number | null = null;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!fstatSync(file).isFile()) return '';
    const bytes = Buffer.alloc(mostBytes);
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, mostBytes, 0));
  } catch {
    return '';
  } finally {
    if (file !== null) closeSync(file);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isRecorded(value: unknown): value is RecordedEvent {
  return (
    typeof value === 'object' &&
    value !== null &&
    'v' in value &&
    value.v === 1 &&
    'type' in value &&
    typeof value.type === 'string' &&
    'at' in value &&
    typeof value.at === 'number'
  );
}
