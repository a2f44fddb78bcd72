import { err, ok, type Result } from '../../result.ts';
import {
  deadlineAfter,
  longestWaitMs,
  parseDeadline,
  remainingMs,
  type ClockReading,
  type Deadline,
} from '../../deadline.ts';
import type { Holder } from '../../event.ts';
import { isHolder, isObject } from './parse-holder.ts';
import type { InspectHolder } from '../tools.ts';

/**
 * A healthy change that is rolled back at its deadline unless somebody confirms it. It is kept in the mark on the
 * instance, which changes by compare-and-swap: of two guards that settle it at the same moment one loses.
 */
export interface Confirmation {
  /** `waiting` is the only state that changes; the others are final. */
  readonly state: 'waiting' | 'confirmed' | 'refused' | 'expired';
  readonly deadline: Deadline;
  /** The `guard confirm --extend` that set the deadline. A deadline that nobody set so, and the run did not set, does not count. */
  readonly extension?: Extension;
  /** The process that settled it; absent while it waits. Of two guards that find the deadline passed only this one rolls back. */
  readonly settledBy?: Holder;
  /** What becomes of the restore point of a confirmed change: another host, which has no record of the run, may keep it. */
  readonly retention?: Retention;
}

/** When a deadline was moved, by whom, and how far ahead: milliseconds since 1970, milliseconds. */
export interface Extension {
  readonly by: Holder;
  readonly at: number;
  readonly ms: number;
}

/** How many restore points of the instance stay, and for how long: milliseconds, null for no end. */
export interface Retention {
  readonly keep: number;
  readonly expiresMs: number | null;
}

/** What somebody wants to do about a waiting change. */
export type ConfirmationAction =
  /** Keep the change. */
  | { readonly kind: 'confirm' }
  /** Roll the change back now. */
  | { readonly kind: 'refuse' }
  /** Move the deadline to `ms` milliseconds from now. */
  | { readonly kind: 'extend'; readonly ms: number }
  /** The deadline has passed: roll the change back. */
  | { readonly kind: 'expire' };

/** Why an action has no effect: the change is settled otherwise, its deadline has passed, or has not passed yet. */
export type ConfirmationConflict = 'confirmed' | 'refused' | 'expired' | 'not-due';

const stateAfter = { confirm: 'confirmed', refuse: 'refused', expire: 'expired' } as const;

/**
 * The confirmation after an action of the process `by`. Doing the same twice succeeds, and it stays settled by the first. The
 * deadline is absolute: after it only `expire` and `refuse` succeed.
 */
export function settle(
  confirmation: Confirmation,
  action: ConfirmationAction,
  reading: ClockReading,
  by: Holder,
): Result<Confirmation, ConfirmationConflict> {
  const { state, deadline } = confirmation;
  if (state !== 'waiting') {
    const repeated = action.kind !== 'extend' && stateAfter[action.kind] === state;
    return repeated ? ok(confirmation) : err(state);
  }
  const isOverdue = remainingMs(deadline, reading) <= 0;
  switch (action.kind) {
    case 'confirm':
      return isOverdue ? err('expired') : ok({ ...confirmation, state: 'confirmed', settledBy: by });
    case 'extend':
      return isOverdue ? err('expired') : ok(extended(confirmation, action.ms, reading, by));
    case 'refuse':
      return ok({ ...confirmation, state: 'refused', settledBy: by });
    case 'expire':
      return isOverdue ? ok({ ...confirmation, state: 'expired', settledBy: by }) : err('not-due');
  }
}

function extended(confirmation: Confirmation, ms: number, reading: ClockReading, by: Holder): Confirmation {
  return { ...confirmation, deadline: deadlineAfter(reading, ms), extension: { by, at: reading.now, ms } };
}

/** Whether another process of this host has settled it and lives: that one does what was settled. */
export function isSettledByOther(
  { settledBy }: Confirmation,
  { holder, inspectHolder }: { readonly holder: Holder; readonly inspectHolder: InspectHolder },
): boolean {
  return settledBy !== undefined && settledBy.id !== holder.id && inspectHolder(settledBy) === 'alive';
}

/** A confirmation as it is kept in the mark; null where the value is none. */
export function parseConfirmation(value: unknown): Confirmation | null {
  if (!isObject(value)) return null;
  const { state, settledBy } = value;
  const deadline = parseDeadline(value['deadline']);
  if (deadline === null) return null;
  if (state !== 'waiting' && state !== 'confirmed' && state !== 'refused' && state !== 'expired') return null;
  const retention = parseRetention(value['retention']);
  const extension = parseExtension(value['extension']);
  return {
    state,
    deadline,
    ...(extension === null ? {} : { extension }),
    ...(isHolder(settledBy) ? { settledBy } : {}),
    ...(retention === null ? {} : { retention }),
  };
}

function parseExtension(value: unknown): Extension | null {
  if (!isObject(value)) return null;
  const { by, at, ms } = value;
  return isHolder(by) && isCount(at) && isCount(ms) && ms <= longestWaitMs ? { by, at, ms } : null;
}

function parseRetention(value: unknown): Retention | null {
  if (!isObject(value)) return null;
  const { keep, expiresMs } = value;
  if (!isCount(keep) || (expiresMs !== null && !(isCount(expiresMs) && expiresMs <= longestExpiryMs))) return null;
  return { keep, expiresMs };
}

/** A later expiry may be no date at all, in milliseconds: a hundred years. */
const longestExpiryMs = 100 * 366 * 86_400_000;

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
