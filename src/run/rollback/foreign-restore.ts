import type { Verdict } from '../../event.ts';
import { describeFailure } from '../../platform/failure.ts';
import type { Instance } from '../../platform/platform.ts';
import { retryTransient } from '../../platform/retry.ts';
import type { Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';

/**
 * Somebody else restored the instance during the run, so its health says nothing about the change. The verdict on
 * that is recorded and returned; null where nobody did.
 */
export async function foreignRestore(
  plan: Plan,
  tools: RunTools,
  { generation }: Pick<Instance, 'generation'>,
): Promise<Verdict | null> {
  const now = await retryTransient(tools.platform, plan.limits.readyMs).getInstance(plan.instance);
  if (now.ok && (generation === null || now.value.generation === generation)) return null;
  const message = now.ok
    ? `Somebody else restored a snapshot of "${plan.instance}" during this run, so the result of the change is unknown.`
    : describeFailure(now.error);
  const verdict: Verdict = {
    verdict: 'inconclusive',
    reasons: [{ subject: 'instance', severity: 'required', message }],
    advisories: [],
    checks: [],
  };
  await tools.recorder.record({ type: 'verdict', verdict, afterRollback: false });
  return verdict;
}
