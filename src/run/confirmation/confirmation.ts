import { err, ok, type Result } from '../../result.ts';
import { deadlineAfter, parseDeadline, remainingMs, type ClockReading, type Deadline } from '../../deadline.ts';

/**
 * A healthy change that is rolled back at its deadline unless somebody confirms it. It is kept in the mark on the
 * instance, which changes by compare-and-swap: of two guards that settle it at the same moment one loses.
 */
export interface Confirmation {
  /** `waiting` is the only state that changes; the others are final. */
  readonly state: 'waiting' | 'confirmed' | 'refused' | 'expired';
  readonly deadline: Deadline;
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

/** The confirmation after an action. Doing the same twice succeeds. The deadline is absolute: after it only `expire` and `refuse` succeed. */
export function settle(
  confirmation: Confirmation,
  action: ConfirmationAction,
  reading: ClockReading,
): Result<Confirmation, ConfirmationConflict> {
  const { state, deadline } = confirmation;
  if (state !== 'waiting') {
    const repeated = action.kind !== 'extend' && stateAfter[action.kind] === state;
    return repeated ? ok(confirmation) : err(state);
  }
  const isOverdue = remainingMs(deadline, reading) <= 0;
  switch (action.kind) {
    case 'confirm':
      return isOverdue ? err('expired') : ok({ ...confirmation, state: 'confirmed' });
    case 'extend':
      return isOverdue ? err('expired') : ok({ ...confirmation, deadline: deadlineAfter(reading, action.ms) });
    case 'refuse':
      return ok({ ...confirmation, state: 'refused' });
    case 'expire':
      return isOverdue ? ok({ ...confirmation, state: 'expired' }) : err('not-due');
  }
}

/** A confirmation as it is kept in the mark; null where the value is none. */
export function parseConfirmation(value: unknown): Confirmation | null {
  if (typeof value !== 'object' || value === null) return null;
  const { state, deadline } = value as Readonly<Record<string, unknown>>;
  const parsed = parseDeadline(deadline);
  if (parsed === null) return null;
  return state === 'waiting' || state === 'confirmed' || state === 'refused' || state === 'expired'
    ? { state, deadline: parsed }
    : null;
}
