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

/** What is left of a run, after what a killed daemon left half done of guard's own snapshots was done. */
export interface RepairResult {
  readonly leftovers: RunLeftovers;
  /** Names of snapshots that had no data any more, and are gone now. */
  readonly removed: readonly string[];
}

/**
 * Makes the instance one that Incus can work with again. A snapshot of somebody else's is never touched: then the exact lines
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
    // Where the mark is gone there is no change to go back from; so a restore point without data was being taken or removed.
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

/** What was done about one of them, in a sentence. */
export function describeRemoved(name: string): string {
  return `The server was killed while it took or removed the restore point "${name}". Its data was lost. guard removed the rest.`;
}
