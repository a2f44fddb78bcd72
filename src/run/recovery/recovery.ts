import type { RestorePoint, VerdictKind } from '../../event.ts';
import type { RunRecord } from '../../journal/runs.ts';
import type { RunMarker } from '../lock/marker.ts';
import type { QuiesceMarker } from '../lock/quiesce-marker.ts';

/** What an interrupted run left: on the server, and in the records of this host. */
export interface RecoveryInput {
  /** The restore point that is still in flight. */
  readonly inFlight: RestorePoint | null;
  /** The mark on the instance, which means nothing without a restore point in flight. */
  readonly marker: RunMarker | null;
  /** The key of a moment of quiet, which gives way to the mark. */
  readonly quiesceMarker?: QuiesceMarker | null;
  /** The record of that run, where this host has it. */
  readonly record: RunRecord | null;
}

/** What has to be done next. Each step can be done twice. */
export type RecoveryStep =
  /** Nothing is left on the server. */
  | { readonly step: 'close'; readonly because: 'never-began' | 'kept' | 'rolled-back' | 'restore-point-gone' }
  /** The command never began: the instance is as it was. */
  | { readonly step: 'release-unchanged' }
  /** The change was decided to be kept; only the lock is left. */
  | { readonly step: 'release-kept' }
  /** It is back already, and was seen to be; only the lock is left. What is left of its restore point may be half removed. */
  | { readonly step: 'release-rolled-back'; readonly well: boolean }
  /** The command may have changed something, and nobody decided to keep it. */
  | { readonly step: 'roll-back' }
  /** Nobody here knows the run, and its mark is gone: it was kept or restored already. */
  | { readonly step: 'release-unknown' };

/** The policy of `guard recover`, from what is left alone. Pure. */
export function recoveryStep({ inFlight, marker, quiesceMarker = null, record }: RecoveryInput): RecoveryStep {
  const decision = record?.decided?.decision ?? null;
  const began = record?.commandBegan ?? false;
  if (inFlight === null) return { step: 'close', because: closedBecause(decision, began, record) };
  if (decision === 'keep') return { step: 'release-kept' };
  // A restore takes the mark away: what was seen after it was seen of the restored instance.
  const seen = record === null ? null : verdictAfterRollback(record);
  if (marker === null && seen !== null) return { step: 'release-rolled-back', well: seen === 'healthy' };
  if (decision === 'rollback' || began) return { step: 'roll-back' };
  if (record !== null) return { step: 'release-unchanged' };
  if (marker !== null) return { step: 'roll-back' };
  // It is as the restore point: not changed yet, or put back.
  return { step: quiesceMarker === null ? 'release-unknown' : 'release-unchanged' };
}

function closedBecause(
  decision: 'keep' | 'rollback' | null,
  began: boolean,
  record: RunRecord | null,
): 'never-began' | 'kept' | 'rolled-back' | 'restore-point-gone' {
  if (decision === 'keep') return 'kept';
  if (!began) return 'never-began';
  // A rollback releases its restore point only after it has proven that the instance is back.
  return record !== null && verdictAfterRollback(record) === 'healthy' ? 'rolled-back' : 'restore-point-gone';
}

/** What was seen after the rollback that was decided. The change of `guard rollback` is verified in the same words before it. */
function verdictAfterRollback({ events }: Pick<RunRecord, 'events'>): VerdictKind | null {
  const decided = events.findLastIndex((event) => event.type === 'decided' && event.decision === 'rollback');
  const after = decided === -1 ? [] : events.slice(decided);
  const last = after.findLast((event) => event.type === 'verdict' && event.afterRollback);
  return last?.type === 'verdict' ? last.verdict.verdict : null;
}
