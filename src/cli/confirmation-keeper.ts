import type { AgentListener, Subject } from '../agent-event.ts';
import { userNoticesFor } from '../agent/user-notices.ts';
import type { Outcome } from '../event.ts';
import { remainingMs, type Deadline } from '../deadline.ts';
import { readClocks } from '../journal/boot-clock.ts';
import { currentHolder, inspectHolder } from '../journal/holder.ts';
import { readRun, type RunRecord } from '../journal/runs.ts';
import { forgetWaiting, isRecordMissing, listWaiting, readWaitingNote } from '../journal/waiting-runs.ts';
import type { Confirmation } from '../run/lock/confirmation.ts';
import { describeWaitProblem, knownWaitOf, type KnownWait } from '../run/confirmation/known-wait.ts';
import { confirmedMessage, warningMs, warningOf } from '../run/confirmation/warning.ts';
import { keepDeadline } from '../run/confirmation/keep-deadline.ts';
import { neutralise } from '../text.ts';
import { notifyEnd } from './confirmation-end.ts';
import { tryConfirmCommand } from './confirmation-tools.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { recoverInstance } from './recover.ts';
import type { Session } from './session.ts';
import {
  addressOf,
  contextOf,
  describeTrouble,
  listening,
  nameOf,
  optionsOf,
  subjectOf,
  withInstanceOf,
  type WaitingRun,
} from './waiting-instance.ts';
import { recordExtension, recordNotice } from './settle-waiting.ts';
import { settleWaiting, waitingRunOf } from './waiting-run.ts';

/** How often the notes are read, in milliseconds. */
const pollMs = 500;

/** How often the instance is read before its deadline: a confirmation from another host may move the deadline forward. Milliseconds. */
const readMs = 2000;

/** How long after the deadline a living guard may still act by itself, in milliseconds. */
const graceMs = 10_000;

/** Pauses before a run that could not be finished is tried again, in milliseconds: each is twice as long as the one before. */
const retryMs = { first: 2000, most: 300_000 } as const;

/** How often the command of `confirmBy` is tried, in milliseconds. */
const tryMs = 5000;

/** How a keeper works. */
export interface KeeperOptions {
  /** The one run that is meant; null for all runs of the state directory. */
  readonly only?: string | null;
  readonly signal: AbortSignal;
  readonly emit?: AgentListener;
  /** Called whenever the waiting runs were listed. */
  readonly onRound?: () => void;
  /** The guard.yaml for runs whose guard had no `--config`. */
  readonly config?: string | undefined;
}

