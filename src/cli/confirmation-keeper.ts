import { Writable } from 'node:stream';
import type { AgentListener } from '../agent-event.ts';
import { userNoticesFor } from '../agent/user-notices.ts';
import type { Outcome } from '../event.ts';
import { remainingMs, type Deadline } from '../deadline.ts';
import { readClocks } from '../journal/boot-clock.ts';
import { currentHolder, inspectHolder } from '../journal/holder.ts';
import { readRun, type RunRecord } from '../journal/runs.ts';
import {
  forgetWaiting,
  isRecordMissing,
  listWaiting,
  readWaitingNote,
  type WaitingNote,
} from '../journal/waiting-runs.ts';
import { formatTime } from '../report/time.ts';
import { findWaiting } from '../run/confirmation/waiting.ts';
import type { Confirmation } from '../run/lock/confirmation.ts';
import { keepDeadline } from '../run/confirmation/keep-deadline.ts';
import { neutralise } from '../text.ts';
import { notifyEnd } from './confirmation-end.ts';
import { tryConfirmCommand } from './confirmation-tools.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { recoverInstance } from './recover.ts';
import { withExisting, type Session } from './session.ts';
import { recordExtension } from './settle-waiting.ts';
import { settleWaiting } from './waiting-run.ts';

/** How often the notes are read, in milliseconds. */
const pollMs = 500;

/** How often the instance is read before its deadline: a confirmation from another host may move the deadline forward. Milliseconds. */
const readMs = 2000;

/** How long after the deadline a living guard may still act by itself, in milliseconds. */
const graceMs = 10_000;

/** Pauses before a run that could not be finished is tried again, in milliseconds: each is twice as long as the one before. */
const retryMs = { first: 2000, most: 300_000 } as const;

/** How often the command of `confirmBy` is tried, and when the people inside are warned, in milliseconds. */
const tryMs = 5000;
const warningMs = 60_000;

/** How a keeper works. */
export interface KeeperOptions {
  /** The one run that is meant; null for all runs of the state directory. */
  readonly only?: string | null;
  readonly signal: AbortSignal;
  readonly emit?: AgentListener;
  /** The guard.yaml for runs whose guard had no `--config`. */
  readonly config?: string | undefined;
}

/** What the keeper knows of one waiting run beside its record. */
interface KeptDeadline {
  /** The deadline on the instance when it was last read; null before. */
  deadline: Deadline | null;
  nextAt: number;
  tryAt: number;
  warned: boolean;
  /** Attempts to finish it that failed, one after another. */
  failures: number;
  /** Nothing of the run was left in flight, although its record had not ended. */
  freed: boolean;
  /** The outcome that notifications were sent for: an attempt that fails as before tells nobody again. */
  notified: Outcome['outcome'] | null;
}

/** A run that waits, and where its instance is. */
interface WaitingRun {
  readonly run: string;
  /** Null where it cannot be read: the instance says everything that a rollback needs. */
  readonly record: RunRecord | null;
  readonly address: Pick<WaitingNote, 'instance' | 'project' | 'remote'>;
  readonly note: WaitingNote | null;
}

/**
 * Acts on the deadlines of the runs of this state directory until the signal, or until the one run that is meant has ended.
 * The deadline applies even if the guard that made the change is dead, stopped, or closed with its terminal.
 */
export async function keepDeadlines(context: Context, options: KeeperOptions): Promise<void> {
  const { clock } = context;
  const { only = null, signal } = options;
  const state = stateDirectoryOf(context);
  const kept = new Map<string, KeptDeadline>();
  const underWay = new Set<string>();
  while (!signal.aborted) {
    const runs = listWaiting(state).filter((run) => only === null || run === only);
    if (only !== null && runs.length === 0) return;
    for (const run of runs) {
      if (underWay.has(run)) continue;
      underWay.add(run);
      void keepOne(context, options, run, kept)
        .catch((bug: unknown) => {
          const message = `Run ${run} waits for a confirmation. A bug in guard prevents the rollback at its deadline: ${neutralise(String(bug), 500)}`;
          options.emit?.({ type: 'agent-warning', message });
          retryLater(context, kept.get(run));
        })
        .finally(() => underWay.delete(run));
    }
    await clock.sleep(pollMs, signal);
  }
}

