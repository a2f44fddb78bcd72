import type { Holder, Outcome } from '../event.ts';
import type { RecordedRolloutEvent, RolloutMember, RolloutStop } from '../rollout-event.ts';
import type { MemberState, PlannedMember } from './planner.ts';
import { formatTime } from '../time.ts';

/** A rollout as its events tell it, or as its record on the server does. */
export interface RolloutRecord {
  readonly id: string;
  readonly version: string;
  readonly command: readonly string[];
  /** Options of the command line that started it, one a word. */
  readonly options: readonly string[];
  /** Names of options that the record on the server does not carry: they name files or secrets of another host. */
  readonly omitted: readonly string[];
  readonly holder: Holder;
  readonly startedAt: number;
  readonly status: RolloutStatus;
  readonly stop: RolloutStop | null;
  /** Somebody ends it with `abort`: nothing of it begins any more, also where that was interrupted. */
  readonly isAborting: boolean;
  /** It rolls back what it kept. */
  readonly isGoingBack: boolean;
  /** The projects, by the id of their store, in whose record it was put; only this host's own journal has them. */
  readonly claimedIn: readonly string[];
  readonly members: readonly MemberRecord[];
}

/** `running` also where its guard has died. `complete` has nothing to resume. */
export type RolloutStatus = 'running' | 'paused' | 'stopped' | 'interrupted' | 'complete' | 'aborted';

export interface MemberRecord extends Omit<RolloutMember, 'wave' | 'canary'>, Pick<PlannedMember, 'wave' | 'accepted'> {
  readonly state: MemberState;
  /** The last run on it, or the reserved next one; null before, and again once a resume gives it another turn. */
  readonly run: string | null;
  /** The run that rolls it back, or did; null for none. */
  readonly revertRun: string | null;
  /** How the last run on it ended, that of a rollback included; null before. */
  readonly outcome: Outcome['outcome'] | null;
  readonly message: string;
  /** When its state changed last, in milliseconds since 1970; null before its turn. */
  readonly at: number | null;
  /** When its change began, in milliseconds since 1970; null before its turn, and where that is not known. */
  readonly changedAt: number | null;
  /** How long its change, or its rollback, took; null where it is not over. */
  readonly ms: number | null;
  /**
   * What was written in this time, since its change began, is lost, because the kept change was rolled back; null where it was
   * not, or where that time is not known.
   */
  readonly lostMs: number | null;
}

/** What the events of a rollout add up to; null where its beginning is missing. Pure. */
export function foldRollout(events: readonly RecordedRolloutEvent[]): RolloutRecord | null {
  const [first, ...rest] = events;
  if (first?.type === 'rollout-imported') return rest.reduce(withRolloutEvent, first.record as RolloutRecord);
  if (first?.type !== 'rollout-started') return null;
  return rest.reduce(withRolloutEvent, {
    id: first.rollout,
    version: first.version,
    command: first.command,
    options: first.options,
    omitted: [],
    holder: first.holder,
    startedAt: first.at,
    status: 'running',
    stop: null,
    isAborting: false,
    isGoingBack: false,
    claimedIn: [],
    members: first.members.map((member) => memberRecord(member)),
  });
}

/** An instance whose turn has not come. */
export function memberRecord({ wave, canary, ...member }: RolloutMember): MemberRecord {
  return {
    ...member,
    wave: { number: wave, canary },
    accepted: false,
    state: 'pending',
    run: null,
    revertRun: null,
    outcome: null,
    message: '',
    at: null,
    changedAt: null,
    ms: null,
    lostMs: null,
  };
}

/** The record after one more event. */
export function withRolloutEvent(record: RolloutRecord, event: RecordedRolloutEvent): RolloutRecord {
  switch (event.type) {
    case 'rollout-imported':
      // It was read from the server and checked there before it was written.
      return event.record as RolloutRecord;
    case 'rollout-claimed':
      return { ...record, claimedIn: [...new Set([...record.claimedIn, ...event.stores])] };
    case 'rollout-resumed':
      return resumed(record, event);
    case 'member-begun':
      return withMember(record, event.id, () => ({
        state: 'running',
        run: event.run,
        message: '',
        at: event.at,
        changedAt: event.at,
        ms: null,
      }));
    case 'member-waiting':
      return withMember(record, event.id, () => ({ message: waitingMessage(event.deadline) }));
    case 'member-ended': {
      const { state, run, outcome, message, ms, at } = event;
      return withMember(record, event.id, () => ({ state, run, outcome, message, at, ms }));
    }
    case 'revert-begun':
      return withMember({ ...record, isGoingBack: true }, event.id, () => ({
        state: 'reverting',
        revertRun: event.run,
      }));
    case 'revert-ended': {
      const { state, outcome, message, lostMs, at } = event;
      return withMember(record, event.id, () => ({ state, outcome, message, lostMs, at }));
    }
    case 'rollout-ended':
      return {
        ...record,
        status: statusAfter(event.stop),
        stop: event.stop,
        isGoingBack: record.isGoingBack || event.goesBack === true,
      };
    default:
      return record;
  }
}

/** What the table says of an instance whose change waits. */
export function waitingMessage(deadline: number): string {
  return `waits for a confirmation until ${formatTime(deadline)}`;
}

function withMember(
  record: RolloutRecord,
  id: string,
  change: (member: MemberRecord) => Partial<MemberRecord>,
): RolloutRecord {
  const members = record.members.map((member) => (member.id === id ? { ...member, ...change(member) } : member));
  return { ...record, members };
}

/**
 * Those that have had their turn keep what they are; the others get the waves of the resume. Where it goes on with rolling back,
 * those that could not be rolled back because something came in between are kept ones again.
 */
function resumed(
  record: RolloutRecord,
  event: Extract<RecordedRolloutEvent, { type: 'rollout-resumed' }>,
): RolloutRecord {
  const again = new Map(event.members.map((member) => [member.id, member]));
  const accepted = new Set(event.accepted);
  const over = record.members
    .filter(({ id }) => !again.has(id))
    .map((member) => ({
      ...member,
      ...(event.goesBack === true && isWorthReverting(member) ? { state: 'kept' as const } : {}),
      wave: { number: 0, canary: member.wave.canary },
      accepted: accepted.has(member.id),
    }));
  // Without the run before: its end is known, and a run of an instance whose turn has not come is a reserved one.
  const next = event.members.map(memberRecord);
  const isAborting = record.isAborting || event.aborts === true;
  return {
    ...record,
    holder: event.holder,
    status: 'running',
    stop: null,
    isAborting,
    isGoingBack: event.goesBack === true,
    members: [...over, ...next],
  };
}

/** Its rollback did not begin, or was itself undone: it can be tried again. */
function isWorthReverting({ state, outcome }: Pick<MemberRecord, 'state' | 'outcome'>): boolean {
  return state === 'revert-failed' && (outcome === 'busy' || outcome === 'refused' || outcome === 'interrupted');
}

/** The status of a rollout that ended so. */
function statusAfter(stop: RolloutStop | null): RolloutStatus {
  switch (stop) {
    case null:
      return 'complete';
    case 'inconclusive':
      return 'paused';
    case 'interrupted':
    case 'internal-error':
    case 'taken-over':
      return 'interrupted';
    case 'aborted':
      return 'aborted';
    case 'broken':
    case 'not-confirmed':
    case 'canary':
    case 'failures':
      return 'stopped';
  }
}

/** Whether a later `resume` has something to do. */
export function isOpen({ status }: Pick<RolloutRecord, 'status'>): boolean {
  return status !== 'complete' && status !== 'aborted';
}
