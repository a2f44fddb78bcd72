import type { Outcome } from '../event.ts';
import type { IncusFailure } from '../incus/failure.ts';

/** Nothing was changed, and why; `advice` is what to do next. */
export const refused = (says: string, advice: string): Outcome => ({ outcome: 'refused', refusal: { says, advice } });

/** Another run holds the instance. */
export const busy = (says: string, advice: string): Outcome => ({ outcome: 'busy', refusal: { says, advice } });

/** A failure of the server before anything was changed. */
export const refusedBecause = (failure: IncusFailure): Outcome =>
  refused(`Could not ${failure.asked}: ${failure.said}`, failure.advice);