async function keepOne(
  context: Context,
  options: KeeperOptions,
  run: string,
  kept: Map<string, KeptDeadline>,
): Promise<void> {
  const { clock } = context;
  const state = stateDirectoryOf(context);
  const entry = kept.get(run) ?? newEntry();
  kept.set(run, entry);
  if (clock.monotonic() < entry.nextAt) return;
  const record = await readRun(state, run);
  const note = readWaitingNote(state, run);
  const address = record?.started ?? note;
  if (record !== null && hasEnded(record)) return forget(context, options, { run, record, note, address: note }, kept);
  // Without its record and its note nobody knows the instance; `guard recover INSTANCE` still finds the run there.
  if (address === null && isRecordMissing(state, run))
    return forget(context, options, { run, record, note, address }, kept);
  if (address === null) return retryLater(context, entry);
  const waiting: WaitingRun = { run, record, note, address };
  // A guard that is alive acts by itself, and asks by itself.
  const deadline = record?.confirmationDeadline ?? null;
  const left = deadline === null ? 0 : remainingMs(deadline, readClocks(clock.now));
  if (deadline !== null && record !== null && isHeldByItsMaker(record) && left > -graceMs)
    return noteDeadline(options, waiting, entry, deadline);
  entry.nextAt = clock.monotonic() + readMs;
  const isReached = await withInstanceOf(context, options, waiting, (session) =>
    actOn(context, options, session, waiting, entry),
  );
  if (!isReached) retryLater(context, entry);
}

/** Tells the log and the metrics, once for each deadline. */
function noteDeadline(
  { emit }: KeeperOptions,
  { run, address }: WaitingRun,
  entry: KeptDeadline,
  deadline: Deadline,
): void {
  if (entry.deadline?.at !== deadline.at)
    emit?.({ type: 'confirmation-waiting', ...subjectOf(address), run, deadline: deadline.at });
  entry.deadline = deadline;
}

function newEntry(): KeptDeadline {
  return { deadline: null, nextAt: 0, tryAt: 0, warned: false, failures: 0, freed: false, notified: null };
}

async function forget(
  context: Context,
  { emit }: KeeperOptions,
  { run, record, address }: Omit<WaitingRun, 'address'> & { readonly address: WaitingRun['address'] | null },
  kept: Map<string, KeptDeadline>,
): Promise<void> {
  kept.delete(run);
  await forgetWaiting(stateDirectoryOf(context), run);
  const subject = record?.started ?? address;
  const outcome = record?.ended?.outcome.outcome;
  if (subject !== null && subject !== undefined && outcome !== undefined)
    emit?.({ type: 'confirmation-ended', ...subjectOf(subject), run, outcome });
}

function subjectOf({ instance, project, remote }: WaitingRun['address']): WaitingRun['address'] {
  return { instance, project, remote };
}

function hasEnded({ ended, released }: RunRecord): boolean {
  return ended !== null && ended.outcome.outcome !== 'waiting' && released !== null;
}

function isHeldByItsMaker({ started, ended }: RunRecord): boolean {
  return started !== null && ended === null && inspectHolder(started.holder) === 'alive';
}

function retryLater({ clock }: Pick<Context, 'clock'>, entry: KeptDeadline | undefined): void {
  if (entry === undefined) return;
  entry.nextAt = clock.monotonic() + Math.min(retryMs.first * 2 ** entry.failures, retryMs.most);
  entry.failures += 1;
}

/** Before the deadline: warns, and tries the command that confirms. After it: rolls back. */
async function actOn(
  context: Context,
  options: KeeperOptions,
  session: Session,
  waiting: WaitingRun,
  entry: KeptDeadline,
): Promise<void> {
  const { clock } = context;
  const { run } = waiting;
  const { platform, instance } = session.reached;
  const readRecord = (): Promise<RunRecord | null> => readRun(stateDirectoryOf(context), run);
  const tools = {
    platform,
    clock,
    holder: currentHolder(),
    inspectHolder,
    readClocks: () => readClocks(clock.now),
    readRecord,
  };
  const kept = await keepDeadline(tools, instance, run);
  switch (kept.step) {
    case 'wait':
      entry.failures = 0;
      return beforeDeadline(context, options, session, waiting, entry, kept.confirmation);
    case 'look-again':
      return;
    case 'finish':
      return finish(context, options, session, waiting, entry);
    case 'finished': {
      // Whoever finished it records its end in a moment, unless it was killed just then.
      const wasFreed = entry.freed;
      entry.freed = true;
      const record = await readRecord();
      if (!wasFreed || (record !== null && (hasEnded(record) || isHeldByItsMaker(record)))) return;
      if (record === null) return forgetWaiting(stateDirectoryOf(context), run);
      return finish(context, options, session, waiting, entry);
    }
  }
}

