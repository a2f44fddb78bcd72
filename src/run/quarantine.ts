import type { Cause, Outcome } from '../event.ts';
import type { InstanceIdentity } from '../journal/instance-identity.ts';
import { err, ok, type Result } from '../result.ts';
import type { RunPlan } from './changes/change.ts';
import type { RunTools } from './tools.ts';
import { formatTime } from '../time.ts';

/**
 * Refuses a change that was rolled back before and would be the same again, so that a timer does not repeat the same upgrade
 * every night (F37). If other packages would be installed, it is a different change. It may also run if a person watches.
 */
export async function refuseRepeat(
  plan: RunPlan,
  tools: Pick<RunTools, 'platform' | 'failedChanges'>,
  identity: InstanceIdentity,
): Promise<Result<void, Outcome>> {
  const { quarantine } = plan.change;
  if (!plan.obeyQuarantine || quarantine === null) return ok(undefined);
  const failed = await tools.failedChanges(identity);
  // Only a command that failed before needs the simulation of its changes.
  if (failed.length === 0) return ok(undefined);
  const fingerprint = await quarantine.fingerprint(plan, tools);
  const same = failed.find((change) => change.fingerprint === fingerprint);
  if (same === undefined) return ok(undefined);
  return err({
    outcome: 'quarantined',
    refusal: {
      message: `The same change ${same.rehearsed ? 'failed on a copy of' : 'was rolled back on'} "${plan.instance}" before: run ${same.run}, ${formatTime(same.at)}.`,
      advice: `\`guard show ${same.run}\` ${quarantine.retryAdvice} If other packages would be installed, it is a different change.`,
    },
  });
}

/** After the rollback, when the instance is in its original state: records the fingerprint of the failed change. */
export async function rememberChange(
  plan: RunPlan,
  tools: Pick<RunTools, 'platform' | 'recorder'>,
  cause: Cause,
): Promise<void> {
  const { quarantine } = plan.change;
  if (quarantine === null || !isCausedByChange(cause)) return;
  const fingerprint = await quarantine.fingerprint(plan, tools);
  await tools.recorder.record({ type: 'change-fingerprinted', fingerprint });
}

/** An interruption or checks that could not run may have another cause. */
function isCausedByChange(cause: Cause): boolean {
  switch (cause) {
    case 'command':
    case 'unhealthy':
    case 'timeout':
      return true;
    case 'inconclusive':
    case 'interrupted':
    case 'not-confirmed':
      return false;
  }
}
