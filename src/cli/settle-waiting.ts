import { userNoticesFor } from '../agent/user-notices.ts';
import { remainingMs, type Deadline } from '../deadline.ts';
import type { Holder, Outcome, RecordedEvent, RunEvent } from '../event.ts';
import { formatDuration } from '../duration.ts';
import { readClocks } from '../journal/boot-clock.ts';
import { currentHolder, inspectHolder } from '../journal/holder.ts';
import { openJournal } from '../journal/journal.ts';
import { readRun, type RunRecord } from '../journal/runs.ts';
import { noteWaiting, readWaitingNote } from '../journal/waiting-runs.ts';
import { formatTime } from '../time.ts';
import { writeLines } from '../report/write.ts';
import type { ConfirmationAction } from '../run/lock/confirmation.ts';
import { describeWaitProblem } from '../run/confirmation/known-wait.ts';
import type { WaitingMarker } from '../run/confirmation/waiting.ts';
import { confirmedMessage, warningMs } from '../run/confirmation/warning.ts';
import { keptKey } from '../run/lock/marker.ts';
import { refused } from '../run/refusal.ts';
import { neutralise } from '../text.ts';
import { exitStatusOf, outcomeName } from '../run/outcome.ts';
import { notifyEnd } from './confirmation-end.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { awaitOtherGuard } from '../run/confirmation/other-guard.ts';
import { recoveredStatus, recoverInstance } from './recover.ts';
import { reportOutcome } from './report-outcome.ts';
import type { RunOptions } from './run-options.ts';
import type { Session } from './session.ts';
import { settlementRefusal, settleWaiting } from './waiting-run.ts';

/** How long a guard that has freed the instance may take to record the end of its run, in milliseconds. */
const recordMs = 20_000;

/** Settles a waiting change, and sees to it that what was settled is done. Returns the exit status. */
export async function settleAndFinish(
  context: Context,
  session: Session,
  waiting: WaitingMarker,
  action: ConfirmationAction,
  options: RunOptions,
): Promise<number> {
  const json = options.json ?? false;
  const { problem, confirmation } = waiting;
  const name = session.reached.instance;
  if (problem !== null)
    await report(
      context,
      options,
      describeWaitProblem(problem, { run: waiting.run, instance: name, deadline: confirmation.deadline }),
    );
  if (action.kind === 'refuse' && problem === 'restore-point-gone')
    return reportOutcome(context, json, refusedWithoutPoint(waiting.run, name));
  const settled = await settleWaiting(context, session, waiting, action);
  if (!settled.ok && action.kind === 'confirm') {
    const confirmed = await confirmedMeanwhile(context, session, waiting.run);
    if (confirmed !== null) return reportConfirmed(context, options, confirmed);
  }
  if (!settled.ok) return reportOutcome(context, json, settlementRefusal(waiting.run, settled.error));
  if (action.kind === 'extend') {
    const { deadline } = settled.value;
    // The guard that made the change may be stopped, and the keeper goes by the record. Twice in the record does no harm.
    await recordExtension(context, waiting.run, deadline);
    await report(
      context,
      options,
      `The change waits until ${formatTime(deadline.at)}, ${formatDuration(action.ms)} from now.`,
      { type: 'confirmation-extended', deadline, v: 1, run: waiting.run, at: context.clock.now() },
    );
    return 0;
  }
  const state = stateDirectoryOf(context);
  const { platform, instance } = session.reached;
  const leftMs = remainingMs(confirmation.deadline, readClocks(context.clock.now));
  // By now the people inside have been warned of a rollback.
  if (action.kind === 'confirm' && leftMs <= warningMs) void userNoticesFor(platform, instance).warn(confirmedMessage);
  const readRecord = (): Promise<RunRecord | null> => readRun(state, waiting.run);
  const tools = { platform, clock: context.clock, holder: currentHolder(), inspectHolder, readRecord };
  if ((await awaitOtherGuard(tools, instance, waiting.run, waiting.pointCreatedAt)) === 'silent') {
    const record = await readRecord();
    const status = await recoverInstance(
      context,
      nameOf(session.reached),
      { ...options, takeOver: true, tolerateMistakes: true },
      record,
    );
    for (const failure of await notifyEnd(context, waiting.run, session.settings.notify))
      await report(context, options, failure);
    return status;
  }
  const ended = await endOf(context, waiting.run);
  const outcome = ended === null ? settled.value.state : outcomeName(ended.outcome);
  await report(context, options, `Run ${waiting.run} ended: ${outcome}.`, ended);
  return ended === null ? 0 : statusAfter(action, ended.outcome);
}

