import { Option, type Command } from 'commander';
import type { Outcome } from '../event.ts';
import { recordedBaseline } from '../health/recorded-baseline.ts';
import { readClocks } from '../journal/boot-clock.ts';
import { currentHolder, inspectHolder } from '../journal/holder.ts';
import { openJournal } from '../journal/journal.ts';
import { keptRestorePoints } from '../journal/kept-restore-points.ts';
import { newRunId } from '../journal/run-id.ts';
import { unfinishedRuns } from '../journal/run-index.ts';
import { isLost, readBaseline, readRun, type RunRecord } from '../journal/runs.ts';
import { readWaitingNote } from '../journal/waiting-runs.ts';
import type { Target } from '../report/run-report.ts';
import { createView } from '../report/view.ts';
import { writeLines } from '../report/write.ts';
import { ok } from '../result.ts';
import { describeWaitProblem } from '../run/confirmation/known-wait.ts';
import { expireWaiting } from '../run/confirmation/waiting.ts';
import { exitStatusOf } from '../run/outcome.ts';
import {
  closeWithoutInstance,
  recoverInstance as recoverOnServer,
  type RecoveryEnd,
  type RecoveryTools,
} from '../run/recovery/recover-instance.ts';
import { describeRemoved } from '../run/recovery/repair-leftovers.ts';
import { createRecorder, type Recorder } from '../run/recorder.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { buildPlan } from './build-plan.ts';
import type { Call } from './call.ts';
import { identityOf, waitingNote } from './confirmation-tools.ts';
import { armDeadline } from './deadline-keeper.ts';
import { recordRename, withInstanceOfRun } from './present-name.ts';
import { describeWait, refuseWaiting, settlementRefusal, waitRecords } from './waiting-run.ts';
import { recoverRehearsal, recoverRehearsalsOf, workOn } from './recover-rehearsal.ts';
import { recoverSeparately, untilInterrupted, type Unfinished } from './recoveries.ts';
import { about, withReports } from './reports.ts';
import { addCommonOptions, addReportOption, type RunOptions } from './run-options.ts';
import { withInstance, type Session, type ToleratedMistakes } from './session.ts';

interface RecoverOptions extends RunOptions, ToleratedMistakes {
  readonly keepIfHealthy?: boolean;
  readonly takeOver?: boolean;
}

const help = `
Exit status:
    0  every interrupted run is finished: kept or rolled back
   20  restored, but unhealthy: a person must act
   21  the rollback failed, and guard printed the commands to finish it; or the lock could not be released,
       or the copy of a rehearsal not removed
   30  refused
   31  the run is still in progress
  130  interrupted by INT, 143 by TERM, 129 by HUP: run guard recover again to finish the rest`;

/** `guard recover`: finish what an interrupted run left. */
export function defineRecover(program: Command, call: Call): void {
  const command = program
    .command('recover')
    .description('finish interrupted runs: keep or roll back their changes')
    .argument('[instance]', 'name or remote:name (default: every interrupted run that this host recorded)')
    .option('--keep-if-healthy', 'keep the change if the instance is as healthy as before, instead of rolling back')
    .addOption(
      new Option(
        '--take-over',
        'finish the run at once, even if it may still be running; only if its host is lost, or if the run hangs',
      ),
    )
    .addHelpText('after', help);
  addReportOption(addCommonOptions(command)).action(async (instance: string | undefined, options: RecoverOptions) => {
    const unfinished: Unfinished = new Set(instance === undefined ? [] : [instance]);
    const recovering = (): Promise<number> =>
      withReports(call.context, options, [], (context) =>
        instance === undefined
          ? recoverAll(context, options, unfinished)
          : recoverInstance(context, instance, options, null),
      );
    call.exit(await untilInterrupted(call.context, options, unfinished, recovering));
  });
}

async function recoverAll(context: Context, options: RecoverOptions, unfinished: Unfinished): Promise<number> {
  const runs = await unfinishedRuns(stateDirectoryOf(context));
  // The lease tells whether a guard of another boot, or of this host under another name, is still alive.
  const left = runs.filter((record) => {
    if (record.started === null) return false;
    if (record.started.rehearsal !== undefined) return workOn(record) !== 'alive';
    return isLost(record) || inspectHolder(record.started.holder) !== 'alive';
  });
  if (left.length === 0) await reportNothingToDo(context, options, null);
  return recoverSeparately(context, left, unfinished, (own, name, record) =>
    recoverInstance(own, name, { ...options, project: record.started?.project ?? 'default' }, record),
  );
}

/** One instance; `known` is the run to finish where that is known already. Returns the exit status. */
export async function recoverInstance(
  context: Context,
  instance: string,
  options: RecoverOptions,
  known: RunRecord | null,
): Promise<number> {
  if (known?.started?.rehearsal !== undefined)
    return withInstance(context, { instance, options, withTerminal: false }, (session) =>
      recoverRehearsal(context, session, known, options),
    );
  const wanted = { instance, options, withTerminal: false };
  return withInstanceOfRun(context, wanted, known, async (session, record, where) => {
    const here = await about(context, {
      instance: record?.started?.instance ?? instance,
      command: record?.started?.command ?? [],
    });
    const tools = recoveryTools(here, session, options, record?.run ?? null);
    if (record !== null && (where.kind === 'gone' || where.kind === 'other-server'))
      return reportEnd(here, options, session.reached.instance, await closeWithoutInstance(where.kind, record, tools));
    const waits = await endWhileWaiting(here, session, options, record?.run ?? null);
    if (waits !== null) return waits;
    const rehearsals = record === null ? await recoverRehearsalsOf(context, session, options) : null;
    return Math.max(rehearsals ?? 0, await recoverReached(here, session, options, record));
  });
}

