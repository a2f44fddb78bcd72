import type { Outcome } from '../event.ts';
import type { PlatformFailure } from '../platform/failure.ts';

/** Nothing was changed, and why; `advice` is what to do next. */
export function refused(message: string, advice: string): Outcome {
  return { outcome: 'refused', refusal: { message, advice } };
}

/** Another run holds the instance. */
export function busy(message: string, advice: string): Outcome {
  return { outcome: 'busy', refusal: { message, advice } };
}

/** A failure of the server before anything was changed. */
export function refusedBecause(failure: PlatformFailure): Outcome {
  return refused(`Could not ${failure.purpose}: ${failure.detail}`, failure.advice);
}
