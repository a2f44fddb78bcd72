import { takeBaseline, type Baseline } from '../health/baseline.ts';
import { differencesBetween } from '../health/unchanged.ts';
import type { Plan } from './plan.ts';
import type { RunTools } from './tools.ts';

/** What differs from the baseline now, in words, with what was seen. */
export async function differencesSince(plan: Plan, tools: RunTools, baseline: Baseline) {
  const now = await takeBaseline(
    { platform: tools.platform, instance: plan.instance, clock: tools.clock, signal: tools.interruption.signal },
    { definitions: plan.checks, automatic: plan.automatic, askServers: plan.askServers },
  );
  return { differences: differencesBetween(baseline, now), facts: now.facts };
}
