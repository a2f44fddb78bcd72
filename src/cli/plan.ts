import { Option, type Command } from 'commander';
import { takeBaseline } from '../health/baseline.ts';
import { coverageOf } from '../health/coverage.ts';
import { judgeAlone } from '../health/verdict.ts';
import { inspectHolder } from '../journal/holder.ts';
import { newRunId } from '../journal/run-id.ts';
import { planMarkdown } from '../report/plan-markdown.ts';
import { planLines, type Preview } from '../report/plan-text.ts';
import { writeLines } from '../report/write.ts';
import { inspect } from '../run/inspect.ts';
import { previewPackages } from '../run/packages/preview.ts';
import { exitStatusOf } from '../run/outcome.ts';
import type { RunPlan } from '../run/changes/change.ts';
import { describePause } from '../run/restore-point/free-space.ts';
import { reportOutcome } from './report-outcome.ts';
import type { Context } from './context.ts';
import { buildPlan } from './build-plan.ts';
import type { Call } from './call.ts';
import { commandWords } from './command-words.ts';
import { surveyPushes } from './pushes.ts';
import { addRolloutOptions, choosesByItself, isRollout, type RolloutOptions } from './rollout-options.ts';
import { addRunOptions } from './run-options.ts';
import { withInstance, type Session } from './session.ts';

const help = `
Exit status:
    0  the run would start
   30  the run would be refused
   31  another run is in progress on the instance
   64  the command line is wrong
   78  guard.yaml is wrong`;

interface PlanOptions extends RolloutOptions {
  readonly markdown?: boolean;
}

/** `guard plan`: what would happen, and what each check says now. */
export function definePlan(program: Command, call: Call): void {
  const command = program
    .command('plan')
    .description('show what a run would do, and run the checks; changes nothing')
    .usage('[options] <instance>… -- <command> [arguments…]')
    .argument('[instance...]', 'name or remote:name; for several instances guard prints the waves')
    .addHelpText('after', help);
  addRolloutOptions(addRunOptions(command))
    .addOption(new Option('--markdown', 'write markdown, for a comment on a pull request').conflicts('json'))
    .action(async (instances: readonly string[], options: PlanOptions) => {
      const { context } = call;
      const named = instances.length === 0 && choosesByItself(options) ? ['--all'] : instances;
      const words = commandWords(named, call.words, 'guard plan');
      if (isRollout(instances, options)) {
        const { planRollout } = await import('./rollout-plan.ts');
        call.exit(await planRollout(context, { instances, words, options }));
        return;
      }
      const status = await withInstance(
        context,
        { instance: instances[0] ?? '', options, withTerminal: false },
        async (session) => preview(context, session, words, options),
      );
      call.exit(status);
    });
}

/** `guard run --dry-run`: the same for each of several instances, up to the first that would be refused. */
export async function previewEach(
  context: Context,
  instances: readonly string[],
  words: readonly [string, ...string[]],
  options: PlanOptions,
): Promise<number> {
  for (const instance of instances) {
    const status = await withInstance(context, { instance, options, withTerminal: false }, (session) =>
      preview(context, session, words, options),
    );
    if (status !== 0) return status;
  }
  return 0;
}

async function preview(
  context: Context,
  { reached, settings }: Session,
  words: readonly [string, ...string[]],
  options: PlanOptions,
): Promise<number> {
  const run = newRunId(context.clock.now());
  const pushes = await surveyPushes(context, options);
  if (!pushes.ok) return reportOutcome(context, options.json ?? false, pushes.error);
  const name = options.name ?? null;
  const plan = buildPlan({ run, version: context.version, reached, words, settings, name, pushes: pushes.value });
  const inspected = await inspect(plan, { platform: reached.platform, inspectHolder });
  if (!inspected.ok) return reportOutcome(context, options.json ?? false, inspected.error);
  const observed = inspected.value.wasRunning ? await askedNow(context, plan, reached.platform) : null;
  const verdict =
    observed === null ? null : judgeAlone(observed, { acceptNothingCompared: plan.acceptNothingCompared });
  const refusedForHealth = verdict !== null && verdict.verdict !== 'healthy' && !plan.allowUnhealthy;
  const { copy, disks, pool, wasRunning } = inspected.value;
  const preview = {
    plan,
    wasRunning,
    pool,
    pause: copy && describePause(plan.instance, copy),
    disks,
    packages: wasRunning ? await previewPackages(reached.platform, plan.instance, words) : null,
    verdict,
    coverage: observed === null || !plan.automatic ? null : coverageOf(observed.facts),
    wouldBegin: !refusedForHealth,
  };
  await writeLines(context.stdout, written(preview, options));
  return refusedForHealth ? exitStatusOf({ outcome: 'refused', refusal: { message: '', advice: '' } }) : 0;
}

function written(preview: Preview, { json, markdown }: PlanOptions): string[] {
  if (json === true) return [JSON.stringify(preview)];
  return markdown === true ? planMarkdown(preview) : planLines(preview);
}

function askedNow(context: Context, plan: RunPlan, platform: Session['reached']['platform']) {
  return takeBaseline(
    { platform, instance: plan.instance, clock: context.clock, signal: context.interrupter.signal },
    { definitions: plan.checks, automatic: plan.automatic, askServers: plan.askServers, readOnly: true },
  );
}
