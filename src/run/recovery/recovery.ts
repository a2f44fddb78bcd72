import type { RestorePoint, VerdictKind } from '../../event.ts';
import type { RunRecord } from '../../journal/runs.ts';
import type { RunMarker } from '../lock/marker.ts';
import type { QuiesceMarker } from '../lock/quiesce-marker.ts';

/** What an interrupted run left on the server and in the records of this host. */
export interface RecoveryInput {
  /** The restore point that is still in flight. */
  readonly inFlight: RestorePoint | null;
  /** The marker of the instance, which has no meaning without a restore point in flight. */
  readonly marker: RunMarker | null;
  /** The quiesce marker, which the run marker replaces. */
  readonly quiesceMarker?: QuiesceMarker | null;
  /** The record of that run, where this host has it. */
  readonly record: RunRecord | null;
  /** The instance names the run as the last one whose change was kept (`keptKey`). */
  readonly isNotedKept?: boolean;
}

/** The next step. Each step can be repeated. */
export type RecoveryStep =
  /** Nothing is left on the server. */
  | { readonly step: 'close'; readonly because: 'never-began' | 'kept' | 'rolled-back' | 'restore-point-gone' }
  /** The command never started: the instance is unchanged. */
  | { readonly step: 'release-unchanged' }
  /** guard had decided to keep the change; only the lock remains. */
  | { readonly step: 'release-kept' }
  /** It was rolled back and verified; only the lock remains. The restore point may be partly removed. */
  | { readonly step: 'release-rolled-back'; readonly well: boolean }
  /** The command may have changed something, and the change was not kept. */
  | { readonly step: 'roll-back' }
  /** The run is unknown here and its marker is gone: it was already kept or restored. */
  | { readonly step: 'release-unknown' };

/** Decides what `guard recover` does. Pure. */
export function recoveryStep({
  inFlight,
  marker,
  quiesceMarker = null,
  record,
  isNotedKept = false,
}: RecoveryInput): RecoveryStep {
  const decision = record?.decided?.decision ?? null;
  if (inFlight === null)
    return isConfirmedWithoutPoint(marker, record)
      ? { step: 'release-kept' }
      : { step: 'close', because: closedBecause(marker, record) };
  const began = record?.commandBegan ?? false;
  if (isToBeKept(decision, marker, isNotedKept)) return { step: 'release-kept' };
  // A restore removes the marker, so a later verdict is about the restored instance.
  const seen = record === null ? null : verdictAfterRollback(record);
  if (marker === null && seen !== null) return { step: 'release-rolled-back', well: seen === 'healthy' };
  if (decision === 'rollback' || began) return { step: 'roll-back' };
  // The marker says that the instance may have been changed. That a record says nothing of it is no proof of the contrary.
  if (marker !== null) return { step: 'roll-back' };
  if (record !== null && !record.damaged) return { step: 'release-unchanged' };
  // It is as the restore point: not changed yet, or put back.
  return { step: quiesceMarker === null ? 'release-unknown' : 'release-unchanged' };
}

/** The marker is the decision about a change that waited for its confirmation. */
function isToBeKept(decision: 'keep' | 'rollback' | null, marker: RunMarker | null, isNotedKept: boolean): boolean {
  if (decision === 'keep' || marker?.confirmation?.state === 'confirmed') return true;
  // Another host decided to keep it and was interrupted. A restore takes the note back.
  return marker === null && isNotedKept;
}

/** Somebody removed the restore point of a change that was confirmed all the same. */
function isConfirmedWithoutPoint(marker: RunMarker | null, record: RunRecord | null): boolean {
  if (marker?.confirmation?.state !== 'confirmed' || marker.run !== record?.run) return false;
  return record.decided === null && record.ended?.outcome.outcome !== 'kept';
}

function closedBecause(
  marker: RunMarker | null,
  record: RunRecord | null,
): 'never-began' | 'kept' | 'rolled-back' | 'restore-point-gone' {
  if (record === null) return 'never-began';
  if (record.decided?.decision === 'keep') return 'kept';
  const mayHaveBegun = record.commandBegan || record.damaged || marker?.run === record.run;
  if (!mayHaveBegun) return 'never-began';
  // A rollback releases its restore point only after it has proven that the instance is back.
  return verdictAfterRollback(record) === 'healthy' ? 'rolled-back' : 'restore-point-gone';
}

/** The verdict after the decided rollback. `guard rollback` records a verdict of the same form before the decision. */
function verdictAfterRollback({ events }: Pick<RunRecord, 'events'>): VerdictKind | null {
  const decided = events.findLastIndex((event) => event.type === 'decided' && event.decision === 'rollback');
  const after = decided === -1 ? [] : events.slice(decided);
  const last = after.findLast((event) => event.type === 'verdict' && event.afterRollback);
  return last?.type === 'verdict' ? last.verdict.verdict : null;
}
