import type { Result } from '../result.ts';
import type { PlatformFailure } from './failure.ts';

/** The answer of a platform. */
export type Answered<T> = Promise<Result<T, PlatformFailure>>;

/** How long a request may take. */
export interface Limit {
  /** Milliseconds. When they are over the failure is `timed-out`: unknown, not failed. */
  readonly limitMs: number;
}
