import { Option, type Command } from 'commander';
import { timeLimits } from '../config/limits.ts';
import type { Changes, Outcome } from '../event.ts';
import type { Baseline } from '../health/baseline.ts';
import { changesBetween } from '../health/changes.ts';
import { gatherFacts } from '../health/gather.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import { keptRestorePoints, undoStepsOf, type KeptRestorePoint } from '../journal/kept-restore-points.ts';
import { newRunId } from '../journal/run-id.ts';
import { listRuns } from '../journal/run-index.ts';
import { readBaseline, readRun } from '../journal/runs.ts';
import { rollbackLines, type RollbackPreview } from '../report/rollback-text.ts';
import { createView } from '../report/view.ts';
import { wrapped } from '../report/wrap.ts';
import { writeLines } from '../report/write.ts';
import { err, ok, type Result } from '../result.ts';
import type { RollbackTarget, Plan } from '../run/plan.ts';
import { refused } from '../run/refusal.ts';
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
import { formatTime } from '../report/time.ts';
import { settleAndFinish } from './settle-waiting.ts';
import { UsageMistake } from './usage.ts';
import { duration } from './values.ts';
import { describeWait, waitingRunOf, type WaitingMarker } from './waiting-run.ts';

const help = `
guard says how old the restore point is and what is lost, and asks. A second \`guard rollback\` goes one step further back;
\`--redo\` takes the last one back. What is there now becomes a restore point first. The instance is stopped, restored and
started, and what was true when that restore point was taken must be true again.

Exit status:
    0  the instance is back at that restore point, and its baseline of then is true again; or --dry-run
   11  it was restored, but its baseline of then is not true: what was there before the call is back
   20  what was there before the call is restored, and its baseline is not true either: a person must look
   21  it could not be brought back; the commands to do it by hand are printed
   30  refused, and why (no such restore point, a storage driver that cannot, the answer was no, …)
   31  another run holds the instance
   64  the command line is wrong, or nobody can be asked and -y is missing`;

interface RollbackOptions extends RunOptions {
  readonly redo?: boolean;
}

/** `guard rollback`: back to a kept restore point, with the same care. */
export function defineRollback(program: Command, call: Call): void {
  const command = program
    .command('rollback')
    .description('go back to a kept restore point, after saying what is lost and asking')
    .argument('<instance>', 'name or remote:name')
    .argument('[run]', 'the run whose restore point it is, or the beginning of its id (default: one step back)')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only say where it would go and what would be lost')
    .option('--redo', 'take the last rollback back')
    .addOption(
      new Option('--wait-lock <time>', 'wait up to this time for another run to end (default: 0s)').argParser(
        duration(timeLimits.waitLock),
      ),
    )
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
  if (!yes && person === null)
    throw new UsageMistake('guard rollback asks first, and nobody can be asked here.', 'Pass -y.');
  const question = { kind: 'confirm', text: 'Roll the change back?' } as const;
  const answer = yes ? 'yes' : await person?.ask(question, session.settings.askTimeoutMs);
  if (answer !== 'yes') return reportOutcome(context, json, refused('You answered no.', ''));
  return settleAndFinish(context, session, waiting, { kind: 'refuse' }, options);
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
    const waiting = await waitingRunOf(session);
    // A change that waits for its confirmation is refused by going back: its own restore point is the way.
    if (waiting.ok && waiting.value !== null && (run === null || waiting.value.run.startsWith(run)))
      return rollBackWaiting(context, session, waiting.value, options);
    const target = await targetOf(context, reached, run, options.redo ?? false);
    if (!target.ok) return reportOutcome(context, json, target.error);
    const preview = await previewOf(context, reached, target.value, options.redo ?? false);
    if (dryRun) {
      await writeLines(
        context.stdout,
        json ? [JSON.stringify(preview)] : [...rollbackLines(preview), 'Nothing was changed.'],
      );
      return 0;
    }
    const view = createView({ ...context, json, quiet, history: [] });
    if (!json && !quiet)
      await writeLines(
        context.stderr,
        sentences(rollbackLines(preview)).flatMap((line) => wrapped(line, context.stderr.columns)),
      );
    if (!yes) {
      if (view.person === null)
        throw new UsageMistake('guard rollback asks first, and nobody can be asked here.', 'Pass -y.');
      const answer = await view.person.ask(
        { kind: 'confirm', text: `Go ${preview.redo ? 'forward' : 'back'}?` },
        settings.askTimeoutMs,
      );
      if (answer !== 'yes') return reportOutcome(context, json, refused('You answered no.', ''));
    }
    const plan: Plan = {
      ...buildPlan({
        run: newRunId(context.clock.now()),
        version: context.version,
        server: await reached.fleet.serverId(),
        reached,
        words: ['guard', 'rollback', instance, target.value.run],
        settings,
        name: null,
      }),
      change: { kind: 'return', to: target.value },
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

async function targetOf(
  context: Context,
  reached: InstanceConnection,
  wanted: string | null,
  redo: boolean,
): Promise<Result<RollbackTarget, Outcome>> {
  const state = stateDirectoryOf(context);
  const kept = await keptRestorePoints(state, reached);
  const { back, forward } = await undoStepsOf(state, reached);
  const point = wanted === null ? (redo ? forward : back)[0] : kept.find(({ run }) => run.startsWith(wanted));
  if (point === undefined)
    return err(redo ? nothingToRedo(reached.instance) : noSuchPoint(reached.instance, wanted, kept));
  const record = await readRun(state, point.run);
  const baseline = record === null ? null : ((await readBaseline(record)) as Baseline | null);
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
  const runs = await listRuns(stateDirectoryOf(context), { instance: reached.instance, limit: 1000 });
  const here = runs.filter(({ started }) => started?.project === reached.project && started.remote === reached.remote);
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
  return refused(`There is no rollback of "${instance}" to take back.`, 'See `guard runs` for what was done.');
}

function noSuchPoint(instance: string, wanted: string | null, kept: readonly KeptRestorePoint[]): Outcome {
  return refused(
    wanted === null
      ? `There is no restore point to go back to on "${instance}" in the records of this host.`
      : `No run "${wanted}" has left a restore point on "${instance}".`,
    kept.length === 0
      ? 'See `guard runs`; snapshots that guard did not take are restored with `incus snapshot restore`.'
      : `There are restore points of these runs: ${kept
          .map(({ run }) => run)
          .slice(0, 5)
          .join(', ')}`,
  );
}
