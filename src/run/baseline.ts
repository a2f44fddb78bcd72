import type { Outcome, Verdict } from '../event.ts';
import { takeBaseline, takeBaselineWith, type Baseline } from '../health/baseline.ts';
import { coverageOf, type Coverage } from '../health/coverage.ts';
import type { AskContext } from '../health/observation.ts';
import { waitUntilIdle } from '../health/ready.ts';
import { joinReasons, judgeAlone } from '../health/verdict.ts';
import type { Instance } from '../platform/platform.ts';
import { err, ok, type Result } from '../result.ts';
import { isBroughtIn, isFoundByAnybody, refuseMissingExecutable } from './command/executable.ts';
import type { FirstObservation } from './first-observation.ts';
import type { Plan } from './plan.ts';
import { inPhase } from './recorder.ts';
import { refused } from './refusal.ts';
import type { RunTools } from './tools.ts';

/** How to take a baseline. */
export interface BaselineRequest {
  /** The observation that is already in progress; null if it may not be used. */
  readonly first: FirstObservation | null;
  readonly justStarted: boolean;
  /**
   * Called when no package manager is active and the command exists, while the observation continues: once at
   * most, and never after the end.
   */
  readonly whenIdle: () => void;
}

/** Observes the instance before the command. An instance that is already unhealthy is refused: the command would be blamed for it (F34). */
export async function establishBaseline(
  plan: Plan,
  tools: RunTools,
  instance: Instance,
  { first, justStarted, whenIdle }: BaselineRequest,
): Promise<Result<Baseline, Outcome>> {
  // Three checks at the same time. Usually one observation answers all of them.
  const enough = new AbortController();
  const looking = requireExecutable(plan, tools, instance, first, enough.signal);
  const baseline = await inPhase(
    tools,
    'baseline',
    () =>
      observeWhenIdle(plan, tools, { first, justStarted }, async () => {
        if ((await looking).ok && !enough.signal.aborted && tools.interruption.by() === null) whenIdle();
      }),
    ({ checks, facts }) => ({ ok: true, message: describeBaseline(checks.length, facts !== null) }),
  );
  await tools.recorder.record({ type: 'baseline-recorded', baseline, ...coverageFor(plan, baseline) });
  // An observation that was cut short proves nothing. The run ends as interrupted.
  const verdict =
    tools.interruption.by() === null
      ? judgeAlone(baseline, { acceptNothingCompared: plan.acceptNothingCompared })
      : null;
  const isUnfit = verdict !== null && verdict.verdict !== 'healthy' && !plan.allowUnhealthy;
  if (verdict === null || isUnfit) enough.abort();
  if (verdict === null) return ok(baseline);
  if (isUnfit) return err(unhealthyAlready(plan, verdict));
  const found = await looking;
  enough.abort();
  return found.ok ? ok(baseline) : found;
}

/** What the verdict will rest on. Without automatic comparison the checks say it, unless there are none. */
function coverageFor({ automatic, checks }: Plan, { facts }: Baseline): { readonly coverage?: Coverage } {
  if (automatic) return { coverage: coverageOf(facts) };
  return checks.length > 0 ? {} : { coverage: { compared: [], missing: [] } };
}

async function requireExecutable(
  plan: Plan,
  tools: RunTools,
  instance: Instance,
  first: FirstObservation | null,
  signal: AbortSignal,
): Promise<Result<void, Outcome>> {
  if (!mustExist(plan)) return ok(undefined);
  if (isFoundByAnybody(plan, instance) && (await first?.preflight)?.found === true) return ok(undefined);
  return signal.aborted ? ok(undefined) : refuseMissingExecutable(plan, tools, signal);
}

/** Whether the command must already exist in the instance. */
function mustExist({ change, pushes, command }: Plan): boolean {
  return change.executesCommand && !isBroughtIn({ pushes, command });
}

function unhealthyAlready(plan: Plan, verdict: Verdict): Outcome {
  if (verdict.reasons.every(({ subject }) => subject === 'facts'))
    return refused(
      `"${plan.instance}" cannot be checked: ${joinReasons(verdict.reasons)}.`,
      'Define a check with --check, or accept a run that compares nothing with --automatic=optional.',
    );
  return refused(
    `"${plan.instance}" is already unhealthy: ${joinReasons(verdict.reasons)}.`,
    'Repair it first, or pass --allow-unhealthy. What fails now then does not count against the command.',
  );
}

async function observeWhenIdle(
  plan: Plan,
  tools: RunTools,
  { first, justStarted }: Pick<BaselineRequest, 'first' | 'justStarted'>,
  whenIdle: () => Promise<void>,
): Promise<Baseline> {
  const context = {
    platform: tools.platform,
    instance: plan.instance,
    clock: tools.clock,
    signal: tools.interruption.signal,
  };
  const request = { definitions: plan.checks, automatic: plan.automatic, askServers: plan.askServers, justStarted };
  const look = (): Promise<Baseline> => takeBaseline(context, request);
  // The package manager of a transaction holds its lock already, and waits for guard.
  if (plan.change.packageManagerWaits) return look();
  async function waitIdle(): Promise<boolean> {
    const preflight = await first?.preflight;
    const wasIdle =
      preflight?.idle === true || ((await waitForIdle(plan, tools, context)) && preflight?.idle === undefined);
    // Not awaited: the search for the command is cancelled if the baseline refuses first.
    if (wasIdle) void whenIdle();
    return wasIdle;
  }
  const begun =
    first === null ? look() : takeBaselineWith({ ...first.prober, look: () => first.look }, context, request);
  const [meanwhile, wasIdle] = await Promise.all([begun, waitIdle()]);
  return wasIdle ? meanwhile : look();
}

/** Waits for a boot or a package manager: the restore point would contain unfinished work (F28). Returns whether there was none. */
async function waitForIdle(plan: Plan, tools: RunTools, context: AskContext): Promise<boolean> {
  const { idle, activities, immediately } = await waitUntilIdle(context, { limitMs: plan.limits.readyMs });
  if (idle) return immediately;
  await tools.recorder.record({
    type: 'notice',
    level: 'warning',
    message: `${plan.instance} is busy: ${activities.join(', ').replace(/\.$/, '')}. The restore point will contain this unfinished work.`,
  });
  return false;
}

function describeBaseline(checks: number, facts: boolean): string {
  return (
    [facts ? 'facts' : null, checks > 0 ? `${checks} ${checks === 1 ? 'check' : 'checks'}` : null]
      .filter((part) => part !== null)
      .join(', ') || 'the instance answers'
  );
}
