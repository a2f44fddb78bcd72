import type { Outcome, RestorePoint, VolumePoint } from '../event.ts';
import type { IncusFailure } from '../incus/failure.ts';
import { getInstance } from '../incus/instance.ts';
import { createSnapshot, deleteSnapshot, getSnapshot, type Snapshot } from '../incus/snapshot.ts';
import { err, ok, type Result } from '../result.ts';
import { claim, markOf, unmark, type Claim, type Mark } from './mark.ts';
import { describeHolder } from './occupant.ts';
import type { OwnVolume } from './disks.ts';
import type { Plan } from './plan.ts';
import { persistently } from './persistence.ts';
import { refusedBecause } from './refusal.ts';
import { thaw } from './thaw.ts';
import type { RunTools } from './tools.ts';
import { mendTornSnapshots } from './torn-snapshots.ts';
import { removeVolumePoints, takeVolumePoints } from './volumes.ts';

/** The one name of a restore point in flight. The server admits it once per instance: that makes it the lock. */
export const inFlightName = 'guard-in-flight';

/** How often a run that waits for another one's end tries again, in milliseconds. */
const lockPollMs = 500;

/** What a restore point needs to know beside the plan. */
export interface Wanted {
  readonly mark: Mark;
  readonly staleMark: Mark | null;
  /** The volumes that get a snapshot with the instance's. */
  readonly volumes: readonly OwnVolume[];
}

/** The instance is this run's alone. */
export interface Held {
  readonly restorePoint: RestorePoint;
  /** Another run held it until now: what was seen before may be of before that run's change. */
  readonly waited: boolean;
}

/**
 * Takes the restore point, and with it the instance: whoever gets the name and the mark may change the instance. All or
 * nothing: where it ends in an outcome, nothing of this run is left on the server.
 */
export const takeRestorePoint = async (plan: Plan, tools: RunTools, wanted: Wanted): Promise<Result<Held, Outcome>> => {
  const { incus } = tools;
  const { snapshotMs } = plan.limits;
  const taken = await takeName(plan, tools, wanted);
  if (!taken.ok) return taken;
  const volumes = await takeVolumePoints(incus, wanted.volumes, inFlightName, snapshotMs);
  if (!volumes.ok) {
    await deleteSnapshot(incus, plan.instance, inFlightName, { limitMs: snapshotMs });
    return err(refusedBecause(volumes.error));
  }
  const claimed = await claim(incus, plan.instance, wanted.mark, wanted.staleMark?.run ?? null);
  if (claimed.ok && claimed.value.claimed) {
    const { createdAt, waited } = taken.value;
    return ok({ restorePoint: { name: inFlightName, createdAt, volumes: volumes.value }, waited });
  }
  return err(await backOff(plan, tools, claimed, volumes.value));
};

const takeName = async (
  plan: Plan,
  tools: RunTools,
  wanted: Wanted,
): Promise<Result<Pick<Snapshot, 'createdAt'> & Pick<Held, 'waited'>, Outcome>> => {
  const { clock, incus, interruption } = tools;
  const giveUpAt = clock.monotonic() + plan.limits.lockMs;
  for (let waited = false; ; waited = true) {
    const created = await createSnapshot(
      incus,
      plan.instance,
      { name: inFlightName, expiresAt: null },
      { limitMs: plan.limits.snapshotMs },
    );
    // A snapshot that nobody can list does not exist (F1).
    if (created.ok) {
      const seen = await confirmed(plan, tools);
      return seen.ok ? ok({ createdAt: seen.value.createdAt, waited }) : seen;
    }
    if (created.error.kind !== 'name-taken') {
      await takeBack(plan, tools, wanted);
      return err(refusedBecause(created.error));
    }
    const holder = await currentHolder(plan, tools);
    if (holder.outcome !== 'busy' || clock.monotonic() >= giveUpAt || interruption.by() !== null) return err(holder);
    await clock.sleep(lockPollMs, interruption.signal);
  }
};

/**
 * Leaves nothing of a restore point whose taking failed in a way that nobody can know the end of: the daemon died, and it may
 * be there, whole or in part, and the instance may still be frozen for it. The mark tells it from one that another run takes
 * at this moment: whoever writes it first has the instance, and the other one leaves everything as it is.
 */
const takeBack = async (plan: Plan, tools: RunTools, { mark, staleMark }: Wanted): Promise<void> => {
  const { clock, incus } = tools;
  const limits = { limitMs: plan.limits.snapshotMs };
  const instance = await persistently(clock, plan.limits.readyMs, () => getInstance(incus, plan.instance));
  if (!instance.ok) return;
  await thaw(tools, plan, instance.value.status);
  await mendTornSnapshots(incus, instance.value, ({ name }) => name === inFlightName, limits.limitMs);
  if (!(await getSnapshot(incus, plan.instance, inFlightName)).ok) return;
  const claimed = await claim(incus, plan.instance, mark, staleMark?.run ?? null);
  if (!claimed.ok || !claimed.value.claimed) return;
  const removed = await persistently(clock, plan.limits.readyMs, () =>
    deleteSnapshot(incus, plan.instance, inFlightName, limits),
  );
  // What cannot be removed now keeps its mark: `guard recover` finds it.
  if (removed.ok) await unmark(incus, plan.instance);
};

const confirmed = async (plan: Plan, tools: RunTools): Promise<Result<Snapshot, Outcome>> => {
  const seen = await getSnapshot(tools.incus, plan.instance, inFlightName);
  return seen.ok ? seen : err(refusedBecause(seen.error));
};

const currentHolder = async (plan: Plan, tools: RunTools): Promise<Outcome> => {
  const instance = await getInstance(tools.incus, plan.instance);
  return instance.ok ? describeHolder(tools, markOf(instance.value)) : refusedBecause(instance.error);
};

const backOff = async (
  plan: Plan,
  tools: RunTools,
  claimed: Result<Claim, IncusFailure>,
  volumes: readonly VolumePoint[],
): Promise<Outcome> => {
  // The other run's snapshot and this one's have the same name: only the loser of the mark knows that its own is the later one.
  if (claimed.ok && !claimed.value.claimed) return describeHolder(tools, claimed.value.by);
  await removeVolumePoints(tools.incus, volumes, plan.limits.snapshotMs);
  await deleteSnapshot(tools.incus, plan.instance, inFlightName, { limitMs: plan.limits.snapshotMs });
  if (!claimed.ok) return refusedBecause(claimed.error);
  throw new Error('a claim that was won was backed off from');
};
