import type { RehearsalCopy } from '../event.ts';
import { describeFailure } from '../platform/failure.ts';
import { retryTransient } from '../platform/retry.ts';
import type { Limits } from '../run/plan.ts';
import { stop } from '../run/power.ts';
import { inPhase } from '../run/recorder.ts';
import type { RunTools } from '../run/tools.ts';

type RemovalTools = Pick<RunTools, 'platform' | 'clock' | 'recorder'>;

/** The copy to remove, as the record of its run has it. */
export interface CopyToRemove {
  readonly copy: RehearsalCopy;
  readonly run: string;
  /** The copy itself was never made: only its volumes may be there. */
  readonly neverMade?: boolean;
  /** Stop it and leave it there. */
  readonly keep: boolean;
  readonly limits: Limits;
}

/**
 * Removes the copy and its volumes, or stops it where the user wants to keep it. Can be done twice. Returns whether nothing
 * is left that should not be; where something is, that is told and `guard recover` tries again.
 */
export async function removeCopy(tools: RemovalTools, wanted: CopyToRemove): Promise<boolean> {
  const failures = await inPhase(
    tools,
    'remove-copy',
    () => (wanted.keep ? stopCopy(tools, wanted) : removeAll(tools, wanted)),
    (found) => ({
      ok: found.length === 0,
      message: wanted.keep ? 'kept, stopped' : found.length === 0 ? 'removed' : 'not removed',
    }),
  );
  for (const message of failures) await tools.recorder.record({ type: 'notice', level: 'warning', message });
  if (failures.length > 0) return false;
  await tools.recorder.record({ type: 'copy-removed', kept: wanted.keep });
  return true;
}

async function removeAll(
  tools: RemovalTools,
  { copy, run, limits, neverMade }: CopyToRemove,
): Promise<readonly string[]> {
  const limit = { limitMs: limits.snapshotMs };
  const { rehearsals } = retryTransient(tools.platform, limits.readyMs);
  const removed = neverMade === true ? null : await rehearsals.deleteCopy(copy, run, limit);
  if (removed?.ok === false) return [describeFailure(removed.error)];
  const failures: string[] = [];
  for (const volume of copy.volumes) {
    const removed = await rehearsals.deleteVolume(volume, run, limit);
    if (!removed.ok) failures.push(describeFailure(removed.error));
  }
  return failures;
}

async function stopCopy(tools: RemovalTools, { copy, limits }: CopyToRemove): Promise<readonly string[]> {
  const there = { platform: tools.platform.inProject(copy.project), clock: tools.clock };
  const stopped = await stop(there, copy.instance, limits, false);
  return stopped.ok ? [] : [describeFailure(stopped.error)];
}
