import type { Command } from 'commander';
import { settingTable } from '../config/settings.ts';
import type { Changes, Outcome } from '../event.ts';
import type { Person } from '../question.ts';
import type { Baseline } from '../health/baseline.ts';
import { recordedBaseline } from '../health/recorded-baseline.ts';
import { changesBetween } from '../health/changes.ts';
import { gatherFacts } from '../health/gather.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import { keptRestorePoints, type KeptRestorePoint } from '../journal/kept-restore-points.ts';
import { undoStepsOf } from '../journal/undo.ts';
import { findRunId, newRunId } from '../journal/run-id.ts';
import { listRunsOf } from '../journal/run-index.ts';
import { readBaseline, readRun } from '../journal/runs.ts';
import { rollbackLines, type RollbackPreview } from '../report/rollback-text.ts';
import { createView } from '../report/view.ts';
import { wrapped } from '../report/wrap.ts';
import { writeLines } from '../report/write.ts';
import { err, ok, type Result } from '../result.ts';
import type { WaitingMarker } from '../run/confirmation/waiting.ts';
import type { RunPlan } from '../run/changes/change.ts';
import { rollbackChange, type RollbackTarget } from '../run/changes/rollback.ts';
import { refused, refusedBecause } from '../run/refusal.ts';
import { identityOfReached } from './identity.ts';
import { commandIo } from './command-io.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { buildPlan } from './build-plan.ts';
import type { Call } from './call.ts';
import { refuseUnwritableRecords } from './records.ts';
import { about, withReports } from './reports.ts';
import { addCommonOptions, addReportOption, type RunOptions } from './run-options.ts';
import { runPlan } from './run.ts';
import { withExisting, type Session } from './session.ts';
import { optionOf } from './setting-option.ts';
import { formatTime } from '../time.ts';
import { settleAndFinish } from './settle-waiting.ts';
import { UsageMistake } from './usage.ts';
import { describeWait, waitingRunOf } from './waiting-run.ts';

const help = `
guard prints the age of the restore point and what is lost, and asks. A second \`guard rollback\` goes one step further back;
\`--redo\` undoes the last one. guard first takes a restore point of the present state. Then it stops, restores and starts the
instance, and verifies that everything works that worked when the chosen restore point was taken.

Exit status:
    0  rolled back and healthy; or --dry-run
   11  the instance was unhealthy at that restore point; guard went back to the state before the call, which is healthy
   20  as 11, but the instance is also unhealthy in the state before the call: a person must act
   21  guard could not restore the instance; it prints the commands to finish manually
   30  refused, for example because there is no such restore point, or because the answer was no
   31  another run is in progress on the instance
   64  the command line is wrong, or there is no terminal to ask at and -y is missing`;

interface RollbackOptions extends RunOptions {
  readonly redo?: boolean;
}

/** `guard rollback`: back to a kept restore point, with the same care. */
export function defineRollback(program: Command, call: Call): void {
  const command = program
    .command('rollback')
    .description('roll back to a kept restore point; shows what is lost and asks first')
    .argument('<instance>', 'name or remote:name')
    .argument('[run]', 'id of the run whose restore point to use, or its beginning (default: one step back)')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'show what would be lost, and change nothing')
    .option('--redo', 'undo the last rollback')
    .addOption(optionOf(settingTable.waitLockMs, { help: 'wait up to this time for another run to end' }))
    .addHelpText('after', help);
  addReportOption(addCommonOptions(command)).action(
    async (instance: string, run: string | undefined, options: RollbackOptions) => {
      if (run !== undefined && options.redo === true)
        throw new UsageMistake('--redo chooses the restore point by itself.', 'Leave out either --redo or the run.');
      const target = { instance, command: ['guard', 'rollback', instance, ...(run === undefined ? [] : [run])] };
      const status = await withReports(call.context, options, [target], async (context) =>
        rollBackTo(await about(context, target), instance, run ?? null, options),
      );
      call.exit(status);
    },
  );
}

