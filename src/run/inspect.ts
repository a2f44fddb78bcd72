import type { Outcome } from '../event.ts';
import type {
  Commands,
  InconsistentSnapshots,
  Instance,
  Platform,
  Pool,
  ServerIdentity,
  Snapshot,
} from '../platform/platform.ts';
import { isTestedVersion } from '../platform/tested-version.ts';
import { err, ok, type Result } from '../result.ts';
import { neutralise } from '../text.ts';
import { classifyDisks, type Disks, type UncoveredDisk } from './restore-point/disks.ts';
import { readMarker, type RunMarker } from './lock/marker.ts';
import { explainMissing } from './missing-instance.ts';
import { describeHolder } from './lock/lock-holder.ts';
import { recoverCommand } from './manual-recovery.ts';
import type { RunPlan } from './changes/change.ts';
import type { Plan } from './plan.ts';
import type { Inspection } from './prepared-run.ts';
import { readQuiesceMarker, type QuiesceMarker } from './lock/quiesce-marker.ts';
import { refused, refusedBecause } from './refusal.ts';
import { inFlightName } from './lock/in-flight.ts';
import { findFreeSpace } from './restore-point/free-space.ts';
import type { RunTools } from './tools.ts';
import { isConsistent, describeInconsistency } from './restore-point/inconsistent-snapshots.ts';

type InspectTools = Pick<RunTools, 'platform' | 'inspectHolder'>;

/** Inspects the instance and refuses what could not be rolled back. Changes nothing. */
export async function inspect(plan: RunPlan, tools: InspectTools): Promise<Result<Inspection, Outcome>> {
  const { platform } = tools;
  const [instance, snapshots, identified] = await Promise.all([
    platform.getInstance(plan.instance),
    platform.listSnapshots(plan.instance),
    platform.identifyServer(),
  ]);
  if (!instance.ok) return err(await explainMissing(platform, plan, instance.error));
  if (!snapshots.ok) return err(refusedBecause(snapshots.error));
  const server = identified.ok ? identified.value : null;

  const fit = requireFit(plan, platform, instance.value);
  if (!fit.ok) return fit;
  const survey = { snapshots: snapshots.value, commands: platform.commands };
  const possible = plan.change.admit(plan, { ...survey, pool: null });
  if (!possible.ok) return possible;
  const free = await requireFree(plan, tools, instance.value, snapshots.value);
  if (!free.ok) return free;
  const classified = await classifyDisks(platform, instance.value);
  if (!classified.ok) return err(refusedBecause(classified.error));
  const disks = classified.value;
  const [torn, room] = await Promise.all([
    platform.findInconsistentSnapshots(instance.value, snapshots.value),
    findFreeSpace(platform, { address: plan, instance: instance.value, disks }),
  ]);
  if (!isConsistent(torn)) return err(refuseInconsistent(plan, platform.commands, torn));
  if (!room.ok) return room;
  const { pool, copy } = room.value;
  if (plan.keepFailed && (pool === null || pool.copyBlocksRestore)) return err(refuseCopy(plan, pool));
  if (plan.uncovered === 'refuse' && disks.uncovered.length > 0) return err(refuseUncovered(plan, disks));

  const admitted = plan.change.admit(plan, { ...survey, pool });
  if (!admitted.ok) return admitted;

  return ok({
    instance: instance.value,
    server: server?.id ?? null,
    untestedServer: server === null ? null : untestedOf(server),
    wasRunning: instance.value.status === 'Running',
    pool,
    copy,
    disks,
    snapshots: snapshots.value,
    staleMarker: staleMarkerOf(tools, instance.value),
    staleQuiesceMarker: staleQuietOf(tools, instance.value),
  });
}

/** A server that does not say its version is not called untested. */
function untestedOf(server: ServerIdentity): ServerIdentity | null {
  return server.version === '' || isTestedVersion(server) ? null : server;
}

function requireFit(plan: Plan, { commands, product }: Platform, instance: Instance): Result<void, Outcome> {
  if (instance.type === 'application-container')
    return err(
      refused(
        `"${instance.name}" is an application container (OCI): ${product} updates it by a rebuild from a new image, which requires an instance without snapshots, so guard cannot keep a restore point.`,
        'Keep its data in a volume. To go back, rebuild it from the earlier image.',
      ),
    );
  if (instance.type === 'virtual-machine')
    return err(
      refused(
        `"${instance.name}" is a virtual machine, and guard is made and tested for system containers only.`,
        `Take and restore snapshots of it with the commands of ${product} itself.`,
      ),
    );
  if (instance.ephemeral)
    return err(
      refused(
        `"${instance.name}" is ephemeral. ${product} deletes it and its snapshots when it stops.`,
        `Make it permanent first: ${commands.makePermanent(plan)}`,
      ),
    );
  if (instance.startProtected && instance.status === 'Stopped')
    return err(
      refused(
        `"${instance.name}" is stopped and protected from being started, and guard would have to start it.`,
        `Allow it first: ${commands.allowStart(plan)}`,
      ),
    );
  if (instance.status === 'Frozen')
    return err(refused(`"${instance.name}" is frozen.`, `Resume it first: ${commands.thawInstance(plan)}`));
  if (instance.status !== 'Running' && instance.status !== 'Stopped')
    return err(
      refused(
        `"${instance.name}" is in the state "${instance.status}": guard needs a running or stopped instance.`,
        `See \`${commands.showInstance(plan)}\`.`,
      ),
    );
  return ok(undefined);
}

