import type { Changes, CommandEnd, Verdict } from '../event.ts';
import type { Baseline } from '../health/baseline.ts';
import { changesBetween } from '../health/changes.ts';
import type { Facts } from '../health/facts.ts';
import { watch } from '../health/watch/watch.ts';
import type { Plan } from './plan.ts';
import { restart } from './power.ts';
import { inPhase } from './recorder.ts';
import type { RunTools } from './tools.ts';

/** The result of the verification after a change. */
export interface Verification {
  readonly verdict: Verdict;
  /** Null if it could not be observed before and after. */
  readonly changes: Changes | null;
  /** The facts of the deciding observation; null if there were none. */
  readonly facts: Facts | null;
}

/** Observes the instance after the change, compares it with its baseline, and reports what changed. `soakMs`: how long it must stay healthy. */
export async function verify(
  plan: Plan,
  tools: RunTools,
  baseline: Baseline,
  end: CommandEnd,
  soakMs: number,
): Promise<Verification> {
  const { verdict, look } = await inPhase(
    tools,
    'verify',
    async () => {
      if (plan.restart) await restart(tools, plan.instance, plan.limits);
      return watch(
        { platform: tools.platform, instance: plan.instance, clock: tools.clock, signal: tools.interruption.signal },
        baseline,
        {
          limitMs: plan.limits.verifyMs,
          soakMs,
          restarted: plan.restart || end.kind === 'instance-stopped',
          command: plan.command.words,
        },
        (waitingFor, healthyForMs) => void tools.recorder.show({ type: 'watch-progress', waitingFor, healthyForMs }),
      );
    },
    ({ verdict }) => ({ ok: verdict.verdict === 'healthy', message: verdict.verdict }),
  );
  await tools.recorder.record({ type: 'verdict', verdict, afterRollback: false });
  const changes = baseline.facts && look.facts ? changesBetween(baseline.facts, look.facts) : null;
  if (changes) await tools.recorder.record({ type: 'changes', changes });
  return { verdict, changes, facts: look.facts };
}
