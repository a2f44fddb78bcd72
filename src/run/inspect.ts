import type { Outcome } from '../event.ts';
import { getInstance, type Instance } from '../incus/instance.ts';
import { listSnapshots, type Snapshot } from '../incus/snapshot.ts';
import type { Pool } from '../incus/storage.ts';
import { err, ok, type Result } from '../result.ts';
import { neutralise } from '../text.ts';
import { classifyDisks, type Disks, type UncoveredDisk } from './restore-point/disks.ts';
import { canKeepFailed } from './evidence/failed-copy.ts';
import { readMarker, type RunMarker } from './lock/marker.ts';
import { explainMissing } from './missing-instance.ts';
import { describeHolder } from './lock/lock-holder.ts';
import { recoverCommand } from './manual-recovery.ts';
import { isLatestOnly } from './restore-point/newer-snapshots.ts';
import type { RollbackTarget, Plan } from './plan.ts';
import { readQuiesceMarker, type QuiesceMarker } from './lock/quiesce-marker.ts';
import { refused, refusedBecause } from './refusal.ts';
import { inFlightName } from './lock/in-flight.ts';
import { findFreeSpace, type SnapshotCopy } from './restore-point/free-space.ts';
import type { RunTools } from './tools.ts';
import {
  findInconsistentSnapshots,
  isConsistent,
  repairCommands,
  describeInconsistency,
  type InconsistentSnapshots,
} from './restore-point/inconsistent-snapshots.ts';

/** What is known of the instance before anything is changed. */
export interface Inspection {
  readonly instance: Instance;
  readonly wasRunning: boolean;
  readonly pool: Pool | null;
  /** What is copied for the restore point, while the instance stands still; null where nothing is. */
  readonly copy: SnapshotCopy | null;
  readonly disks: Disks;
  readonly snapshots: readonly Snapshot[];
  /** A mark without a restore point in flight, left by a restore of an old snapshot: it means nothing. */
  readonly staleMarker: RunMarker | null;
  /** What a run that died held still, or an old snapshot that was taken so brought back: it has to be let go. */
  readonly staleQuiesceMarker: QuiesceMarker | null;
}

type InspectTools = Pick<RunTools, 'incus' | 'inspectHolder'>;

/** Looks at the instance and refuses what could not be brought back. Changes nothing. */
export async function inspect(plan: Plan, tools: InspectTools): Promise<Result<Inspection, Outcome>> {
  const { incus } = tools;
  const [instance, snapshots] = await Promise.all([
    getInstance(incus, plan.instance),
    listSnapshots(incus, plan.instance),
  ]);
  if (!instance.ok) return err(await explainMissing(incus, plan, instance.error));
  if (!snapshots.ok) return err(refusedBecause(snapshots.error));

  const unfit = unfitness(instance.value);
  if (unfit) return err(unfit);
  const pointless = plan.change.kind === 'return' ? refuseRollback(plan.change.to, snapshots.value) : null;
  if (pointless) return err(pointless);
  const occupied = await occupation(plan, tools, instance.value, snapshots.value);
  if (occupied) return err(occupied);
  const disks = await classifyDisks(incus, instance.value);
  const [torn, room] = await Promise.all([
    findInconsistentSnapshots(incus, instance.value, snapshots.value),
    findFreeSpace(incus, { instance: instance.value, disks }),
  ]);
  if (!isConsistent(torn)) return err(refuseInconsistent(plan, torn));
  if (!room.ok) return room;
  const { pool, copy } = room.value;
  if (plan.keepFailed && !canKeepFailed(pool)) return err(refuseCopy(plan, pool));
  if (plan.uncovered === 'refuse' && disks.uncovered.length > 0) return err(refuseUncovered(plan, disks));

  if (plan.change.kind === 'return' && isLatestOnly(pool))
    return err(refuseLatestOnly(plan, plan.change.to, snapshots.value));

  return ok({
    instance: instance.value,
    wasRunning: instance.value.status === 'Running',
    pool,
    copy,
    disks,
    snapshots: snapshots.value,
    staleMarker: readMarker(instance.value),
    staleQuiesceMarker: staleQuietOf(tools, instance.value),
  });
}