/** Refuses a change that waits for its confirmation. The instance is restored to the restore point of that change. */
async function rollBackWaiting(
  context: Context,
  session: Session,
  waiting: WaitingMarker,
  options: RollbackOptions,
): Promise<number> {
  const { json = false, quiet = false, yes = false, dryRun = false } = options;
  const lost = `${describeWait(waiting)} A rollback now loses what was written since ${formatTime(waiting.at)}.`;
  if (!json && !quiet) await writeLines(context.stderr, [`guard: ${lost}`]);
  if (dryRun) return 0;
  const { person } = createView({ ...context, json, quiet, history: [] });
  if (!yes && !(await isConfirmed(person, 'Roll the change back?', session.settings.askTimeoutMs)))
    return reportOutcome(context, json, refused('You answered no.', ''));
  return settleAndFinish(context, session, waiting, { kind: 'refuse' }, options);
}

/** Asks before what cannot simply be undone. */
async function isConfirmed(person: Person | null, text: string, limitMs: number): Promise<boolean> {
  if (person === null)
    throw new UsageMistake(
      'guard rollback asks first, and there is no terminal to ask at.',
      'Pass -y to roll back without a question.',
    );
  return (await person.ask({ kind: 'confirm', text }, limitMs)) === 'yes';
}

async function rollBackTo(
  context: Context,
  instance: string,
  run: string | null,
  options: RollbackOptions,
): Promise<number> {
  const { json = false, quiet = false, yes = false, dryRun = false } = options;
  const unwritable = dryRun ? null : await refuseUnwritableRecords(context, json);
  if (unwritable !== null) return unwritable;
  return withExisting(context, { instance, options, withTerminal: false }, async (session) => {
    const { reached, settings } = session;
    const found = await waitingRunOf(context, session);
    const waiting = found.ok ? found.value : null;
    // A change that waits for its confirmation is refused by going back: its own restore point is the way.
    const points = await existingPoints(context, reached);
    if (!points.ok) return reportOutcome(context, json, points.error);
    const runs = [...(waiting === null ? [] : [waiting.run]), ...points.value.map((point) => point.run)];
    const named = run === null ? ok(null) : pointNamed(reached, instance, run, runs);
    if (!named.ok) return reportOutcome(context, json, named.error);
    const wanted = named.value;
    if (waiting !== null && (wanted === null || waiting.run === wanted))
      return rollBackWaiting(context, session, waiting, options);
    const target = await targetOf(context, reached, points.value, wanted, options.redo ?? false);
    if (!target.ok) return reportOutcome(context, json, target.error);
    const preview = await previewOf(context, reached, target.value, options.redo ?? false);
    if (dryRun) {
      await writeLines(context.stdout, json ? [JSON.stringify(preview)] : rollbackLines(preview, true));
      return 0;
    }
    const view = createView({ ...context, json, quiet, history: [] });
    if (!json && !quiet)
      await writeLines(
        context.stderr,
        sentences(rollbackLines(preview)).flatMap((line) => wrapped(line, context.stderr.columns)),
      );
    const question = `Roll ${preview.redo ? 'forward' : 'back'}?`;
    if (!yes && !(await isConfirmed(view.person, question, settings.askTimeoutMs)))
      return reportOutcome(context, json, refused('You answered no.', ''));
    const plan: RunPlan = {
      ...buildPlan({
        run: newRunId(context.clock.now()),
        version: context.version,
        reached,
        words: ['guard', 'rollback', instance, target.value.run],
        settings,
        name: null,
      }),
      change: rollbackChange(target.value),
      // Whoever asks for a rollback has seen what it is for.
      confirmation: null,
      // The present state is the reason for the rollback, so it may be unhealthy.
      allowUnhealthy: true,
    };
    const io = { ...commandIo(context, json), terminal: null, stdin: null };
    return runPlan(context, { plan, io, view, reached, notify: settings.notify }, false);
  });
}

function sentences([first = '', ...rest]: readonly string[]): string[] {
  return [`guard: ${first}`, ...rest.map((line) => `  ${line}`)];
}

