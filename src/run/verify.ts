import type { CommandEnd, Verdict } from '../event.ts';
import type { Baseline } from '../health/baseline.ts';
import { changesBetween } from '../health/changes.ts';
import { watch } from '../health/watch.ts';
import type { Plan } from './plan.ts';
import { restart } from './power.ts';
import { inPhase } from './recorder.ts';
import type { RunTools } from './tools.ts';

/** Watches the instance after the command, against its baseline, and says what the command changed. */
export const verify = async (plan: Plan, tools: RunTools, baseline: Baseline, end: CommandEnd): Promise<Verdict> => {
  const { verdict, look } = await inPhase(
    tools,
    'verify',
    async () => {
      if (plan.restart) await restart(tools, plan.instance, plan.limits);
      return watch(
        { incus: tools.incus, instance: plan.instance, clock: tools.clock, signal: tools.interruption.signal },
        baseline,
        {
          limitMs: plan.limits.verifyMs,
          soakMs: plan.limits.soakMs,
          restarted: plan.restart || end.kind === 'instance-stopped',
        },
        (waitingFor, healthyForMs) => void tools.recorder.show({ type: 'watch-progress', waitingFor, healthyForMs }),
      );
    },
    ({ verdict }) => ({ ok: verdict.verdict === 'healthy', says: verdict.verdict }),
  );
  await tools.recorder.record({ type: 'verdict', verdict, again: false });
  if (baseline.facts && look.facts)
    await tools.recorder.record({ type: 'changes', changes: changesBetween(baseline.facts, look.facts) });
  return verdict;
};
