import type { Outcome } from '../event.ts';
import { getInstance, type Instance } from '../incus/instance.ts';
import { listSnapshots, type Snapshot } from '../incus/snapshot.ts';
import type { Pool } from '../incus/storage.ts';
import { err, ok, type Result } from '../result.ts';
import { neutralise } from '../text.ts';
import { classifyDisks, type Disks, type UncoveredDisk } from './restore-point/disks.ts';
import { canKeepFailed } from './evidence/failed-copy.ts';
import { markOf, type Mark } from './hold/mark.ts';
import { explainMissing } from './missing-instance.ts';
import { describeHolder } from './hold/occupant.ts';
import { recoverCommand } from './by-hand.ts';
import { isLatestOnly } from './restore-point/newer-snapshots.ts';
import type { GoBackTo, Plan } from './plan.ts';
import { quietOf, type Quiet } from './hold/quiet.ts';
import { refused, refusedBecause } from './refusal.ts';
import { inFlightName } from './hold/in-flight.ts';
import { findRoom, type Copy } from './restore-point/room.ts';
import type { RunTools } from './tools.ts';
import {
  findTornSnapshots,
  isWhole,
  mendingLines,
  sayTorn,
  type TornSnapshots,
} from './restore-point/torn-snapshots.ts';

/** What is known of the instance before anything is changed. */
export interface Inspected {
  readonly instance: Instance;
  readonly wasRunning: boolean;
  readonly pool: Pool | null;
  /** What is copied for the restore point, while the instance stands still; null where nothing is. */
  readonly copy: Copy | null;
  readonly disks: Disks;
  readonly snapshots: readonly Snapshot[];
  /** A mark without a restore point in flight, left by a restore of an old snapshot: it means nothing. */
  readonly staleMark: Mark | null;
  /** What a run that died held still, or an old snapshot that was taken so brought back: it has to be let go. */
  readonly staleQuiet: Quiet | null;
}

type InspectTools = Pick<RunTools, 'incus' | 'lookAtHolder'>;

/** Looks at the instance and refuses what could not be brought back. Changes nothing. */
export async function inspect(plan: Plan, tools: InspectTools): Promise<Result<Inspected, Outcome>> {
  const { incus } = tools;
  const [instance, snapshots] = await Promise.all([
    getInstance(incus, plan.instance),
    listSnapshots(incus, plan.instance),
  ]);
  if (!instance.ok) return err(await explainMissing(incus, plan, instance.error));
  if (!snapshots.ok) return err(refusedBecause(snapshots.error));

  const unfit = unfitness(instance.value);
  if (unfit) return err(unfit);
  const pointless = plan.change.kind === 'return' ? refuseWayBack(plan.change.to, snapshots.value) : null;
  if (pointless) return err(pointless);
  const occupied = await occupation(plan, tools, instance.value, snapshots.value);
  if (occupied) return err(occupied);
  const disks = await classifyDisks(incus, instance.value);
  const [torn, room] = await Promise.all([
    findTornSnapshots(incus, instance.value, snapshots.value),
    findRoom(incus, { instance: instance.value, disks }),
  ]);
  if (!isWhole(torn)) return err(refusedTorn(plan, torn));
  if (!room.ok) return room;
  const { pool, copy } = room.value;
  if (plan.keepFailed && !canKeepFailed(pool)) return err(refusedCopy(plan, pool));
  if (plan.uncovered === 'refuse' && disks.uncovered.length > 0) return err(refusedUncovered(plan, disks));

  if (plan.change.kind === 'return' && isLatestOnly(pool))
    return err(refuseLatestOnly(plan, plan.change.to, snapshots.value));

  return ok({
    instance: instance.value,
    wasRunning: instance.value.status === 'Running',
    pool,
    copy,
    disks,
    snapshots: snapshots.value,
    staleMark: markOf(instance.value),
    staleQuiet: staleQuietOf(tools, instance.value),
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
    return plan.limits.lockMs === 0 ? describeHolder(tools, markOf(instance) ?? quietOf(instance)) : null;
  const quiet = quietOf(instance);
  if (quiet === null) return null;
  if (staleQuietOf(tools, instance) === null) return plan.limits.lockMs === 0 ? describeHolder(tools, quiet) : null;
  return quiet.wasRunning && instance.status === 'Stopped'
    ? refused(
        `An interrupted run was left on this instance: run ${quiet.run} stopped it for its restore point and died.`,
        `Finish it first: ${recoverCommand(plan)}`,
      )
    : null;
}

function staleQuietOf(tools: InspectTools, instance: Instance): Quiet | null {
  const quiet = quietOf(instance);
  return quiet !== null && tools.lookAtHolder(quiet.holder) === 'dead' ? quiet : null;
}

function refusedCopy(plan: Plan, pool: Pool | null): Outcome {
  return refused(
    pool === null
      ? `The storage of "${plan.instance}" cannot be looked at, so that nobody knows whether a copy would block the way back.`
      : `Pool "${pool.name}" is on ${pool.driver}: a copy of what failed would block the way back there.`,
    'Leave out --keep-failed.',
  );
}

function refusedTorn(plan: Plan, torn: TornSnapshots): Outcome {
  const lines = mendingLines(plan, torn).map((line) => `\`${line}\``);
  return refused(sayTorn(plan, torn), `Nothing is lost by mending it: ${lines.join('; ')}.`);
}

function refusedUncovered(plan: Plan, { uncovered }: Disks): Outcome {
  return refused(
    `The restore point would not cover ${uncovered.map(sayUncovered).join(', nor ')}.`,
    `Detach it first, or pass --uncovered accept: a rollback of ${plan.instance} then leaves it as it is.`,
  );
}

/** One disk that no restore point covers, for a sentence. */
export function sayUncovered({ device, path, says }: UncoveredDisk): string {
  return neutralise(`the disk "${device}" at ${path}: ${says}`);
}

/** The exact snapshot must be there before anything is touched (F2, F3). */
function refuseWayBack({ run, restorePoint }: GoBackTo, snapshots: readonly Snapshot[]): Outcome | null {
  return snapshots.some(({ name, createdAt }) => name === restorePoint.name && createdAt === restorePoint.createdAt)
    ? null
    : refused(
        `The restore point "${restorePoint.name}" of run ${run} is not there any more.`,
        'See `guard runs` for others, and `incus info` for the snapshots there are.',
      );
}

/** The restore point of the present would be in the way. */
function refuseLatestOnly(plan: Plan, { restorePoint }: GoBackTo, snapshots: readonly Snapshot[]): Outcome {
  const newer = snapshots.filter(({ createdAt }) => Date.parse(createdAt) > Date.parse(restorePoint.createdAt));
  const named = newer.length === 0 ? '' : ` Newer ones now: ${newer.map(({ name }) => name).join(', ')}.`;
  return refused(
    `This storage driver goes back to the newest snapshot only, so "${restorePoint.name}" cannot be restored with a restore point of the present taken first.${named}`,
    `If what is newer may be lost for good, remove it and restore by hand: incus snapshot restore ${plan.instance} ${restorePoint.name}`,
  );
}