/** The restore points of the records that the server still has, newest first. */
async function existingPoints(
  context: Context,
  reached: InstanceConnection,
): Promise<Result<KeptRestorePoint[], Outcome>> {
  const existing = await reached.platform.listSnapshots(reached.instance);
  if (!existing.ok) return err(refusedBecause(existing.error));
  const kept = await keptRestorePoints(stateDirectoryOf(context), await identityOfReached(reached));
  return ok(
    kept.filter(({ name, createdAt }) =>
      existing.value.some((snapshot) => snapshot.name === name && snapshot.createdAt === createdAt),
    ),
  );
}

/** The run that the user means. A rollback to one that was only guessed would lose data. */
function pointNamed(
  reached: InstanceConnection,
  instance: string,
  wanted: string,
  runs: readonly string[],
): Result<string, Outcome> {
  const found = findRunId(runs, wanted);
  if (found.ok) return found;
  if (found.error.kind === 'ambiguous')
    throw new UsageMistake(
      `"${wanted}" matches more than one restore point of "${instance}": ${found.error.candidates.join(', ')}.`,
      'Write more characters of the id.',
    );
  return err(
    refused(
      `There is no restore point of a run "${wanted}" on "${instance}".`,
      runs.length === 0
        ? `guard has none there. Restore other snapshots with: ${restoreCommand(reached)}`
        : `There are restore points of these runs: ${runs.slice(0, 5).join(', ')}. See \`guard points ${instance}\`.`,
    ),
  );
}

async function targetOf(
  context: Context,
  reached: InstanceConnection,
  points: readonly KeptRestorePoint[],
  wanted: string | null,
  redo: boolean,
): Promise<Result<RollbackTarget, Outcome>> {
  const state = stateDirectoryOf(context);
  const { back, forward } = await undoStepsOf(state, await identityOfReached(reached));
  const point = wanted === null ? (redo ? forward : back)[0] : points.find(({ run }) => run === wanted);
  if (point === undefined) return err(redo ? nothingToRedo(reached.instance) : noPoint(reached));
  const record = await readRun(state, point.run);
  const baseline = record === null ? null : recordedBaseline(await readBaseline(record));
  const { name, createdAt, volumes } = point;
  return ok({ run: point.run, baseline, restorePoint: { name, createdAt, volumes } });
}

async function previewOf(
  context: Context,
  reached: InstanceConnection,
  { run, restorePoint, baseline }: RollbackTarget,
  redo: boolean,
): Promise<RollbackPreview> {
  const takenAt = Date.parse(restorePoint.createdAt);
  const here = await listRunsOf(stateDirectoryOf(context), await identityOfReached(reached), 1000);
  const later = here.filter(({ started, ended }) => (started?.at ?? 0) > takenAt && ended?.outcome.outcome === 'kept');
  return {
    instance: reached.instance,
    run,
    takenAt,
    now: context.clock.now(),
    command: here.find((one) => one.run === run)?.started?.command ?? [],
    undone: redo
      ? []
      : later.filter((one) => one.run !== run).map((one) => ({ run: one.run, command: one.started?.command ?? [] })),
    changes: await changesSince(reached, baseline),
    redo,
  };
}

/** What is asked for the sake of a sentence must not take long, in milliseconds. */
const factsLimitMs = 10_000;

async function changesSince(
  { platform, instance }: InstanceConnection,
  baseline: Baseline | null,
): Promise<Changes | null> {
  if (baseline?.facts == null) return null;
  const now = await gatherFacts({ platform, instance, limitMs: factsLimitMs });
  return now.ok ? changesBetween(baseline.facts, now.value) : null;
}

function nothingToRedo(instance: string): Outcome {
  return refused(`There is no rollback of "${instance}" to undo.`, 'See `guard runs` for what was done.');
}

function noPoint(reached: InstanceConnection): Outcome {
  return refused(
    `There is no restore point to go back to on "${reached.instance}" in the records of this host.`,
    `See \`guard runs\`. Restore snapshots that guard did not take with: ${restoreCommand(reached)}`,
  );
}

function restoreCommand(reached: InstanceConnection): string {
  return reached.platform.commands.restoreSnapshot(reached, 'SNAPSHOT');
}
