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

type Resumed = Extract<RolloutEvent, { type: 'rollout-resumed' }>;

/** Who goes on with a rollout. `seen` is its record as the person saw it: what a recovery has found since then is not in it. */
interface Resumption {
  readonly holder: Holder;
  readonly seen: RolloutRecord;
}

/**
 * How a rollout goes on once nothing of it is under way: with those whose turn did not come, those that nobody could judge, and
 * with `retryFailed` those that failed. What is kept is never begun again. Failures that a person has seen count no more; a
 * rollout that was rolling the kept ones back goes on with that.
 */
export function resumeEvent(
  record: RolloutRecord,
  settings: RolloutSettings,
  { holder, seen, retryFailed }: Resumption & { readonly retryFailed: boolean },
): Resumed {
  if (wasGoingBack(record, settings)) {
    const accepted = record.members.filter((member) => member.accepted).map(({ id }) => id);
    return { type: 'rollout-resumed', holder, members: [], accepted, goesBack: true };
  }
  const again = record.members.filter((member) => isToDo(member, retryFailed));
  const accepted = seenFailures(record, seen);
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
 * How a rollout is ended: nothing of it begins any more, and one that is all or nothing rolls back what it kept. No failure, of
 * whatever kind, keeps it from its end.
 */
export function abortEvent(record: RolloutRecord, settings: RolloutSettings, holder: Holder): Resumed {
  const accepted = record.members.filter((member) => hasFailed(member)).map(({ id }) => id);
  const event = { type: 'rollout-resumed', holder, members: [], accepted, aborts: true } as const;
  return settings.allOrNothing ? { ...event, goesBack: true } : event;
}

function seenFailures(record: RolloutRecord, seen: RolloutRecord): string[] {
  const before = new Set(seen.members.filter((member) => hasFailed(member)).map(({ id }) => id));
  return record.members.filter((member) => hasFailed(member) && before.has(member.id)).map(({ id }) => id);
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

/** Not kept, for a reason that whoever goes on can see. */
function hasFailed({ state }: Pick<MemberRecord, 'state'>): boolean {
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
