import type { Outcome } from '../event.ts';
import { recordedBaseline } from '../health/recorded-baseline.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import { keptRestorePoints } from '../journal/kept-restore-points.ts';
import { readBaseline, readRun } from '../journal/runs.ts';
import { err, ok, type Result } from '../result.ts';
import { classifyDisks } from '../run/restore-point/disks.ts';
import type { RollbackTarget } from '../run/changes/rollback.ts';
import { identityOfReached } from './identity.ts';
import { refused, refusedBecause } from '../run/refusal.ts';

/**
 * The restore point that a run of a rollout kept: from the record of this host, or, where another host made it, as the server
 * has it under the run's own name. Then there is no baseline, and only that the instance can be asked is proven.
 */
export async function rollbackTargetOf(
  stateDirectory: string,
  reached: Pick<InstanceConnection, 'platform' | 'instance' | 'project' | 'remote'>,
  run: string,
): Promise<Result<RollbackTarget, Outcome>> {
  const kept = (await keptRestorePoints(stateDirectory, await identityOfReached(reached))).find(
    (point) => point.run === run,
  );
  if (kept !== undefined) {
    const record = await readRun(stateDirectory, run);
    const baseline = record === null ? null : recordedBaseline(await readBaseline(record));
    const { name, createdAt, volumes } = kept;
    return ok({ run, baseline, restorePoint: { name, createdAt, volumes } });
  }
  return targetOnServer(reached, run);
}

async function targetOnServer(
  { platform, instance: instanceName }: Pick<InstanceConnection, 'platform' | 'instance'>,
  run: string,
): Promise<Result<RollbackTarget, Outcome>> {
  const name = `guard-${run}`;
  const [snapshots, instance] = await Promise.all([
    platform.listSnapshots(instanceName),
    platform.getInstance(instanceName),
  ]);
  if (!snapshots.ok) return err(refusedBecause(snapshots.error));
  if (!instance.ok) return err(refusedBecause(instance.error));
  const snapshot = snapshots.value.find((one) => one.name === name);
  if (snapshot === undefined)
    return err(refused(`The restore point of run ${run} is not on "${instanceName}" any more.`, 'See `guard runs`.'));
  const disks = await classifyDisks(platform, instance.value);
  const volumes = [];
  if (!disks.ok) return err(refusedBecause(disks.error));
  for (const { pool, volume } of disks.value.own) {
    const taken = await platform.listVolumeSnapshots(pool, volume);
    if (!taken.ok) return err(refusedBecause(taken.error));
    const own = taken.value.find((one) => one.name === name);
    if (own !== undefined) volumes.push({ pool, volume, snapshot: name, createdAt: own.createdAt });
  }
  return ok({ run, baseline: null, restorePoint: { name, createdAt: snapshot.createdAt, volumes } });
}
