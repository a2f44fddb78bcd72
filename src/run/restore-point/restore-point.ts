import type { Outcome, RestorePoint } from '../../event.ts';
import type { IncusFailure } from '../../incus/failure.ts';
import { getInstance } from '../../incus/instance.ts';
import { settle } from '../../incus/operations.ts';
import { createSnapshot, deleteSnapshot, getSnapshot, type Snapshot } from '../../incus/snapshot.ts';
import { err, ok, type Result } from '../../result.ts';
import { untilLosersAreGone } from '../hold/back-off.ts';
import { claim } from '../hold/claim.ts';
import type { OwnVolume } from './disks.ts';
import { expiryOfLease, inFlightName, isHeldUnder, newLease, type Lease } from '../hold/in-flight.ts';
import { keepLease, type HeldLease } from '../hold/lease.ts';
import type { Mark } from '../hold/mark.ts';
import { currentOccupant, describeHolder } from '../hold/occupant.ts';
import type { Plan } from '../plan.ts';
import { busyMs, persistently } from '../persistence.ts';
import { refusedBecause } from '../refusal.ts';
import { beStill, giveUpQuiet, moveOn, needsStillness } from '../hold/stillness.ts';
import { thaw } from '../thaw.ts';
import type { RunTools } from '../tools.ts';
import { isTornFailure, mendTornSnapshots } from './torn-snapshots.ts';
import { removeVolumePoints, takeVolumePoints } from './volumes.ts';

/** How often a run that waits for another one's end tries again, in milliseconds. */
const lockPollMs = 500;

/** How often a snapshot is tried again that another one's was in the way of, in milliseconds. */
const othersPollMs = 100;

/** What a restore point needs to know beside the plan. */
export interface Wanted {
  readonly mark: Omit<Mark, 'wasRunning'>;
  /** Runs whose mark or key was seen when no restore point was in flight: they mean nothing. */
  readonly stale: readonly string[];
  readonly wasRunning: boolean;
  /** The volumes that get a snapshot with the instance's. */
  readonly volumes: readonly OwnVolume[];
}

/** The instance is this run's alone. */
export interface Held {
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
  wanted: Wanted,
  early: Taken | null = null,
): Promise<Result<Held, Outcome>> {
  const { clock, interruption } = tools;
  const giveUpAt = clock.monotonic() + plan.limits.lockMs;
  for (let waited = false; ; waited = true) {
    const held = await tryToHold(plan, tools, wanted, waited ? null : early);
    if (held.ok) return ok({ ...held.value, waited });
    const over = clock.monotonic() >= giveUpAt || interruption.by() !== null;
    if (held.error.outcome !== 'busy' || over) return held;
    await clock.sleep(lockPollMs, interruption.signal);
  }
}

/** The snapshots, before the instance has the mark. */
export type Taken = Pick<Held, 'restorePoint' | 'lease'>;

/**
 * Takes the snapshots of an instance that runs while it is still asked how it is, for `takeRestorePoint`. Without the mark it
 * counts as unchanged, so that whoever finds what is left of a guard that died here only has to remove it.
 */
export function takeEarly(plan: Plan, tools: RunTools, wanted: Wanted): Promise<Result<Taken, Outcome>> {
  return takeSnapshots(plan, tools, wanted, nameTaken);
}

function tryToHold(plan: Plan, tools: RunTools, wanted: Wanted, early: Taken | null): Promise<Result<OneTry, Outcome>> {
  return needsStillness(plan, wanted.wasRunning)
    ? holdAtRest(plan, tools, wanted)
    : holdAsItIs(plan, tools, wanted, early);
}

type OneTry = Omit<Held, 'waited'>;

async function holdAsItIs(
  plan: Plan,
  tools: RunTools,
  wanted: Wanted,
  early: Taken | null,
): Promise<Result<OneTry, Outcome>> {
  const taken = early === null ? await takeSnapshots(plan, tools, wanted, nameTaken) : ok(early);
  return taken.ok ? claimed(plan, tools, wanted, { ...taken.value, restarted: false }) : taken;
}

async function holdAtRest(plan: Plan, tools: RunTools, wanted: Wanted): Promise<Result<OneTry, Outcome>> {
  const still = await beStill(plan, tools, wanted.stale);
  if (!still.ok) return still;
  const taken = await takeSnapshots(plan, tools, wanted, untilLosersAreGone);
  // Whatever came of the snapshots: nothing stays held still.
  const moving = await moveOn(plan, tools, still.value);
  if (!moving.ok) {
    if (taken.ok) await abandonOwn(plan, tools, taken.value);
    return moving;
  }
  if (taken.ok) return claimed(plan, tools, wanted, { ...taken.value, restarted: still.value.stopped });
  await giveUpQuiet(plan, tools);
  return taken;
}

