import type { Changes, CommandEnd, Verdict } from '../event.ts';
import type { Baseline } from '../health/baseline.ts';
import { changesBetween } from '../health/changes.ts';
import type { Facts } from '../health/facts.ts';
import { watch } from '../health/watch/watch.ts';
import type { Plan } from './plan.ts';
import { restart } from './power.ts';
import { inPhase } from './recorder.ts';
import type { RunTools } from './tools.ts';

/** What the watch after a change came to. */
export interface Verification {
  readonly verdict: Verdict;
  /** Null where it could not be seen on both sides. */
  readonly changes: Changes | null;
  /** Of the look that decided; null where none could be had. */
  readonly facts: Facts | null;
}

/** Watches the instance after the change, against its baseline, and says what was changed. `soakMs`: how long health must hold. */
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
