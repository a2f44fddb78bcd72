import type { Outcome, RestorePoint } from '../../event.ts';
import type { PlatformFailure } from '../../platform/failure.ts';
import type { Snapshot } from '../../platform/platform.ts';
import { err, ok, type Result } from '../../result.ts';
import { waitForOtherClaims } from '../lock/contention.ts';
import { claim } from '../lock/claim.ts';
import type { OwnVolume } from './disks.ts';
import { expiryOfLease, inFlightName, belongsToLease, newLease, type Lease } from '../lock/in-flight.ts';
import { keepLease, type HeldLease } from '../lock/lease.ts';
import type { RunMarker } from '../lock/marker.ts';
import { currentLockHolder, describeHolder } from '../lock/lock-holder.ts';
import type { Plan } from '../plan.ts';
import { othersLimitMs, retryTransient } from '../../platform/retry.ts';
import { refusedBecause } from '../refusal.ts';
import { quiesce, abandonQuiesce, resume, mustQuiesce } from '../lock/quiesce.ts';
import { thaw } from '../thaw.ts';
import type { RunTools } from '../tools.ts';
import { isInconsistencyFailure, repairInconsistentSnapshots } from './inconsistent-snapshots.ts';
import { removeVolumePoints, takeVolumePoints } from './volumes.ts';

/** How often a run that waits for another one's end tries again, in milliseconds. */
const lockPollMs = 500;

/** How often a snapshot is tried again that another one's was in the way of, in milliseconds. */
const othersPollMs = 100;

/** What a restore point needs to know beside the plan. */
export interface RestorePointRequest {
  readonly marker: Omit<RunMarker, 'wasRunning'>;
  /** Runs whose mark or key was seen when no restore point was in flight: they mean nothing. */
  readonly stale: readonly string[];
  readonly wasRunning: boolean;
  /** The volumes that get a snapshot with the instance's. */
  readonly volumes: readonly OwnVolume[];
}

/** The instance is this run's alone. */
export interface AcquiredLock {
  readonly restorePoint: RestorePoint;
  readonly lease: HeldLease;
  /** Another run held it until now: what was seen before may be of before that run's change. */
  readonly waited: boolean;
  /** It was stopped for the restore point, and started again. */
  readonly restarted: boolean;
}

/**
 * Takes the restore point, and with it the instance: whoever gets the name and the mark may change the instance. All or
 * nothing: where it ends in an outcome, nothing of this run is left on the server. With `--wait-lock` another run's end is
 * waited for. `early`: the snapshots, where they are taken already.
 */
export async function takeRestorePoint(
  plan: Plan,
  tools: RunTools,
  request: RestorePointRequest,
  early: EarlySnapshots | null = null,
): Promise<Result<AcquiredLock, Outcome>> {
  const { clock, interruption } = tools;
  const giveUpAt = clock.monotonic() + plan.limits.lockMs;
  for (let waited = false; ; waited = true) {
    const lock = await tryToLock(plan, tools, request, waited ? null : early);
    if (lock.ok) return ok({ ...lock.value, waited });
    const over = clock.monotonic() >= giveUpAt || interruption.by() !== null;
    if (lock.error.outcome !== 'busy' || over) return lock;
    await clock.sleep(lockPollMs, interruption.signal);
  }
}

/** The snapshots, before the instance has the mark. */
export type EarlySnapshots = Pick<AcquiredLock, 'restorePoint' | 'lease'>;

/**
 * Takes the snapshots of an instance that runs while it is still asked how it is, for `takeRestorePoint`. Without the mark it
 * counts as unchanged, so that whoever finds what is left of a guard that died here only has to remove it.
 */
export function takeEarly(
  plan: Plan,
  tools: RunTools,
  request: RestorePointRequest,
): Promise<Result<EarlySnapshots, Outcome>> {
  return takeSnapshots(plan, tools, request, nameTaken);
}

function tryToLock(
  plan: Plan,
  tools: RunTools,
  request: RestorePointRequest,
  early: EarlySnapshots | null,
): Promise<Result<LockAttempt, Outcome>> {
  return mustQuiesce(plan, request.wasRunning)
    ? lockQuiesced(plan, tools, request)
    : lockRunning(plan, tools, request, early);
}

type LockAttempt = Omit<AcquiredLock, 'waited'>;

async function lockRunning(
  plan: Plan,
  tools: RunTools,
  request: RestorePointRequest,
  early: EarlySnapshots | null,
): Promise<Result<LockAttempt, Outcome>> {
  const snapshots = early === null ? await takeSnapshots(plan, tools, request, nameTaken) : ok(early);
  return snapshots.ok ? claimed(plan, tools, request, { ...snapshots.value, restarted: false }) : snapshots;
}

async function lockQuiesced(
  plan: Plan,
  tools: RunTools,
  request: RestorePointRequest,
): Promise<Result<LockAttempt, Outcome>> {
  const state = await quiesce(plan, tools, request.stale);
  if (!state.ok) return state;
  const snapshots = await takeSnapshots(plan, tools, request, waitForOtherClaims);
  // Whatever came of the snapshots: nothing stays held still.
  const resumed = await resume(plan, tools, state.value);
  if (!resumed.ok) {
    if (snapshots.ok) await abandonOwn(plan, tools, snapshots.value);
    return resumed;
  }
  if (snapshots.ok) return claimed(plan, tools, request, { ...snapshots.value, restarted: state.value.stopped });
  await abandonQuiesce(plan, tools);
  return snapshots;
}

/** What to do where another run has the name: ok to try again. */
type WhenTaken = (plan: Plan, tools: RunTools) => Promise<Result<void, Outcome>>;

const nameTaken: WhenTaken = async ({ instance }, tools) => err(await currentLockHolder(instance, tools));