async function recoverReached(
  context: RecoverySession,
  session: Session,
  options: RecoverOptions,
  known: RunRecord | null,
): Promise<number> {
  const plan = buildPlan({
    run: known?.run ?? newRunId(context.clock.now()),
    version: context.version,
    reached: session.reached,
    // Nothing is run: only the limits and the hooks of this plan are used.
    words: ['true'],
    settings: session.settings,
    name: null,
  });
  const { keepIfHealthy = false, takeOver = false } = options;
  const tools = recoveryTools(context, session, options, known?.run ?? null);
  const end = await recoverOnServer({ plan, known, keepIfHealthy, takeOver }, tools);
  return reportEnd(context, options, plan.instance, end);
}

/** Returns the exit status. */
async function reportEnd(
  context: Context,
  options: RecoverOptions,
  instance: string,
  end: RecoveryEnd,
): Promise<number> {
  switch (end.kind) {
    case 'refused':
      return reportOutcome(context, options.json ?? false, end.outcome);
    case 'waits':
      return reportOutcome(context, options.json ?? false, refuseWaiting(end.marker));
    case 'nothing-left':
      return reportNothingToDo(context, options, instance, end.removed);
    case 'finished': {
      const status = recoveredStatus(end.outcome);
      return status === 0 && end.isLocked ? stillLockedStatus : status;
    }
  }
}

/** The outcome of the run stays: what remains is for the next recovery. */
const stillLockedStatus = 21;

function recoveryTools(
  context: RecoverySession,
  session: Session,
  options: RecoverOptions,
  known: string | null,
): RecoveryTools {
  const { reached } = session;
  const state = stateDirectoryOf(context);
  return {
    platform: reached.platform,
    clock: context.clock,
    holder: currentHolder(),
    inspectHolder,
    keptRestorePoints: (of, wanted) => keptRestorePoints(state, of, wanted),
    readClocks: () => readClocks(context.clock.now),
    waits: waitRecords(context, session, known),
    recordRename: (run, instance) => recordRename(context, run, instance),
    readRecord: (run) => readRun(state, run),
    readBaseline: async (record) => recordedBaseline(await readBaseline(record)),
    unfinishedRuns: () => unfinishedRuns(state),
    recorderOf: (run, record) => recorderOf(context, run, options, record),
    report: (text) => reportWait(context, options, text),
  };
}

/**
 * 0 where the change waits for its confirmation: it is no leftover before its deadline, and its keeper, which a reboot ends,
 * is looked for again. Null where there may be something to recover.
 */
async function endWhileWaiting(
  context: RecoverySession,
  session: Session,
  options: RecoverOptions,
  known: string | null,
): Promise<number | null> {
  const { instance } = session.reached;
  const end = await expireWaiting(recoveryTools(context, session, options, known), instance);
  switch (end.kind) {
    case 'over':
      return null;
    case 'unknown':
      return reportOutcome(context, options.json ?? false, end.outcome);
    case 'unsettled':
      return reportOutcome(context, options.json ?? false, settlementRefusal(end.run, end.failure));
    case 'waits': {
      const state = stateDirectoryOf(context);
      const { run, problem, confirmation } = end.marker;
      const { deadline } = confirmation;
      const own = await readRun(state, run);
      const note = readWaitingNote(state, run) ?? {
        ...waitingNote(context, session.reached, null),
        ...identityOf(own),
        deadline,
      };
      const armed = own === null ? ok(undefined) : await armDeadline(context, run, note);
      await reportWait(context, options, describeWait(end.marker));
      if (problem !== null)
        await reportWait(context, options, describeWaitProblem(problem, { run, instance, deadline }));
      if (!armed.ok) await reportWait(context, options, armed.error);
      return 0;
    }
  }
}

/** Which instance it is about is known. */
type RecoverySession = Context & { readonly target: Target };

async function reportWait(context: Context, options: RecoverOptions, text: string): Promise<void> {
  if (options.json !== true && options.quiet !== true) await writeLines(context.stderr, [`guard: ${text}`]);
}

async function recorderOf(
  context: RecoverySession,
  run: string,
  options: RecoverOptions,
  record: RunRecord | null,
): Promise<Recorder> {
  const history = record?.events ?? [];
  const here = await about(context, { ...context.target, command: record?.started?.command ?? [] }, history);
  return createRecorder({
    run,
    clock: context.clock,
    openStore: () => openJournal({ stateDirectory: stateDirectoryOf(context), run }),
    listener: createView({ ...here, json: options.json ?? false, quiet: options.quiet ?? false, history }).listener,
  });
}

/** A recovery has done its work when nothing is left in between, however the run ended. */
export function recoveredStatus(outcome: Outcome): number {
  switch (outcome.outcome) {
    case 'kept':
    case 'kept-unhealthy':
    case 'kept-unchanged':
    case 'instance-gone':
    case 'rolled-back':
    case 'interrupted':
    case 'refused':
      return 0;
    default:
      return exitStatusOf(outcome);
  }
}

async function reportNothingToDo(
  context: Context,
  options: RecoverOptions,
  instance: string | null,
  removed: readonly string[] = [],
): Promise<number> {
  if (context.target) await context.reports?.drop(context.target);
  if (options.json !== true && options.quiet !== true)
    await writeLines(context.stderr, [
      ...removed.map((name) => `guard: ${describeRemoved(name)}`),
      `guard: there is nothing to recover${instance === null ? ' in the records of this host' : ` on ${instance}`}.`,
    ]);
  return 0;
}
