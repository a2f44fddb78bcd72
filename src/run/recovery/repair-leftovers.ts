import type { Outcome } from '../../event.ts';
import type { KeptRestorePoint } from '../../journal/kept-restore-points.ts';
import { err, ok, type Result } from '../../result.ts';
import type { Plan } from '../plan.ts';
import { findLeftovers, type RunLeftovers } from './recover.ts';
import { refused } from '../refusal.ts';
import { inFlightName } from '../lock/in-flight.ts';
import type { RunTools } from '../tools.ts';
import {
  isConsistent,
  repairInconsistentSnapshots,
  describeInconsistency,
} from '../restore-point/inconsistent-snapshots.ts';

/** What a run left, after guard repaired its own inconsistent snapshots. */
export interface RepairResult {
  readonly leftovers: RunLeftovers;
  /** Names of removed snapshots that had no data. */
  readonly removed: readonly string[];
}

/**
 * Repairs the records so that Incus can use the instance again. Snapshots of others are never changed: then the exact commands
 * are in the refusal. `own` are the restore points that are in the records.
 */
export async function repairLeftovers(
  plan: Pick<Plan, 'instance' | 'project' | 'remote' | 'limits'>,
  tools: Pick<RunTools, 'platform' | 'clock'>,
  leftovers: RunLeftovers,
  own: readonly KeptRestorePoint[],
): Promise<Result<RepairResult, Outcome>> {
  const { removed, left } = await repairInconsistentSnapshots(
    tools.platform,
    leftovers.instance,
    // Without the marker there is no change to roll back, so a restore point without data was being taken or removed.
    ({ name, createdAt }) =>
      (name === inFlightName && leftovers.marker === null) ||
      own.some((point) => point.name === name && point.createdAt === createdAt),
    plan.limits.snapshotMs,
  );
  if (!isConsistent(left)) {
    const lines = tools.platform.commands.repairSnapshots(plan, left).map((line) => `\`${line}\``);
    return err(
      refused(
        describeInconsistency(plan, left),
        `To repair it without losing data, run: ${lines.join('; ')}; Then run \`guard recover\` again.`,
      ),
    );
  }
  if (!removed.includes(inFlightName)) return ok({ leftovers, removed });
  const afterRepair = await findLeftovers(tools, plan);
  return afterRepair.ok ? ok({ leftovers: afterRepair.value, removed }) : afterRepair;
}

/** Describes the removal, in a sentence. */
export function describeRemoved(name: string): string {
  return `The server was killed while it took or removed the restore point "${name}". Its data was lost. guard removed the rest.`;
}
