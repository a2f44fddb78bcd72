import type { RolloutStop } from '../rollout-event.ts';
import type { MemberRecord } from './record.ts';

/**
 * The exit status of a rollout. An instance that a person must look at comes before everything else; 40 says that every
 * instance that was touched is healthy, so one that was kept in spite of its failure is 13.
 */
export function rolloutExitStatus(
  members: readonly Pick<MemberRecord, 'state' | 'outcome'>[],
  stop: RolloutStop | null,
  signalStatus: number | null,
): number {
  const has = (outcome: MemberRecord['outcome']): boolean => members.some((member) => member.outcome === outcome);
  if (has('rollback-failed')) return 21;
  if (has('rolled-back-not-well')) return 20;
  if (stop === 'internal-error') return 70;
  if (stop === 'taken-over') return 31;
  if (stop === 'interrupted' && signalStatus !== null) return signalStatus;
  if (stop === 'inconclusive') return 41;
  if (has('kept-unhealthy')) return 13;
  const isDone = (state: MemberRecord['state']): boolean =>
    stop === 'aborted' ? state !== 'revert-failed' && state !== 'broken' : state === 'kept' || state === 'skipped';
  return members.every(({ state }) => isDone(state)) ? 0 : 40;
}