/** What the keeper knows of one waiting run beside its record. */
interface KeptDeadline {
  /** The deadline on the instance when it was last read; null before. */
  deadline: Deadline | null;
  nextAt: number;
  /** When the instance is read again while the guard that holds the run lives. */
  readAt: number;
  tryAt: number;
  /** The deadline that the people inside were warned of; null before. */
  warnedOf: Deadline | null;
  /** Attempts to finish it that failed, one after another. */
  failures: number;
  /** Nothing of the run was left in flight, although its record had not ended. */
  freed: boolean;
  /** What was last said of its instance or its change, which is said once; null where all is as it should be. */
  reported: string | null;
  /** Whose deadline it is, for the end of one that was forgotten; null before it is known. */
  subject: Subject | null;
  /** The outcome that notifications were sent for: an attempt that fails as before tells nobody again. */
  notified: Outcome['outcome'] | null;
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
  let isReadable = true;
  while (!signal.aborted) {
    const noted = listWaiting(state);
    if (noted === null) {
      const message = `The notes of the changes that wait for a confirmation, in ${state}/waiting, cannot be read, so guard cannot keep their deadlines. guard keeps trying. Check the folder and its disk.`;
      if (isReadable) options.emit?.({ type: 'agent-warning', message });
      isReadable = false;
      await clock.sleep(pollMs, signal);
      continue;
    }
    isReadable = true;
    options.onRound?.();
    const runs = noted.filter((run) => only === null || run === only);
    if (only !== null && runs.length === 0) return;
    dropForgotten(options, runs, kept, underWay);
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

/** `guard forget` removes the note of a run, and with it what is kept of it here. */
function dropForgotten(
  { emit }: KeeperOptions,
  runs: readonly string[],
  kept: Map<string, KeptDeadline>,
  underWay: ReadonlySet<string>,
): void {
  for (const [run, { subject }] of kept) {
    if (runs.includes(run) || underWay.has(run)) continue;
    kept.delete(run);
    if (subject !== null) emit?.({ type: 'confirmation-ended', ...subject, run, outcome: 'forgotten' });
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
  const address = addressOf(record, note);
  entry.subject = address === null ? null : subjectOf(address);
  if (record !== null && hasEnded(record)) return forget(context, options, { run, record, note, address: note }, kept);
  // Without its record and its note nobody knows the instance; `guard recover INSTANCE` still finds the run there.
  if (address === null && isRecordMissing(state, run))
    return forget(context, options, { run, record, note, address }, kept);
  if (address === null) return retryLater(context, entry);
  await keepWaiting(context, options, { run, record, note, address }, entry);
}

async function keepWaiting(
  context: Context,
  options: KeeperOptions,
  waiting: WaitingRun,
  entry: KeptDeadline,
): Promise<void> {
  const { clock } = context;
  const { record, note } = waiting;
  const deadline = record?.confirmationDeadline ?? note?.deadline ?? null;
  const left = deadline === null ? 0 : remainingMs(deadline, readClocks(clock.now));
  // A guard that is alive acts by itself, and asks by itself. One that is stopped looks alive.
  if (deadline !== null && record !== null && isHeldByItsMaker(record) && left > -graceMs) {
    noteDeadline(options, waiting, entry, deadline);
    if (!(await isOverdueOnInstance(context, options, waiting, entry))) return;
  }
  entry.nextAt = clock.monotonic() + readMs;
  const trouble = await withInstanceOf(context, options, waiting, (session, found) =>
    actOn(context, options, session, found, entry),
  );
  if (trouble === null) return;
  const message = describeTrouble(trouble, waiting, deadline);
  await reportTrouble(context, options, waiting, entry, { about: trouble.kind, message });
  // A deleted instance has nothing to roll back: that ends the run. Before the deadline it may come back under its name.
  if (trouble.kind === 'missing' && left <= 0) return closeMissing(context, options, waiting, entry);
  retryLater(context, entry);
}

/** Whether another host moved the deadline on the instance so far forward that the guard that holds the run is late. */
async function isOverdueOnInstance(
  context: Context,
  options: KeeperOptions,
  waiting: WaitingRun,
  entry: KeptDeadline,
): Promise<boolean> {
  const { clock } = context;
  if (clock.monotonic() < entry.readAt) return false;
  // Seldom: it matters only where that guard is stopped.
  entry.readAt = clock.monotonic() + graceMs;
  let isOverdue = false;
  await withInstanceOf(context, options, waiting, async (session, { run }) => {
    const seen = await waitingRunOf(context, session, run);
    if (!seen.ok || seen.value?.run !== run) return;
    isOverdue = remainingMs(seen.value.confirmation.deadline, readClocks(clock.now)) <= -graceMs;
  });
  return isOverdue;
}

/** Says once, in the log and in the record of the run, what keeps the change from waiting as it should. */
async function reportTrouble(
  context: Context,
  { emit }: KeeperOptions,
  { run, address }: Pick<WaitingRun, 'run' | 'address'>,
  entry: KeptDeadline,
  { about, message }: { readonly about: string; readonly message: string },
): Promise<void> {
  if (entry.reported === about) return;
  entry.reported = about;
  emit?.({ type: 'agent-warning', ...subjectOf(address), message });
  await recordNotice(context, run, message);
}

/** The record of a run whose instance was deleted ends here. */
async function closeMissing(
  context: Context,
  options: KeeperOptions,
  { run, record, note, address }: WaitingRun,
  entry: KeptDeadline,
): Promise<void> {
  retryLater(context, entry);
  if (record === null) return forgetMissing(stateDirectoryOf(context), run);
  const quiet = listening(contextOf(context, note), { text: '' });
  const own = { ...optionsOf(options, note, address), quiet: true, takeOver: true };
  await recoverInstance(quiet, nameOf(address), own, record);
  entry.nextAt = 0;
}

/** Nothing is left to do for a run without a record. One whose record cannot be read now is looked at again. */
async function forgetMissing(state: string, run: string): Promise<void> {
  if (isRecordMissing(state, run)) await forgetWaiting(state, run);
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
  return {
    deadline: null,
    nextAt: 0,
    readAt: 0,
    tryAt: 0,
    warnedOf: null,
    failures: 0,
    freed: false,
    reported: null,
    subject: null,
    notified: null,
  };
}

async function forget(
  context: Context,
  { emit }: KeeperOptions,
  { run, record, address }: Omit<WaitingRun, 'address'> & { readonly address: Subject | null },
  kept: Map<string, KeptDeadline>,
): Promise<void> {
  kept.delete(run);
  await forgetWaiting(stateDirectoryOf(context), run);
  const subject = record?.started ?? address;
  const outcome = record?.ended?.outcome.outcome;
  if (subject !== null && subject !== undefined && outcome !== undefined)
    emit?.({ type: 'confirmation-ended', ...subjectOf(subject), run, outcome });
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
  const { record, note } = waiting;
  const known = knownWaitOf(run, record, note, session.settings.leaseMs);
  const kept = await keepDeadline(tools, instance, run, known);
  switch (kept.step) {
    case 'wait': {
      entry.failures = 0;
      const { confirmation, problem } = kept;
      const subject = { run, instance, deadline: confirmation.deadline };
      // All is as it should be again, which the log says by naming the deadline.
      if (problem === null && entry.reported !== null) Object.assign(entry, { reported: null, deadline: null });
      if (problem !== null) {
        const message = describeWaitProblem(problem, subject);
        await reportTrouble(context, options, waiting, entry, { about: problem, message });
      }
      return beforeDeadline(context, options, session, waiting, entry, { confirmation, known });
    }
    case 'look-again':
      return;
    case 'unprovable': {
      const message = `Run ${run} waited for a confirmation. Its record and its marker on ${instance} are missing, so guard cannot tell whether the restore point in flight there is of this run, and rolls nothing back. Look at the instance: \`guard recover ${instance}\` finishes what is in flight there.`;
      return reportTrouble(context, options, waiting, entry, { about: kept.step, message });
    }
    case 'finish':
      return finish(context, options, session, waiting, entry);
    case 'finished': {
      // Whoever finished it records its end in a moment, unless it was killed just then.
      const wasFreed = entry.freed;
      entry.freed = true;
      const now = await readRecord();
      if (!wasFreed || (now !== null && (hasEnded(now) || isHeldByItsMaker(now)))) return;
      if (now === null) return forgetMissing(stateDirectoryOf(context), run);
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
  { confirmation, known }: { readonly confirmation: Confirmation; readonly known: KnownWait | null },
): Promise<void> {
  const { clock } = context;
  const { run, record } = waiting;
  const { deadline } = confirmation;
  const isKnown = entry.deadline?.at === deadline.at;
  noteDeadline(options, waiting, entry, deadline);
  // Whoever moved it on this host records it: what is not recorded by the next look comes from another one.
  if (isKnown && record?.confirmationDeadline?.at !== deadline.at) await recordExtension(context, run, deadline);
  const left = remainingMs(deadline, readClocks(clock.now));
  // The instance is read again at the deadline, and not up to two seconds later.
  entry.nextAt = Math.min(entry.nextAt, clock.monotonic() + Math.max(0, left));
  const { text, warnedOf } = warningOf(left, deadline, entry.warnedOf);
  entry.warnedOf = warnedOf;
  if (text !== null) tellUsers(session, text);
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
  if (isConfirmed) {
    const settled = await settleWaiting(context, session, { run, known }, { kind: 'confirm' });
    if (settled.ok && entry.warnedOf !== null) tellUsers(session, confirmedMessage);
  }
  entry.nextAt = 0;
}

/** At their terminals inside. Nothing waits for it, and nothing depends on it. */
function tellUsers({ reached }: Session, text: string): void {
  void userNoticesFor(reached.platform, reached.instance).warn(text);
}

/** A command that hangs must not hide that somebody has settled the change, or has moved its deadline forward. */
async function abortWhenMoved(
  context: Context,
  session: Session,
  run: string,
  deadline: Deadline,
  over: AbortController,
): Promise<void> {
  while (!over.signal.aborted) {
    await context.clock.sleep(readMs, over.signal);
    if (over.signal.aborted) return;
    const seen = await waitingRunOf(context, session, run);
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
