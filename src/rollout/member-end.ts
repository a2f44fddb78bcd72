import type { Cause, Outcome } from '../event.ts';
import type { MemberEndState } from '../rollout-event.ts';

/**
 * What the outcome of one run means for the rollout: healthy goes on, unhealthy counts, inconclusive pauses. A run that did not
 * begin at its turn is inconclusive as well: it was inspected before, so somebody must look (ansible#82834).
 */
export function memberEndState(outcome: Outcome, skipRefused: boolean): MemberEndState {
  switch (outcome.outcome) {
    case 'kept':
      return 'kept';
    case 'rolled-back':
    case 'kept-unhealthy':
      return stateAfter(outcome.cause);
    case 'kept-unchanged':
    case 'quarantined':
      return 'failed';
    case 'instance-gone':
      return 'inconclusive';
    case 'rolled-back-not-well':
    case 'rollback-failed':
      return 'broken';
    case 'rehearsal-passed':
    case 'rehearsal-failed':
    case 'rehearsal-inconclusive':
    case 'refused':
    case 'busy':
    case 'usage':
    case 'configuration':
      return skipRefused ? 'skipped' : 'inconclusive';
    // It is healthy, and somebody must confirm it before the rollout goes on.
    case 'waiting':
      return 'inconclusive';
    // It is as it was: a resume begins it again.
    case 'interrupted':
      return 'pending';
  }
}

function stateAfter(cause: Cause): MemberEndState {
  if (cause === 'not-confirmed') return 'unconfirmed';
  return cause === 'inconclusive' ? 'inconclusive' : 'failed';
}
