import type { Command } from 'commander';
import type { Notice } from '../config/notice.ts';
import type { Listener } from '../event.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import { newRunId } from '../journal/run-id.ts';
import { createView, isAttended, type View } from '../report/view.ts';
import { writeLines } from '../report/write.ts';
import { guardedRun } from '../run/guarded-run.ts';
import { exitStatusOf } from '../run/outcome.ts';
import type { RunPlan } from '../run/changes/change.ts';
import { refused } from '../run/refusal.ts';
import type { CommandIo } from '../run/tools.ts';
import { createRunNotifier, notifyWaitAndEnd } from './run-notifier.ts';
import { isPattern } from '../rollout/wish.ts';
import { commandIo } from './command-io.ts';
import { commandNames } from './command-names.ts';
import { commandWords, refuseLateSubcommand } from './command-words.ts';
import type { Context } from './context.ts';
import { buildPlan } from './build-plan.ts';
import type { Call } from './call.ts';
import { reportOutcome } from './report-outcome.ts';
import { surveyPushes } from './pushes.ts';
import { about, withReports } from './reports.ts';
import { addRehearsalOptions, addReportOption, addRunOptions, addTraceOption, type RunOptions } from './run-options.ts';
import { addRolloutOptions, choosesByItself, isRollout, optionWords, type RolloutOptions } from './rollout-options.ts';
import { refuseUnwritableRecords } from './records.ts';
import type { OneRehearsal, Rehearsed } from './rehearsal.ts';
import { refuseWithoutKeeper } from './require-keeper.ts';
import { pruneOldRecords } from './prune-records.ts';
import { runTools } from './run-tools.ts';
import { withInstance } from './session.ts';
import { refuseRehearsalOptions, refuseUselessOptions } from './useless-options.ts';
import { withTrace } from './tracing.ts';

/** `guard run`, and what guard does without a subcommand. */
export function defineRun(program: Command, call: Call): void {
  const command = program
    .command('run', { isDefault: true })
    .description('take a restore point, run the command, then keep the change or roll back')
    .usage('[options] <instance>… -- <command> [arguments…]')
    .argument('[instance...]', 'name or remote:name, as in the incus or lxc command');
  addTraceOption(addReportOption(addRehearsalOptions(addRolloutOptions(addRunOptions(command)))))
    .option('-y, --yes', 'do not ask, even at a terminal: a failure follows the policy of --on-failure')
    .option('--dry-run', 'show what would happen and change nothing, like `guard plan`')
    .action(async (instances: readonly string[], options: RolloutOptions) => {
      refuseUselessOptions(options);
      refuseLateSubcommand(instances, call.words, call.own);
      const named = instances.length === 0 && choosesByItself(options) ? ['--all'] : instances;
      const words = commandWords(named, call.words, 'guard', call.own[0] === 'run' ? [] : commandNames);
      if (options.dryRun === true) return call.exit(await dryRun(call.context, instances, words, options));
      const status = await (isRollout(instances, options)
        ? withTrace(call.context, options, async (context) => {
            const { startRollout } = await import('./rollout-run.ts');
            return startRollout(context, { instances, words, options, optionWords: optionWords(command, call.own) });
          })
        : runSingle(call.context, instances[0] ?? '', words, options));
      call.exit(status);
    });
}

async function dryRun(
  context: Context,
  instances: readonly string[],
  words: readonly [string, ...string[]],
  options: RunOptions,
): Promise<number> {
  // Loaded late: most runs are none.
  if (instances.some(isPattern)) {
    const { planRollout } = await import('./rollout-plan.ts');
    return planRollout(context, { instances, words, options });
  }
  const { previewEach } = await import('./plan.ts');
  return previewEach(context, instances, words, options);
}

function runSingle(
  context: Context,
  instance: string,
  words: readonly [string, ...string[]],
  options: RunOptions,
): Promise<number> {
  return withReports(context, options, [{ instance, command: words }], (reporting) =>
    withTrace(reporting, options, async (traced) => {
      const unwritable = await refuseUnwritableRecords(traced, options.json ?? false);
      if (unwritable !== null) return unwritable;
      return runOne(await about(traced, { instance, command: words }), instance, words, options);
    }),
  );
}