/** The snapshots of the instance and of its volumes, or none of them. */
async function takeSnapshots(
  plan: Plan,
  tools: RunTools,
  request: RestorePointRequest,
  whenTaken: WhenTaken,
): Promise<Result<EarlySnapshots, Outcome>> {
  const { snapshotMs } = plan.limits;
  const chosen = newLease();
  await tools.recorder.record({ type: 'lease-acquired', lease: chosen.base });
  const snapshots = await takeName(plan, tools, chosen, whenTaken);
  if (!snapshots.ok) return snapshots;
  const lease = keepLease(tools, plan.instance, chosen);
  const { createdAt } = snapshots.value;
  const volumes = await takeVolumePoints(tools.platform, request.volumes, inFlightName, snapshotMs);
  if (volumes.ok) return ok({ restorePoint: { name: inFlightName, createdAt, volumes: volumes.value }, lease });
  await abandonOwn(plan, tools, { lease, restorePoint: { volumes: [] } });
  return err(refusedBecause(volumes.error));
}

async function takeName(
  plan: Plan,
  tools: RunTools,
  lease: Lease,
  whenTaken: WhenTaken,
): Promise<Result<Snapshot, Outcome>> {
  const { clock, platform } = tools;
  const giveUpAt = clock.monotonic() + othersLimitMs;
  for (;;) {
    const created = await platform.createSnapshot(
      plan.instance,
      { name: inFlightName, expiresAt: expiryOfLease(lease) },
      { limitMs: plan.limits.snapshotMs },
    );
    const seen = created.ok ? created : await foundOwn(plan, tools, lease, created.error);
    if (seen.ok) return seen;
    if (seen.error.kind !== 'name-taken') {
      await removeOwnSnapshot(plan, tools, lease);
      if (!isInconsistencyFailure(seen.error) || clock.monotonic() >= giveUpAt) return err(refusedBecause(seen.error));
      // Another one's snapshot was being taken or removed.
      await clock.sleep(othersPollMs);
      continue;
    }
    const free = await whenTaken(plan, tools);
    if (!free.ok) return free;
  }
}

/**
 * Leaves nothing of a restore point whose taking failed in a way that nobody can know the end of: the daemon died, and it may
 * be there, whole or in part, and the instance may still be frozen for it. What cannot be removed now, `guard recover` finds.
 */
async function removeOwnSnapshot(plan: Plan, tools: RunTools, lease: Lease): Promise<void> {
  const { platform } = tools;
  const instance = await retryTransient(platform, plan.limits.readyMs).getInstance(plan.instance);
  if (!instance.ok) return;
  await thaw(tools, plan, instance.value.status);
  const isOwn = (snapshot: Pick<Snapshot, 'name' | 'expiresAt'>): boolean =>
    snapshot.name === inFlightName && belongsToLease(lease, snapshot);
  await repairInconsistentSnapshots(platform, instance.value, isOwn, plan.limits.snapshotMs);
  await removeOwn(plan, tools, { lease, restorePoint: { volumes: [] } });
}

function confirmed(plan: Plan, tools: RunTools): Promise<Result<Snapshot, PlatformFailure>> {
  return retryTransient(tools.platform, plan.limits.readyMs).getSnapshot(plan.instance, inFlightName);
}

/**
 * The answer may be lost of a snapshot that was taken all the same. Where the server knows the end of that, and the lease proves
 * that it is this run's own, it is as good as any.
 */
async function foundOwn(
  plan: Plan,
  tools: RunTools,
  lease: Lease,
  failure: PlatformFailure,
): Promise<Result<Snapshot, PlatformFailure>> {
  if (failure.operation === null) return err(failure);
  const end = await tools.platform.settle(failure.operation, {
    limitMs: plan.limits.readyMs,
    purpose: failure.purpose,
  });
  // One that a dead daemon was at may be torn.
  if (!end.ok || end.value.kind !== 'succeeded') return err(failure);
  const seen = await confirmed(plan, tools);
  return seen.ok && belongsToLease(lease, seen.value) ? seen : err(failure);
}

async function claimed(
  plan: Plan,
  tools: RunTools,
  request: RestorePointRequest,
  snapshots: LockAttempt,
): Promise<Result<LockAttempt, Outcome>> {
  const end = await claim(tools.platform, plan.instance, request.marker, request.stale);
  if (end.ok && end.value.claimed) return ok(snapshots);
  await abandonOwn(plan, tools, snapshots);
  // One that is to be tried again later leaves no key behind.
  await abandonQuiesce(plan, tools);
  return err(end.ok ? describeHolder(tools, end.value.claimed ? null : end.value.holder) : refusedBecause(end.error));
}

/** Removes the snapshots of this run again, and nothing that only has the same name. */
export async function abandonOwn(
  plan: Plan,
  tools: RunTools,
  { lease, restorePoint }: Pick<AcquiredLock, 'lease'> & { readonly restorePoint: Pick<RestorePoint, 'volumes'> },
): Promise<void> {
  await lease.stop();
  await removeOwn(plan, tools, { lease: lease.lease, restorePoint });
}

/** Removes what this run has taken, and nothing that only has the same name. */
async function removeOwn(
  plan: Plan,
  tools: RunTools,
  { lease, restorePoint }: { readonly lease: Lease; readonly restorePoint: Pick<RestorePoint, 'volumes'> },
): Promise<void> {
  const { snapshotMs } = plan.limits;
  const platform = retryTransient(tools.platform, snapshotMs);
  const seen = await confirmed(plan, tools);
  if (!seen.ok || !belongsToLease(lease, seen.value)) return;
  await removeVolumePoints(platform, restorePoint.volumes, snapshotMs);
  await platform.deleteSnapshot(plan.instance, inFlightName, { limitMs: snapshotMs });
}
