import type { Outcome } from '../event.ts';
import type { IncusFailure } from '../incus/failure.ts';

/** Nothing was changed, and why; `advice` is what to do next. */
export function refused(says: string, advice: string): Outcome {
  return { outcome: 'refused', refusal: { says, advice } };
}

/** Another run holds the instance. */
export function busy(says: string, advice: string): Outcome {
  return { outcome: 'busy', refusal: { says, advice } };
}

/** A failure of the server before anything was changed. */
export function refusedBecause(failure: IncusFailure): Outcome {
  return refused(`Could not ${failure.asked}: ${failure.said}`, failure.advice);
}
