import { type PlatformFailure, describeFailure } from '../../platform/failure.ts';
import type { Snapshot } from '../../platform/platform.ts';
import type { InstanceIdentity } from '../../journal/instance-identity.ts';
import { newestFirst, type KeptRestorePoint } from '../../journal/kept-restore-points.ts';
import { ok, type Result } from '../../result.ts';
import { retryTransient } from '../../platform/retry.ts';
import type { Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';
import { removeVolumePoints } from './volumes.ts';

/**
 * Selects the restore points to remove: those of guard (recorded name and creation time match an existing snapshot, so a
 * snapshot of the user is never selected, F17), beyond the newest `keep`. The newest one always stays. The one of the run `own`
 * is the newest, whatever the server's clock said when it took it: that may have been set back.
 */
export function restorePointsToPrune(
  kept: readonly KeptRestorePoint[],
  existing: readonly Pick<Snapshot, 'name' | 'createdAt'>[],
  keep: number,
  own: string | null = null,
): KeptRestorePoint[] {
  const present = kept.filter(
    (point) =>
      !point.named &&
      existing.some((snapshot) => snapshot.name === point.name && snapshot.createdAt === point.createdAt),
  );
  const isOwn = ({ run }: KeptRestorePoint): number => Number(run === own);
  return present.toSorted((a, b) => isOwn(b) - isOwn(a) || newestFirst(a, b)).slice(Math.max(1, keep));
}

type RetentionTools = Pick<RunTools, 'platform' | 'clock' | 'recorder' | 'keptRestorePoints'>;

/**
 * Removes restore points beyond the limit, one after another. A failure is reported and does not stop the rest
 * (F16). Returns how many could not be removed.
 */
export async function pruneRestorePoints(
  plan: Plan,
  tools: RetentionTools,
  identity: InstanceIdentity,
): Promise<number> {
  const stay = Math.max(1, plan.restorePoint.keep);
  if ((await tools.keptRestorePoints(identity, { most: stay + 1 })).length <= stay) return 0;
  const existing = await tools.platform.listSnapshots(plan.instance);
  if (!existing.ok) {
    await tools.recorder.record({ type: 'notice', level: 'warning', message: describeFailure(existing.error) });
    return 1;
  }
  // The records of a few snapshots, not of all runs.
  const names = new Set(existing.value.map(({ name }) => name));
  const kept = await tools.keptRestorePoints(identity, { names });
  let stayed = 0;
  for (const point of restorePointsToPrune(kept, existing.value, plan.restorePoint.keep, plan.run)) {
    const removed = await removePoint(plan, tools, point);
    if (!removed.ok) stayed += 1;
    await tools.recorder.record(
      removed.ok
        ? { type: 'restore-point-pruned', name: point.name, ofRun: point.run }
        : {
            type: 'notice',
            level: 'warning',
            message: `The old restore point "${point.name}" could not be removed. ${describeFailure(removed.error)}`,
          },
    );
  }
  return stayed;
}

/** The volumes' snapshots first: the instance's own is what names the restore point. */
async function removePoint(
  plan: Plan,
  tools: RetentionTools,
  { name, volumes }: KeptRestorePoint,
): Promise<Result<void, PlatformFailure>> {
  const limitMs = plan.limits.snapshotMs;
  const platform = retryTransient(tools.platform, limitMs);
  const freed = await removeVolumePoints(platform, volumes, limitMs);
  if (!freed.ok) return freed;
  // A daemon that dies in the middle leaves a snapshot without data, and takes no other one before that is removed as well.
  const removed = await platform.deleteSnapshot(plan.instance, name, { limitMs });
  return removed.ok || removed.error.kind === 'not-found' ? ok(undefined) : removed;
}