/** A confirmation by somebody else. */
interface OtherConfirmation {
  readonly run: string;
  /** Null where this host has no record of the run. */
  readonly by: Holder | null;
  readonly at: number | null;
  readonly ended: RunRecord['ended'];
}

/** Reads from this host's record who confirmed the run. Null if it was not confirmed. */
export async function confirmationOf(context: Context, run: string): Promise<OtherConfirmation | null> {
  const record = await readRun(stateDirectoryOf(context), run);
  const settled = record?.events.findLast((event) => event.type === 'confirmation-settled');
  if (settled?.type !== 'confirmation-settled' || settled.state !== 'confirmed') return null;
  return { run, by: settled.by ?? null, at: settled.at, ended: await endOf(context, run) };
}

/** The same where the change has just stopped waiting. On another host only the instance tells. */
async function confirmedMeanwhile(
  context: Context,
  { reached }: Session,
  run: string,
): Promise<OtherConfirmation | null> {
  const recorded = await confirmationOf(context, run);
  if (recorded !== null) return recorded;
  const seen = await reached.platform.getInstance(reached.instance);
  const isKept = seen.ok && seen.value.metadata[keptKey] === run;
  return isKept ? { run, by: null, at: null, ended: null } : null;
}

/** What was wanted has happened: 0, unless the run ended otherwise all the same. */
export async function reportConfirmed(
  context: Context,
  options: Pick<RunOptions, 'json' | 'quiet'>,
  { run, by, at, ended }: OtherConfirmation,
): Promise<number> {
  const who = by === null ? '' : ` by process ${by.pid} of host ${neutralise(by.host, 100)}`;
  await report(context, options, `Run ${run} was confirmed${who}${at === null ? '' : ` at ${formatTime(at)}`}.`, ended);
  return ended === null ? 0 : exitStatusOf(ended.outcome);
}

function refusedWithoutPoint(run: string, instance: string): Outcome {
  return refused(
    `The change of run ${run} cannot be rolled back: its restore point was removed.`,
    `Keep it with \`guard confirm ${run}\`. To go back to an older restore point, confirm it and then run \`guard rollback ${instance}\`.`,
  );
}

/** Zero where it ended as was asked. */
function statusAfter(action: ConfirmationAction, outcome: Outcome): number {
  return action.kind === 'confirm' ? exitStatusOf(outcome) : recoveredStatus(outcome);
}

function nameOf({ instance, remote }: Session['reached']): string {
  return remote === null ? instance : `${remote}:${instance}`;
}

/** What the guard that finished the run recorded; null where that is not on this host, or does not come in time. */
async function endOf(context: Context, run: string): Promise<RunRecord['ended']> {
  const { clock } = context;
  const giveUpAt = clock.monotonic() + recordMs;
  for (;;) {
    const record = await readRun(stateDirectoryOf(context), run);
    if (record === null) return null;
    if (record.ended !== null && record.ended.outcome.outcome !== 'waiting') return record.ended;
    if (clock.monotonic() >= giveUpAt) return null;
    await clock.sleep(200);
  }
}

/** A sentence for people; with `--json` the event, where there is one. */
async function report(
  context: Context,
  { json, quiet }: Pick<RunOptions, 'json' | 'quiet'>,
  message: string,
  event: RecordedEvent | null = null,
): Promise<void> {
  if (json === true) await writeLines(context.stdout, event === null ? [] : [JSON.stringify(event)]);
  else if (quiet !== true) await writeLines(context.stderr, [`guard: ${message}`]);
}

/** The record of this host names the new deadline as well, for `guard runs` and `guard show`. */
export async function recordExtension(context: Context, run: string, deadline: Deadline): Promise<void> {
  const stateDirectory = stateDirectoryOf(context);
  const note = readWaitingNote(stateDirectory, run);
  // Where the record cannot be read the note alone tells until when the change waits.
  if (note !== null) await noteWaiting(stateDirectory, run, { ...note, deadline });
  await appendTo(context, run, { type: 'confirmation-extended', deadline });
}

/** Tells in the record of the run what its guard did not see, which has ended. */
export function recordNotice(context: Context, run: string, message: string): Promise<void> {
  return appendTo(context, run, { type: 'notice', level: 'warning', message });
}

async function appendTo(context: Context, run: string, event: RunEvent): Promise<void> {
  const stateDirectory = stateDirectoryOf(context);
  if ((await readRun(stateDirectory, run)) === null) return;
  const journal = await openJournal({ stateDirectory, run });
  if (!journal.ok) return;
  await journal.value.append({ ...event, v: 1, run, at: context.clock.now() });
  await journal.value.close();
}
