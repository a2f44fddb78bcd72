import type { RecordedRolloutEvent } from '../rollout-event.ts';
import type { MemberRecord, RolloutRecord } from './record.ts';

/**
 * Ids of runs that have not begun. The record on the server names them before their instances have their turn: then a run can
 * begin without a write of its own, and whoever takes the rollout over still knows its id. Writing a project costs the server
 * time for each instance in it.
 */
export interface RunReservations {
  /** The record with the ids of the next runs. They are on the server once this record is. */
  readonly withReservations: (record: RolloutRecord) => RolloutRecord;
  /** The server had the ids of the record at `since`, in milliseconds by a clock that counts sleep. */
  readonly onPublished: (record: RolloutRecord, since: number) => void;
  /** The id for the run on the instance: the reserved one, where there is one. */
  readonly runIdFor: (id: string) => string;
  /** Whether the run may begin without a write of its own. */
  readonly isPublished: (id: string, now: number) => boolean;
}

/** Another host may take the rollout over after two minutes of silence: long before that the record has to be written again. */
export const validMs = 30_000;

/** Reserves the runs on the next `ahead` instances. */
export function createReservations(ahead: number, newRunId: () => string): RunReservations {
  const reserved = new Map<string, string>();
  const publishedAt = new Map<string, number>();
  const reserve = (member: MemberRecord): MemberRecord => {
    const run = reserved.get(member.id) ?? newRunId();
    reserved.set(member.id, run);
    return { ...member, run };
  };
  return {
    withReservations: (record) => {
      let left = ahead;
      const members = record.members.map((member) => {
        if (member.state !== 'pending' || left === 0) return member;
        left -= 1;
        return reserve(member);
      });
      return { ...record, members };
    },
    onPublished: ({ members }, since) => {
      for (const { id, run } of members) if (run !== null && reserved.get(id) === run) publishedAt.set(id, since);
    },
    runIdFor: (id) => reserved.get(id) ?? newRunId(),
    isPublished: (id, now) => now - (publishedAt.get(id) ?? -Infinity) < validMs,
  };
}

/** Whether the record on the server may have the event later: what it has tells enough to whoever takes the rollout over. */
export function mayPublishLater(event: RecordedRolloutEvent, isReserved: (id: string) => boolean): boolean {
  if (event.type === 'member-begun') return isReserved(event.id);
  // A kept change is found on the instance itself.
  return event.type === 'member-ended' && event.state === 'kept';
}