function unfitness(instance: Instance): Outcome | null {
  if (instance.ephemeral)
    return refused(
      `"${instance.name}" is ephemeral: Incus deletes it, with its snapshots, as soon as it stops.`,
      `Make it permanent first: incus config set ${instance.name} --property ephemeral=false`,
    );
  if (instance.status === 'Frozen')
    return refused(`"${instance.name}" is frozen.`, `Let it run first: incus resume ${instance.name}`);
  if (instance.status !== 'Running' && instance.status !== 'Stopped')
    return refused(
      `"${instance.name}" is in the state "${instance.status}": guard begins only with one that runs or is stopped.`,
      `See \`incus info ${instance.name}\`.`,
    );
  return null;
}

async function occupation(
  plan: Plan,
  tools: InspectTools,
  instance: Instance,
  snapshots: readonly Snapshot[],
): Promise<Outcome | null> {
  const names = snapshots.map((snapshot) => snapshot.name);
  if (names.includes(plan.restorePoint.name))
    return refused(
      `"${plan.instance}" already has a snapshot named "${plan.restorePoint.name}".`,
      'Choose another --name, or leave it out: guard then makes a unique one.',
    );
  // With --wait-lock the restore point itself is waited for, so that nobody slips in between.
  if (names.includes(inFlightName))
    return plan.limits.lockMs === 0 ? describeHolder(tools, readMarker(instance) ?? readQuiesceMarker(instance)) : null;
  const quiesceMarker = readQuiesceMarker(instance);
  if (quiesceMarker === null) return null;
  if (staleQuietOf(tools, instance) === null)
    return plan.limits.lockMs === 0 ? describeHolder(tools, quiesceMarker) : null;
  return quiesceMarker.wasRunning && instance.status === 'Stopped'
    ? refused(
        `An interrupted run was left on this instance: run ${quiesceMarker.run} stopped it for its restore point and died.`,
        `Finish it first: ${recoverCommand(plan)}`,
      )
    : null;
}

function staleQuietOf(tools: InspectTools, instance: Instance): QuiesceMarker | null {
  const quiesceMarker = readQuiesceMarker(instance);
  return quiesceMarker !== null && tools.inspectHolder(quiesceMarker.holder) === 'dead' ? quiesceMarker : null;
}

function refuseCopy(plan: Plan, pool: Pool | null): Outcome {
  return refused(
    pool === null
      ? `The storage of "${plan.instance}" cannot be looked at, so that nobody knows whether a copy would block the way back.`
      : `Pool "${pool.name}" is on ${pool.driver}: a copy of what failed would block the way back there.`,
    'Leave out --keep-failed.',
  );
}

function refuseInconsistent(plan: Plan, torn: InconsistentSnapshots): Outcome {
  const lines = repairCommands(plan, torn).map((line) => `\`${line}\``);
  return refused(describeInconsistency(plan, torn), `Nothing is lost by mending it: ${lines.join('; ')}.`);
}

function refuseUncovered(plan: Plan, { uncovered }: Disks): Outcome {
  return refused(
    `The restore point would not cover ${uncovered.map(describeUncovered).join(', nor ')}.`,
    `Detach it first, or pass --uncovered accept: a rollback of ${plan.instance} then leaves it as it is.`,
  );
}

/** One disk that no restore point covers, for a sentence. */
export function describeUncovered({ device, path, message }: UncoveredDisk): string {
  return neutralise(`the disk "${device}" at ${path}: ${message}`);
}

/** The exact snapshot must be there before anything is touched (F2, F3). */
function refuseRollback({ run, restorePoint }: RollbackTarget, snapshots: readonly Snapshot[]): Outcome | null {
  return snapshots.some(({ name, createdAt }) => name === restorePoint.name && createdAt === restorePoint.createdAt)
    ? null
    : refused(
        `The restore point "${restorePoint.name}" of run ${run} is not there any more.`,
        'See `guard runs` for others, and `incus info` for the snapshots there are.',
      );
}

/** The restore point of the present would be in the way. */
function refuseLatestOnly(plan: Plan, { restorePoint }: RollbackTarget, snapshots: readonly Snapshot[]): Outcome {
  const newer = snapshots.filter(({ createdAt }) => Date.parse(createdAt) > Date.parse(restorePoint.createdAt));
  const named = newer.length === 0 ? '' : ` Newer ones now: ${newer.map(({ name }) => name).join(', ')}.`;
  return refused(
    `This storage driver goes back to the newest snapshot only, so "${restorePoint.name}" cannot be restored with a restore point of the present taken first.${named}`,
    `If what is newer may be lost for good, remove it and restore by hand: incus snapshot restore ${plan.instance} ${restorePoint.name}`,
  );
}