async function runOne(
  context: Context,
  instance: string,
  words: readonly [string, ...string[]],
  options: RunOptions,
): Promise<number> {
  const json = options.json ?? false;
  const pushes = await surveyPushes(context, options);
  if (!pushes.ok) return reportOutcome(context, json, pushes.error);
  const io = commandIo(context, json);
  return withInstance(context, { instance, options, withTerminal: io.terminal !== null }, async (session) => {
    const { reached, settings } = session;
    const run = newRunId(context.clock.now());
    const plan = buildPlan({
      pushes: pushes.value,
      run,
      version: context.version,
      reached,
      words,
      settings,
      name: options.name ?? null,
      obeyQuarantine: options.retry !== true && !isAttended({ ...context, json: false }),
      keepFailed: options.keepFailed ?? false,
      detach: options.detach ?? false,
    });
    const unkept = await refuseWithoutKeeper(context, plan.confirmation !== null, options);
    if (unkept !== null) return unkept;
    if (settings.rehearse === false) refuseRehearsalOptions(options);
    const notRehearsed = { plan, io, rehearsed: null };
    const begun =
      settings.rehearse === false
        ? notRehearsed
        : await afterRehearsal(context, { plan, io, session, options, instance });
    if (typeof begun === 'number') return begun;
    const here = settings.rehearse === false ? context : await about(context, { instance, command: words });
    const view = createView({ ...here, json, quiet: options.quiet ?? false, yes: options.yes ?? false });
    const one = { ...begun, view, reached, notify: settings.notify, config: options.config };
    return runPlan(here, one, options.passthrough ?? false);
  });
}

/** Rehearses the run. A number is the exit status where the instance may not be touched. */
async function afterRehearsal(
  context: Context,
  one: Omit<OneRehearsal, 'before'>,
): Promise<Pick<OneRun, 'plan' | 'io' | 'rehearsed'> | number> {
  // Loaded late: most runs have no rehearsal.
  const { inputForTwo, rehearseFirst } = await import('./rehearsal.ts');
  const inputs = await inputForTwo(one.io);
  if (inputs === null)
    return reportOutcome(
      context,
      one.options.json ?? false,
      refused(
        'The input on stdin is too long to be passed to both the rehearsal and the run.',
        'Copy it into the instance as a file: --push.',
      ),
    );
  const { plan } = one;
  const rehearsed = await rehearseFirst(context, { ...one, io: inputs[0], before: plan.run });
  if (typeof rehearsed === 'number') return rehearsed;
  return { plan: { ...plan, rehearsedBy: rehearsed.run }, io: inputs[1], rehearsed };
}

/** One run with all it needs. */
export interface OneRun {
  readonly plan: RunPlan;
  readonly io: CommandIo;
  readonly view: View;
  readonly reached: InstanceConnection;
  /** Compares what happens with the rehearsal; null where there was none. */
  readonly rehearsed?: Pick<Rehearsed, 'noticesAfter'> | null;
  /** The notifications for its end. */
  readonly notify: readonly Notice[];
  /** The guard.yaml of `--config`. */
  readonly config?: string | undefined;
}

/** Runs a plan to its end and returns the exit status. */
export async function runPlan(context: Context, one: OneRun, passthrough: boolean): Promise<number> {
  let commandStatus: number | null = null;
  const notices = notifyWaitAndEnd(createRunNotifier(context, one.plan), one.notify);
  const listener: Listener = async (event) => {
    notices.onEvent(event);
    if (event.type === 'command-ended' && event.end.kind === 'exited') commandStatus = event.end.status;
    await one.view.listener(event);
    for (const notice of one.rehearsed?.noticesAfter(event) ?? [])
      await tools.recorder.record({ type: 'notice', ...notice });
  };
  const { person } = one.view;
  const tools = runTools(context, { ...one, interruption: context.interrupter, listener, person });
  const outcome = await guardedRun(one.plan, tools);
  for (const message of await notices.end(outcome)) await writeLines(context.stderr, [`guard: ${message}`]);
  // Old records go when new ones come; what cannot be tidied changes no outcome.
  if (outcome.outcome === 'kept') await pruneOldRecords(context, one.reached);
  const rolledBackForCommand = outcome.outcome === 'rolled-back' && outcome.cause === 'command';
  return passthrough && rolledBackForCommand && commandStatus !== null ? commandStatus : exitStatusOf(outcome);
}
