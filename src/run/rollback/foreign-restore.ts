import type { Verdict } from '../../event.ts';
import { describeFailure } from '../../platform/failure.ts';
import type { Instance } from '../../platform/platform.ts';
import { retryTransient } from '../../platform/retry.ts';
import { readMarker } from '../lock/marker.ts';
import type { Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';

/**
 * Checks whether another user restored the instance during the run. If so, the health of the instance says nothing about the change: the
 * function records and returns an inconclusive verdict. Otherwise it returns null. Some servers do not report generations. There a missing
 * marker shows the restore, because snapshots from before the run do not contain the marker.
 */
export async function foreignRestore(
  plan: Plan,
  tools: RunTools,
  { generation }: Pick<Instance, 'generation'>,
): Promise<Verdict | null> {
  const now = await retryTransient(tools.platform, plan.limits.readyMs).getInstance(plan.instance);
  const isSame = (instance: Instance): boolean =>
    generation === null ? readMarker(instance)?.run === plan.run : instance.generation === generation;
  if (now.ok && isSame(now.value)) return null;
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
