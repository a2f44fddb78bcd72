import type { Holder } from '../event.ts';
import type { RolloutEvent, RolloutMember } from '../rollout-event.ts';
import { assignWaves, isGoingBack, type RolloutSettings } from './planner.ts';
import type { MemberRecord, RolloutRecord } from './record.ts';

/**
 * The instances whose run, or rollback, was under way when their guard died, or whose change waited for a confirmation: recovery
 * finishes them first, and finds how the wait ended.
 */
export function unfinishedMembers({ members }: RolloutRecord): readonly MemberRecord[] {
  return members.filter(
    ({ state, outcome }) => state === 'running' || state === 'reverting' || isWaiting({ state, outcome }),
  );
}

/**
 * The instances whose run is named before their turn: whether it began is seen on the instance. Only a record of another host has
 * them.
 */
export function reservedMembers({ members }: RolloutRecord): readonly MemberRecord[] {
  return members.filter(({ state, run }) => state === 'pending' && run !== null);
}

/**
 * How a rollout goes on once nothing of it is under way: with those whose turn did not come, those that nobody could judge, and
 * with `retryFailed` those that failed. What is kept is never begun again. Failures count no more, because a person has seen
 * them; a rollout that was rolling the kept ones back goes on with that.
 */
export function resumeEvent(
  record: RolloutRecord,
  settings: RolloutSettings,
  { holder, retryFailed }: { readonly holder: Holder; readonly retryFailed: boolean },
): Extract<RolloutEvent, { type: 'rollout-resumed' }> {
  if (wasGoingBack(record, settings)) return { type: 'rollout-resumed', holder, members: [], accepted: [] };
  const again = record.members.filter((member) => isToDo(member, retryFailed));
  const accepted = record.members.filter(hasFailed).map(({ id }) => id);
  // After a resume the canary that had its turn is of wave 0: what is left of it is still the canary.
  const canary = again.filter(({ wave }) => wave.canary).length;
  const members = assignWaves(
    again.toSorted((a, b) => Number(b.wave.canary) - Number(a.wave.canary)).map(memberOf),
    { ...settings, canary },
    record.members.length,
  ).map(({ wave, ...member }): RolloutMember => ({ ...member, wave: wave.number, canary: wave.canary }));
  return {
    type: 'rollout-resumed',
    holder,
    members,
    accepted: accepted.filter((id) => !again.some((one) => one.id === id)),
  };
}

/**
 * Why there is nothing to go on with; null where there is. A host whose rollout was taken over does not know what became of it:
 * only the server's record (`isOnServer`) tells, and the host that took over removes it at the end.
 */
export function describeEnd(
  { id, status, stop, isAborting }: Pick<RolloutRecord, 'id' | 'status' | 'stop' | 'isAborting'>,
  { isOnServer, how }: { readonly isOnServer: boolean; readonly how: 'resume' | 'abort' },
): { readonly message: string; readonly advice: string } | null {
  if (status === 'complete')
    return { message: `Rollout ${id} is complete.`, advice: `See guard rollout status ${id}.` };
  if (status === 'aborted') return { message: `Rollout ${id} was aborted.`, advice: 'Start a new one.' };
  if (isAborting && how === 'resume')
    return { message: `Rollout ${id} is being ended.`, advice: `Go on with that: guard rollout abort ${id}` };
  if (stop !== 'taken-over' || isOnServer) return null;
  return {
    message: `Rollout ${id} was taken over by another host, and no record of it can be read on the server.`,
    advice: `It has probably ended: see guard rollout status ${id} on that host. Start a new one for what is left.`,
  };
}

/** Not kept, for a reason that whoever goes on has seen. */
export function hasFailed({ state }: Pick<MemberRecord, 'state'>): boolean {
  return state === 'failed' || state === 'unconfirmed' || state === 'broken';
}

function isWaiting({ state, outcome }: Pick<MemberRecord, 'state' | 'outcome'>): boolean {
  return state === 'inconclusive' && outcome === 'waiting';
}

/** One that is `stopped` has come to its end: whoever resumes it has seen the failures. */
function wasGoingBack({ status, members }: RolloutRecord, settings: RolloutSettings): boolean {
  const isInTheMiddle = status === 'running' || status === 'interrupted';
  const progress = { settings, members, total: members.length, waveEndedAt: null, halt: null };
  return isInTheMiddle && isGoingBack(progress);
}

function isToDo({ state }: MemberRecord, retryFailed: boolean): boolean {
  switch (state) {
    case 'pending':
    case 'inconclusive':
    case 'reverted':
      return true;
    case 'failed':
    case 'unconfirmed':
      return retryFailed;
    default:
      return false;
  }
}

function memberOf({ id, label, remote, project, name, group }: MemberRecord) {
  return { id, label, remote, project, name, group };
}
