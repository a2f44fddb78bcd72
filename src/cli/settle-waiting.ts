import type { Deadline } from '../deadline.ts';
import type { Outcome } from '../event.ts';
import { formatDuration } from '../duration.ts';
import { inspectHolder } from '../journal/holder.ts';
import { openJournal } from '../journal/journal.ts';
import { readRun } from '../journal/runs.ts';
import { formatTime } from '../report/time.ts';
import { writeLines } from '../report/write.ts';
import type { ConfirmationAction } from '../run/confirmation/confirmation.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { awaitOtherGuard } from './other-guard.ts';
import { recoveredStatus, recoverInstance } from './recover.ts';
import { reportOutcome } from './report-outcome.ts';
import type { RunOptions } from './run-options.ts';
import type { Session } from './session.ts';
import { settlementRefusal, settleWaiting, type WaitingMarker } from './waiting-run.ts';

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
  const settled = await settleWaiting(context, session, waiting.run, action);
  if (!settled.ok) return reportOutcome(context, json, settlementRefusal(waiting.run, settled.error));
  if (action.kind === 'extend') {
    const { deadline } = settled.value;
    // A guard that is alive sees it on the instance, and records it itself.
    if (inspectHolder(waiting.holder) !== 'alive') await recordExtension(context, waiting.run, deadline);
    await report(
      context,
      options,
      `The change waits until ${formatTime(deadline.at)}, ${formatDuration(action.ms)} from now.`,
    );
    return 0;
  }
  if ((await awaitOtherGuard(context, session, waiting.run)) === 'finished') {
    const outcome = await outcomeOf(context, waiting.run);
    await report(context, options, `Run ${waiting.run} ended: ${outcome?.outcome ?? settled.value.state}.`);
    return outcome === null ? 0 : recoveredStatus(outcome);
  }
  const { instance, remote } = session.reached;
  const name = remote === null ? instance : `${remote}:${instance}`;
  const record = await readRun(stateDirectoryOf(context), waiting.run);
  return recoverInstance(context, name, { ...options, takeOver: true }, record);
}

/** What the guard that finished the run recorded; null where that is not on this host, or does not come in time. */
async function outcomeOf(context: Context, run: string): Promise<Outcome | null> {
  const { clock } = context;
  const giveUpAt = clock.monotonic() + recordMs;
  for (;;) {
    const record = await readRun(stateDirectoryOf(context), run);
    if (record === null) return null;
    if (record.ended !== null && record.ended.outcome.outcome !== 'waiting') return record.ended.outcome;
    if (clock.monotonic() >= giveUpAt) return null;
    await clock.sleep(200);
  }
}

async function report(context: Context, { json, quiet }: RunOptions, message: string): Promise<void> {
  if (json !== true && quiet !== true) await writeLines(context.stderr, [`guard: ${message}`]);
}

async function recordExtension(context: Context, run: string, deadline: Deadline): Promise<void> {
  const stateDirectory = stateDirectoryOf(context);
  if ((await readRun(stateDirectory, run)) === null) return;
  const journal = await openJournal({ stateDirectory, run });
  if (!journal.ok) return;
  await journal.value.append({ type: 'confirmation-extended', deadline, v: 1, run, at: context.clock.now() });
  await journal.value.close();
}
