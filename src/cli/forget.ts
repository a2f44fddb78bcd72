import type { Command } from 'commander';
import { remainingMs, type ClockReading } from '../deadline.ts';
import { readClocks } from '../journal/boot-clock.ts';
import { inspectHolder } from '../journal/holder.ts';
import { removeRecord } from '../journal/retention.ts';
import { readRun, type RunRecord } from '../journal/runs.ts';
import { forgetWaiting } from '../journal/waiting-runs.ts';
import { writeLines } from '../report/write.ts';
import { err, ok, type Result } from '../result.ts';
import { isWaitOpen } from '../run/confirmation/known-wait.ts';
import { busy, refused } from '../run/refusal.ts';
import type { Outcome } from '../event.ts';
import type { Call } from './call.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { runNamed } from './run-named.ts';

interface ForgetOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

const help = `
guard removes only the record, with its evidence. A restore point stays on its instance, and guard prune no longer removes it.

Exit status:
    0  the record is removed
   30  the run is not finished: guard recover finishes it, and -y removes the record anyway;
       or it waits for a confirmation
   31  the run is in progress
   64  no run has this id, or more than one id begins like this`;

/** `guard forget`: remove a record. */
export function defineForget(program: Command, call: Call): void {
  program
    .command('forget')
    .description('remove the record of a run')
    .argument('<run>', "id of the run, its beginning, its last four characters, or 'last'")
    .option('-y, --yes', 'also remove the record of a run that is not finished')
    .addHelpText('after', help)
    .action(async (wanted: string, options: ForgetOptions) => {
      const { context } = call;
      const state = stateDirectoryOf(context);
      const run = await runNamed(state, wanted);
      const admitted = requireForgettable(
        await readRun(state, run),
        options.yes ?? false,
        readClocks(context.clock.now),
      );
      if (!admitted.ok) return call.exit(await reportOutcome(context, options.json ?? false, admitted.error));
      call.exit(await forget(context, state, run));
    });
}

async function forget(context: Context, state: string, run: string): Promise<number> {
  if (!(await removeRecord(state, run)))
    return reportOutcome(
      context,
      false,
      refused(`The record of run ${run} could not be removed.`, `See the folder ${state}.`),
    );
  // The keeper of its deadline has nothing more to do.
  await forgetWaiting(state, run);
  await writeLines(context.stderr, [`guard: the record of run ${run} is removed.`]);
  return 0;
}

/** Whether the record may be removed. */
export function requireForgettable(
  record: RunRecord | null,
  yes: boolean,
  reading: ClockReading,
): Result<void, Outcome> {
  if (record === null || record.started === null) return ok(undefined);
  const { run, started, ended, restorePoint, released, copyRemoved } = record;
  const isCopyLeft = started.rehearsal !== undefined && !copyRemoved;
  if (ended !== null && !isCopyLeft && (restorePoint === null || released !== null)) return ok(undefined);
  // The guard of a rehearsal works on it no more after its end.
  if ((!isCopyLeft || ended === null) && inspectHolder(started.holder) === 'alive')
    return err(busy(`Run ${run} is in progress (pid ${started.holder.pid}).`, 'Wait until it ends.'));
  const instance = started.remote === null ? started.instance : `${started.remote}:${started.instance}`;
  if (isWaiting(record, reading))
    return err(
      refused(
        `Run ${run} waits for a confirmation. Without its record guard would not roll ${instance} back at the deadline.`,
        `Keep the change with \`guard confirm ${run}\`, or roll it back with \`guard rollback ${instance}\`, and try again.`,
      ),
    );
  if (yes) return ok(undefined);
  return err(
    refused(
      isCopyLeft
        ? `Rehearsal ${run} is not finished: the copy of ${instance} may still be in the project guard-rehearsal, and without the record guard does not find it.`
        : `Run ${run} is not finished: ${instance} may be changed, and its restore point may be in flight.`,
      `Finish it with \`guard recover ${instance}\`, or pass -y to remove the record anyway.`,
    ),
  );
}

/** As far as this host knows. After the deadline the record may go: the server may never come back. */
function isWaiting(record: RunRecord, reading: ClockReading): boolean {
  const { confirmationDeadline } = record;
  return isWaitOpen(record) && confirmationDeadline !== null && remainingMs(confirmationDeadline, reading) > 0;
}