async function beforeDeadline(
  context: Context,
  options: KeeperOptions,
  session: Session,
  waiting: WaitingRun,
  entry: KeptDeadline,
  { deadline }: Confirmation,
): Promise<void> {
  const { clock } = context;
  const { run, record } = waiting;
  const isKnown = entry.deadline?.at === deadline.at;
  noteDeadline(options, waiting, entry, deadline);
  // Whoever moved it on this host records it: what is not recorded by the next look comes from another one.
  if (isKnown && record !== null && record.confirmationDeadline?.at !== deadline.at)
    await recordExtension(context, run, deadline);
  const left = remainingMs(deadline, readClocks(clock.now));
  // The instance is read again at the deadline, and not up to two seconds later.
  entry.nextAt = Math.min(entry.nextAt, clock.monotonic() + Math.max(0, left));
  if (left <= warningMs && !entry.warned) {
    entry.warned = true;
    const { platform, instance } = session.reached;
    const message = `guard: a change of this instance is not confirmed. guard rolls it back at ${formatTime(deadline.at)}, which ends every shell.`;
    void userNoticesFor(platform, instance).warn(message);
  }
  if (record === null || record.confirmBy === null || clock.monotonic() < entry.tryAt) return;
  entry.tryAt = clock.monotonic() + tryMs;
  const over = new AbortController();
  const untilWarning = left > warningMs ? left - warningMs : left;
  const cancel = clock.after(Math.max(1, untilWarning), () => over.abort());
  void abortWhenMoved(context, session, run, deadline, over);
  const signal = AbortSignal.any([over.signal, options.signal]);
  const isConfirmed = await tryConfirmCommand(context, session.reached, record.confirmBy, signal);
  cancel();
  over.abort();
  if (isConfirmed) await settleWaiting(context, session, run, { kind: 'confirm' });
  entry.nextAt = 0;
}

/** A command that hangs must not hide that somebody has settled the change, or has moved its deadline forward. */
async function abortWhenMoved(
  { clock }: Pick<Context, 'clock'>,
  session: Session,
  run: string,
  deadline: Deadline,
  over: AbortController,
): Promise<void> {
  while (!over.signal.aborted) {
    await clock.sleep(readMs, over.signal);
    if (over.signal.aborted) return;
    const seen = await findWaiting(session.reached.platform, session.reached.instance);
    if (!seen.ok) continue;
    const isSame = seen.value?.run === run && seen.value.confirmation.state === 'waiting';
    if (!isSame || seen.value.confirmation.deadline.at !== deadline.at) over.abort();
  }
}

/** Does what was settled, as `guard recover` does. What it prints is in the run's record. */
async function finish(
  context: Context,
  options: KeeperOptions,
  session: Session,
  { run, record, note, address }: WaitingRun,
  entry: KeptDeadline,
): Promise<void> {
  // It may have been written meanwhile, and may have ended.
  const now = (await readRun(stateDirectoryOf(context), run)) ?? record;
  if (now !== null && hasEnded(now)) return;
  retryLater(context, entry);
  const tail = { text: '' };
  const quiet = listening(contextOf(context, note), tail);
  const own = { ...optionsOf(options, note, address), quiet: true, takeOver: true };
  const status = await recoverInstance(quiet, nameOf(address), own, now);
  const after = await readRun(stateDirectoryOf(context), run);
  const outcome = after?.ended?.outcome.outcome ?? null;
  const subject = subjectOf(address);
  if (outcome !== null && outcome !== 'waiting' && outcome !== entry.notified) {
    entry.notified = outcome;
    for (const message of await notifyEnd(context, run, session.settings.notify))
      options.emit?.({ type: 'agent-warning', ...subject, message });
  }
  if (after !== null && hasEnded(after)) {
    entry.nextAt = 0;
    return;
  }
  // Nothing is recorded where the record cannot be written: the next look finds the instance free.
  if (after === null && status === 0) return;
  const why = neutralise(tail.text.trim(), 1000) || `see guard show ${run}`;
  options.emit?.({ type: 'agent-warning', ...subject, message: `Run ${run} was not finished (${status}): ${why}` });
}

/** Whether the instance was there to be worked on. */
async function withInstanceOf(
  context: Context,
  options: KeeperOptions,
  { note, address }: WaitingRun,
  work: (session: Session) => Promise<void>,
): Promise<boolean> {
  let isReached = false;
  const own = { instance: nameOf(address), options: optionsOf(options, note, address), withTerminal: false };
  await withExisting(listening(contextOf(context, note), { text: '' }), own, async (session) => {
    isReached = true;
    await work(session);
    return 0;
  });
  return isReached;
}

/** guard.yaml is searched for where the run searched for it. */
function contextOf(context: Context, note: WaitingNote | null): Context {
  return note === null ? context : { ...context, workingDirectory: note.workingDirectory };
}

function listening(context: Context, tail: { text: string }): Context {
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      tail.text = `${tail.text}${chunk.toString('utf8')}`.slice(-2000);
      done();
    },
  });
  return { ...context, stdout: output, stderr: output };
}

function optionsOf({ config }: KeeperOptions, note: WaitingNote | null, { project }: WaitingRun['address']) {
  const chosen = note?.config ?? config;
  return { project, tolerateMistakes: true, ...(chosen === undefined ? {} : { config: chosen }) };
}

function nameOf({ instance, remote }: WaitingRun['address']): string {
  return remote === null ? instance : `${remote}:${instance}`;
}