/** What to do where another run has the name: ok to try again. */
type WhenTaken = (plan: Plan, tools: RunTools) => Promise<Result<void, Outcome>>;

const nameTaken: WhenTaken = async ({ instance }, tools) => err(await currentOccupant(instance, tools));

/** The snapshots of the instance and of its volumes, or none of them. */
async function takeSnapshots(
  plan: Plan,
  tools: RunTools,
  wanted: Wanted,
  whenTaken: WhenTaken,
): Promise<Result<Taken, Outcome>> {
  const { snapshotMs } = plan.limits;
  const chosen = newLease();
  await tools.recorder.record({ type: 'lease-taken', lease: chosen.base });
  const taken = await takeName(plan, tools, chosen, whenTaken);
  if (!taken.ok) return taken;
  const lease = keepLease(tools, plan.instance, chosen);
  const { createdAt } = taken.value;
  const volumes = await takeVolumePoints(tools.incus, wanted.volumes, inFlightName, snapshotMs);
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
  const { clock, incus } = tools;
  const giveUpAt = clock.monotonic() + busyMs;
  for (;;) {
    const created = await createSnapshot(
      incus,
      plan.instance,
      { name: inFlightName, expiresAt: expiryOfLease(lease) },
      { limitMs: plan.limits.snapshotMs },
    );
    const seen = created.ok ? created : await foundOwn(plan, tools, lease, created.error);
    if (seen.ok) return seen;
    if (seen.error.kind !== 'name-taken') {
      await takeBack(plan, tools, lease);
      if (!isTornFailure(seen.error) || clock.monotonic() >= giveUpAt) return err(refusedBecause(seen.error));
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
async function takeBack(plan: Plan, tools: RunTools, lease: Lease): Promise<void> {
  const { clock, incus } = tools;
  const instance = await persistently(clock, plan.limits.readyMs, () => getInstance(incus, plan.instance));
  if (!instance.ok) return;
  await thaw(tools, plan, instance.value.status);
  const isOwn = (snapshot: Pick<Snapshot, 'name' | 'expiresAt'>): boolean =>
    snapshot.name === inFlightName && isHeldUnder(lease, snapshot);
  await mendTornSnapshots(incus, instance.value, isOwn, plan.limits.snapshotMs);
  await removeOwn(plan, tools, { lease, restorePoint: { volumes: [] } });
}

function confirmed(plan: Plan, tools: RunTools): Promise<Result<Snapshot, IncusFailure>> {
  return persistently(tools.clock, plan.limits.readyMs, () => getSnapshot(tools.incus, plan.instance, inFlightName));
}

/**
 * The answer may be lost of a snapshot that was taken all the same. Where the server knows the end of that, and the lease proves
 * that it is this run's own, it is as good as any.
 */
async function foundOwn(
  plan: Plan,
  tools: RunTools,
  lease: Lease,
  failure: IncusFailure,
): Promise<Result<Snapshot, IncusFailure>> {
  if (failure.operation === null) return err(failure);
  const end = await settle(tools.incus, failure.operation, { limitMs: plan.limits.readyMs, asked: failure.asked });
  // One that a dead daemon was at may be torn.
  if (!end.ok || end.value.kind !== 'succeeded') return err(failure);
  const seen = await confirmed(plan, tools);
  return seen.ok && isHeldUnder(lease, seen.value) ? seen : err(failure);
}

async function claimed(plan: Plan, tools: RunTools, wanted: Wanted, taken: OneTry): Promise<Result<OneTry, Outcome>> {
  const end = await claim(tools.incus, plan.instance, wanted.mark, wanted.stale);
  if (end.ok && end.value.claimed) return ok(taken);
  await abandonOwn(plan, tools, taken);
  // One that is to be tried again later leaves no key behind.
  await giveUpQuiet(plan, tools);
  return err(end.ok ? describeHolder(tools, end.value.claimed ? null : end.value.by) : refusedBecause(end.error));
}

/** Removes the snapshots of this run again, and nothing that only has the same name. */
export async function abandonOwn(
  plan: Plan,
  tools: RunTools,
  { lease, restorePoint }: Pick<Held, 'lease'> & { readonly restorePoint: Pick<RestorePoint, 'volumes'> },
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
  const { incus, clock } = tools;
  const { snapshotMs } = plan.limits;
  const seen = await confirmed(plan, tools);
  if (!seen.ok || !isHeldUnder(lease, seen.value)) return;
  await removeVolumePoints(incus, restorePoint.volumes, snapshotMs);
  await persistently(clock, snapshotMs, () =>
    deleteSnapshot(incus, plan.instance, inFlightName, { limitMs: snapshotMs }),
  );
}
