import type { RunEvent, Verdict } from '../../event.ts';
import { describeFailure } from '../../platform/failure.ts';
import type { Instance } from '../../platform/platform.ts';
import { retryTransient } from '../../platform/retry.ts';
import { readMarker } from '../lock/marker.ts';
import type { Plan } from '../plan.ts';
import type { PreparedRun } from '../prepared-run.ts';
import type { RunTools } from '../tools.ts';

interface Subject {
  /** None on the copy of a rehearsal, which has no marker either. */
  readonly lease?: PreparedRun['lease'];
  readonly inspected: { readonly instance: Pick<Instance, 'generation'> };
  readonly restores?: PreparedRun['restores'];
}

/**
 * Checks whether another user restored the instance during the run. If so, the health of the instance says nothing about the change: the
 * function records and returns an inconclusive verdict. Otherwise it returns null. LXD 5.0 reports no generations. There the events of
 * the server show the restore. A missing marker shows it too, because snapshots from before the run do not contain the marker.
 */
export async function foreignRestore(
  plan: Plan,
  tools: RunTools,
  { inspected, restores, lease }: Subject,
): Promise<Verdict | null> {
  const { generation } = inspected.instance;
  const now = await retryTransient(tools.platform, plan.limits.readyMs).getInstance(plan.instance);
  const isSame = (instance: Instance): boolean =>
    generation === null
      ? lease === undefined || readMarker(instance)?.run === plan.run
      : instance.generation === generation;
  // After the request: the server sent the events of an earlier restore before its answer.
  const seen = (await restores?.seen()) ?? 'none';
  if (now.ok && isSame(now.value) && seen !== 'restored') {
    if (seen === 'unknown') await tools.recorder.record(eventsNotice(plan));
    return null;
  }
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

function eventsNotice({ instance }: Plan): RunEvent {
  const message = `guard did not receive all events of the server during this run, so it cannot tell whether somebody else restored a snapshot of "${instance}".`;
  return { type: 'notice', level: 'warning', message };
}
