import { Writable } from 'node:stream';
import { remainingMs, type Deadline } from '../deadline.ts';
import { userNoticesFor } from '../agent/user-notices.ts';
import { readClocks } from '../journal/boot-clock.ts';
import { inspectHolder } from '../journal/holder.ts';
import { readRun, type RunRecord } from '../journal/runs.ts';
import { forgetWaiting, listWaiting } from '../journal/waiting-runs.ts';
import { formatTime } from '../report/time.ts';
import { tryConfirmCommand } from './confirmation-tools.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { awaitOtherGuard } from './other-guard.ts';
import { recoverInstance } from './recover.ts';
import { withExisting, type Session } from './session.ts';
import { settleWaiting, timeLeft, waitingRunOf } from './waiting-run.ts';

/** How often the deadlines are looked at, in milliseconds. */
const pollMs = 500;

/** How long after the deadline a living guard may still act by itself, in milliseconds. */
const graceMs = 10_000;

/** Pause before a run that could not be finished is tried again, in milliseconds. */
const retryMs = 2000;

/** How often the command of `confirmBy` is tried, and when the people inside are warned, in milliseconds. */
const tryMs = 5000;
const warningMs = 60_000;

/** What the keeper knows of one waiting run beside its record. */
interface KeptDeadline {
  /** The deadline on the instance, which a confirmation from anywhere may have moved. */
  deadline: Deadline;
  /** The deadline in the record, when it was last read: an extension is written there as well. */
  recorded: Deadline | null;
  nextAt: number;
  tryAt: number;
  warned: boolean;
  /** Nothing of the run was left in flight, although its record had not ended. */
  freed: boolean;
}

/**
 * Acts on the deadlines of the runs of this state directory until the signal, or until the one run that is meant has ended.
 * The deadline applies even if the guard that made the change is dead, stopped, or closed with its terminal.
 */
export async function keepDeadlines(
  context: Context,
  { only = null, signal }: { readonly only?: string | null; readonly signal: AbortSignal },
): Promise<void> {
  const { clock } = context;
  const state = stateDirectoryOf(context);
  const kept = new Map<string, KeptDeadline>();
  const underWay = new Set<string>();
  while (!signal.aborted) {
    const runs = listWaiting(state).filter((run) => only === null || run === only);
    if (only !== null && runs.length === 0) return;
    for (const run of runs) {
      if (underWay.has(run)) continue;
      underWay.add(run);
      void keepOne(context, run, kept)
        .catch(() => {})
        .finally(() => underWay.delete(run));
    }
    await clock.sleep(pollMs, signal);
  }
}

async function keepOne(context: Context, run: string, kept: Map<string, KeptDeadline>): Promise<void> {
  const { clock } = context;
  const state = stateDirectoryOf(context);
  const known = kept.get(run);
  if (known !== undefined && clock.monotonic() < known.nextAt) return;
  const record = await readRun(state, run);
  const deadline = known?.deadline ?? record?.confirmationDeadline ?? null;
  if (record === null || deadline === null || hasEnded(record)) {
    kept.delete(run);
    await forgetWaiting(state, run);
    return;
  }
  const recorded = record.confirmationDeadline;
  const entry = known ?? { deadline, recorded, nextAt: 0, tryAt: 0, warned: false, freed: false };
  // The new deadline may be the earlier one.
  if (recorded !== null && recorded.at !== entry.recorded?.at) entry.deadline = recorded;
  entry.recorded = recorded;
  kept.set(run, entry);
  const left = remainingMs(entry.deadline, readClocks(clock.now));
  // A guard that is alive acts by itself, and asks by itself.
  const isHeld = isHeldByItsMaker(record);
  if (isHeld && left > -graceMs) return;
  if (left > 0 && record.confirmBy === null && left > warningMs + pollMs) return;
  await withInstanceOf(context, record, (session) => actOn(context, session, record, entry));
}

function hasEnded({ ended, released }: RunRecord): boolean {
  return ended !== null && ended.outcome.outcome !== 'waiting' && released !== null;
}

/** Before the deadline: warns, and tries the command that confirms. After it: rolls back. */
async function actOn(context: Context, session: Session, record: RunRecord, entry: KeptDeadline): Promise<number> {
  const { clock } = context;
  const waiting = await waitingRunOf(session);
  if (!waiting.ok) {
    entry.nextAt = clock.monotonic() + retryMs;
    return 0;
  }
  if (waiting.value?.run === record.run) {
    entry.deadline = waiting.value.confirmation.deadline;
    if (waiting.value.confirmation.state === 'waiting' && timeLeft(context, waiting.value.confirmation) > 0)
      return beforeDeadline(context, session, record, entry);
  }
  entry.nextAt = clock.monotonic() + retryMs;
  const isUndecided = waiting.value?.run === record.run && waiting.value.confirmation.state === 'waiting';
  // Somebody decided: whoever did it, or the guard that made the change, is doing what was decided.
  const isUnderWay = !isUndecided && (record.ended === null || record.ended.outcome.outcome === 'waiting');
  if (isUnderWay && (await awaitOtherGuard(context, session, record.run)) === 'finished') {
    // Whoever finished it records its end in a moment, unless it was killed just then.
    const wasFreed = entry.freed;
    entry.freed = true;
    if (!wasFreed || isHeldByItsMaker(record)) return 0;
  }
  return finish(context, record);
}

function isHeldByItsMaker({ started, ended }: RunRecord): boolean {
  return started !== null && ended === null && inspectHolder(started.holder) === 'alive';
}

async function beforeDeadline(
  context: Context,
  session: Session,
  record: RunRecord,
  entry: KeptDeadline,
): Promise<number> {
  const { clock } = context;
  const left = remainingMs(entry.deadline, readClocks(clock.now));
  if (left <= warningMs && !entry.warned) {
    entry.warned = true;
    const { platform, instance } = session.reached;
    const message = `guard: a change of this instance was not confirmed. It is rolled back at ${formatTime(entry.deadline.at)}, and every shell ends.`;
    void userNoticesFor(platform, instance).warn(message);
  }
  if (record.confirmBy === null || clock.monotonic() < entry.tryAt) return 0;
  entry.tryAt = clock.monotonic() + tryMs;
  const over = new AbortController();
  const cancel = clock.after(Math.max(1, left), () => over.abort());
  const isConfirmed = await tryConfirmCommand(context, session.reached, record.confirmBy, over.signal);
  cancel();
  if (!isConfirmed || !(await settleWaiting(context, session, record.run, { kind: 'confirm' })).ok) return 0;
  return finish(context, record);
}

/** Does what was settled, or rolls back what is overdue, as `guard recover` does. What it prints is in the run's record. */
function finish(context: Context, record: RunRecord): Promise<number> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const quiet = { ...context, stdout: silent, stderr: silent };
  return recoverInstance(quiet, nameOf(record), { ...optionsOf(record), quiet: true, takeOver: true }, record);
}

function withInstanceOf(
  context: Context,
  record: RunRecord,
  work: (session: Session) => Promise<number>,
): Promise<number> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const quiet = { ...context, stdout: silent, stderr: silent };
  return withExisting(quiet, { instance: nameOf(record), options: optionsOf(record), withTerminal: false }, work);
}

function nameOf({ started }: RunRecord): string {
  if (started === null) return '';
  return started.remote === null ? started.instance : `${started.remote}:${started.instance}`;
}

function optionsOf({ started }: RunRecord): { readonly project: string } {
  return { project: started?.project ?? 'default' };
}
