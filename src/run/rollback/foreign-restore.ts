import type { Verdict } from '../../event.ts';
import { sayFailure } from '../../incus/failure.ts';
import { getInstance, type Instance } from '../../incus/instance.ts';
import { persistently } from '../persistence.ts';
import type { Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';

/**
 * Somebody else restored the instance meanwhile: what is healthy now is not what the change made of it. The verdict on
 * that is recorded and returned; null where nobody did.
 */
export async function foreignRestore(
  plan: Plan,
  tools: RunTools,
  { generation }: Pick<Instance, 'generation'>,
): Promise<Verdict | null> {
  const now = await persistently(tools.clock, plan.limits.readyMs, () => getInstance(tools.incus, plan.instance));
  if (now.ok && (generation === null || now.value.generation === generation)) return null;
  const says = now.ok
    ? `Somebody else has put "${plan.instance}" back to a snapshot during this run, so that nothing is known of the change.`
    : sayFailure(now.error);
  const verdict: Verdict = {
    verdict: 'inconclusive',
    reasons: [{ subject: 'instance', severity: 'required', says }],
    advisories: [],
    checks: [],
  };
  await tools.recorder.record({ type: 'verdict', verdict, again: false });
  return verdict;
}