async function requireFree(
  plan: Plan,
  tools: InspectTools,
  instance: Instance,
  snapshots: readonly Snapshot[],
): Promise<Result<void, Outcome>> {
  const names = snapshots.map((snapshot) => snapshot.name);
  if (names.includes(plan.restorePoint.name))
    return err(
      refused(
        `"${plan.instance}" already has a snapshot named "${plan.restorePoint.name}".`,
        'Choose another --name, or omit it: guard then generates a unique name.',
      ),
    );
  // With --wait-lock the run waits when it takes the restore point, so no other run can start in between.
  if (names.includes(inFlightName))
    return busyUnlessWaiting(plan, tools, readMarker(instance) ?? readQuiesceMarker(instance));
  const alone = await requireNoMarkerAlone(tools, instance);
  if (!alone.ok) return alone;
  const quiesceMarker = readQuiesceMarker(instance);
  if (quiesceMarker === null) return ok(undefined);
  if (staleQuietOf(tools, instance) === null) return busyUnlessWaiting(plan, tools, quiesceMarker);
  return quiesceMarker.wasRunning && instance.status === 'Stopped'
    ? err(
        refused(
          `Run ${quiesceMarker.run} was interrupted while it had stopped this instance for its restore point.`,
          `Finish it first: ${recoverCommand(plan)}`,
        ),
      )
    : ok(undefined);
}

function busyUnlessWaiting(
  { limits }: Plan,
  tools: InspectTools,
  owner: RunMarker | QuiesceMarker | null,
): Result<void, Outcome> {
  return limits.lockMs === 0 ? err(describeHolder(tools, owner)) : ok(undefined);
}

/**
 * A marker without a restore point: somebody removed or renamed the restore point of a run, which may live. Only where it is
 * proven to be dead does the marker mean nothing.
 */
async function requireNoMarkerAlone(tools: InspectTools, { name, metadata }: Instance): Promise<Result<void, Outcome>> {
  const seen = readMarker({ metadata });
  if (seen === null || tools.inspectHolder(seen.holder) === 'dead') return ok(undefined);
  // A run that was just ending when the two were read has removed it by now.
  const again = await tools.platform.getInstance(name);
  return again.ok && readMarker(again.value)?.run === seen.run ? err(describeHolder(tools, seen)) : ok(undefined);
}

function staleMarkerOf(tools: InspectTools, instance: Instance): RunMarker | null {
  const marker = readMarker(instance);
  return marker !== null && tools.inspectHolder(marker.holder) === 'dead' ? marker : null;
}

function staleQuietOf(tools: InspectTools, instance: Instance): QuiesceMarker | null {
  const quiesceMarker = readQuiesceMarker(instance);
  return quiesceMarker !== null && tools.inspectHolder(quiesceMarker.holder) === 'dead' ? quiesceMarker : null;
}

function refuseCopy(plan: Plan, pool: Pool | null): Outcome {
  return refused(
    pool === null
      ? `The storage of "${plan.instance}" cannot be inspected, so guard cannot tell whether a copy would block the rollback.`
      : `Pool "${pool.name}" is on ${pool.driver}: a copy of the failed state would block the rollback there.`,
    'Leave out --keep-failed.',
  );
}

function refuseInconsistent(plan: Plan, commands: Commands, torn: InconsistentSnapshots): Outcome {
  const lines = commands.repairSnapshots(plan, torn).map((line) => `\`${line}\``);
  return refused(describeInconsistency(plan, torn), `To repair it without losing data, run: ${lines.join('; ')}.`);
}

function refuseUncovered(plan: Plan, { uncovered }: Disks): Outcome {
  return refused(
    `The restore point would not cover ${uncovered.map(describeUncovered).join(', nor ')}.`,
    `Detach it first, or pass --uncovered accept. A rollback of ${plan.instance} then does not change it.`,
  );
}

/** Describes a disk that the restore point does not cover. */
export function describeUncovered({ device, path, message }: UncoveredDisk): string {
  return neutralise(`the disk "${device}" at ${path}: ${message}`);
}
