import type { Outcome, RestorePoint } from '../../event.ts';
import type { PlatformFailure } from '../../platform/failure.ts';
import type { Snapshot } from '../../platform/platform.ts';
import { err, ok, type Result } from '../../result.ts';
import { waitForOtherClaims } from '../lock/contention.ts';
import { claim } from '../lock/claim.ts';
import type { OwnVolume } from './disks.ts';
import { expiryOfLease, inFlightName, belongsToLease, newLease, type Lease } from '../lock/in-flight.ts';
import { keepLease, type LeaseHandle } from '../lock/lease.ts';
import type { RunMarker } from '../lock/marker.ts';
import { currentLockHolder, describeHolder } from '../lock/lock-holder.ts';
import type { Plan } from '../plan.ts';
import { othersLimitMs, repeatTransient, retryTransient } from '../../platform/retry.ts';
import { refusedBecause } from '../refusal.ts';
import { quiesce, abandonQuiesce, resume, mustQuiesce } from './quiesce.ts';
import { thaw } from '../thaw.ts';
import { warner } from '../recorder.ts';
import type { RunTools } from '../tools.ts';
import { isInconsistencyFailure, repairInconsistentSnapshots } from './inconsistent-snapshots.ts';
import { removeVolumePoints, takeVolumePoints } from './volumes.ts';

/** How often a waiting run tries to get the lock, in milliseconds. */
const lockPollMs = 500;

/** How often a snapshot is repeated that a snapshot of another run blocked, in milliseconds. */
const othersPollMs = 100;

/** The parameters of a restore point beside the plan. */
export interface RestorePointRequest {
  readonly marker: Omit<RunMarker, 'wasRunning'>;
  /** Runs whose marker was seen when no restore point was in flight. These markers have no meaning. */
  readonly stale: readonly string[];
  readonly wasRunning: boolean;
  /** The volumes that get a snapshot together with the instance. */
  readonly volumes: readonly OwnVolume[];
}

/** This run holds the lock of the instance. */
export interface AcquiredLock {
  readonly restorePoint: RestorePoint;
  readonly lease: LeaseHandle;
  /** Another run held it until now: what was seen before may be of before that run's change. */
  readonly waited: boolean;
  /** It was stopped for the restore point, and started again. */
  readonly restarted: boolean;
}

/**
 * Takes the restore point and with it the lock: the run that gets the name and the marker may change the instance. All or
 * nothing: if it returns an outcome, nothing of this run is left on the server. With `--wait-lock` it waits for another
 * run. `early`: the snapshots, if they are already taken.
 */
export async function takeRestorePoint(
  plan: Plan,
  tools: RunTools,
  request: RestorePointRequest,
  early: EarlySnapshots | null = null,
): Promise<Result<AcquiredLock, Outcome>> {
  const { clock, interruption, permission } = tools;
  const giveUpAt = clock.monotonic() + plan.limits.lockMs;
  const ended = AbortSignal.any([interruption.signal, ...(permission === undefined ? [] : [permission.withdrawn])]);
  for (let waited = false; ; waited = true) {
    const lock = await tryToLock(plan, tools, request, waited ? null : early);
    if (lock.ok) return ok({ ...lock.value, waited });
    const over = clock.monotonic() >= giveUpAt || ended.aborted;
    if (lock.error.outcome !== 'busy' || over) return lock;
    await clock.sleep(lockPollMs, ended);
  }
}

/** The snapshots, before the marker is written. */
export type EarlySnapshots = Pick<AcquiredLock, 'restorePoint' | 'lease'>;

/**
 * Takes the snapshots of a running instance during its baseline, for `takeRestorePoint`. Without the marker it
 * counts as unchanged, so recovery after a crash here only removes the snapshots.
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
  // The instance is resumed whether the snapshots succeeded or not.
  const resumed = await resume(plan, tools, state.value);
  if (!resumed.ok) {
    if (snapshots.ok) await abandonOwn(plan, tools, snapshots.value);
    return resumed;
  }
  if (snapshots.ok) return claimed(plan, tools, request, { ...snapshots.value, restarted: state.value.stopped });
  await abandonQuiesce(plan, tools);
  return snapshots;
}

/** What to do if another run has the name; ok means try again. */
type WhenTaken = (plan: Plan, tools: RunTools) => Promise<Result<void, Outcome>>;

const nameTaken: WhenTaken = async ({ instance, limits }, tools) =>
  err(await currentLockHolder(instance, tools, limits.lockMs));

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
  const { createdAt } = snapshots.value;
  const { instance, run, limits } = plan;
  const lease = keepLease(tools, {
    instance,
    run,
    lease: chosen,
    createdAt,
    leaseMs: limits.leaseMs,
    report: warner(tools.recorder),
  });
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
      // A snapshot of another run was being taken or removed.
      await clock.sleep(othersPollMs);
      continue;
    }
    const free = await whenTaken(plan, tools);
    if (!free.ok) return free;
  }
}

/**
 * Removes a restore point whose creation has an unknown result: the daemon was killed, and it may
 * exist, complete or in part, and the instance may still be frozen. `guard recover` finds what cannot be removed now.
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
 * The answer to a successful snapshot may be lost. If the server knows its result and the lease proves
 * that it belongs to this run, it is used.
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
  // A snapshot of a killed daemon may be inconsistent.
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
  const end = await claim(tools.platform, plan.instance, request.marker, request.stale, snapshots.lease);
  if (end.ok && end.value.claimed) return ok(snapshots);
  await abandonOwn(plan, tools, snapshots);
  // An attempt that will be repeated later leaves no marker.
  await abandonQuiesce(plan, tools);
  return err(
    end.ok
      ? describeHolder(tools, end.value.claimed ? null : end.value.holder, plan.limits.lockMs)
      : refusedBecause(end.error),
  );
}

/** Removes the snapshots of this run, and no other snapshot of the same name. */
export async function abandonOwn(
  plan: Plan,
  tools: RunTools,
  { lease, restorePoint }: Pick<AcquiredLock, 'lease'> & { readonly restorePoint: Pick<RestorePoint, 'volumes'> },
): Promise<void> {
  await removeOwn(plan, tools, { lease: lease.lease, restorePoint });
  await lease.stop();
}

/** Removes what this run has taken, and nothing that only has the same name: it is looked at before each attempt. */
async function removeOwn(
  plan: Plan,
  tools: RunTools,
  { lease, restorePoint }: { readonly lease: Lease; readonly restorePoint: Pick<RestorePoint, 'volumes'> },
): Promise<void> {
  const { platform, clock } = tools;
  const { snapshotMs } = plan.limits;
  await repeatTransient(clock, snapshotMs, async () => {
    const seen = await platform.getSnapshot(plan.instance, inFlightName);
    if (!seen.ok) return seen;
    if (!belongsToLease(lease, seen.value)) return ok(undefined);
    await removeVolumePoints(platform, restorePoint.volumes, snapshotMs);
    return platform.deleteSnapshot(plan.instance, inFlightName, { limitMs: snapshotMs });
  });
}
