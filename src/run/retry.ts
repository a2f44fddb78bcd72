import type { Clock } from '../clock.ts';
import type { PlatformFailure } from '../platform/failure.ts';
import type { Result } from '../result.ts';
import { isInconsistencyFailure } from './restore-point/inconsistent-snapshots.ts';

const firstPauseMs = 100;
const longestPauseMs = 2000;

/**
 * Repeats a request while the daemon restarts, the connection breaks or another operation holds the instance, until
 * `limitMs` is over. Only for requests that may be repeated safely. Returns the last answer.
 */
export async function retryTransient<T>(
  clock: Clock,
  limitMs: number,
  ask: () => Promise<Result<T, PlatformFailure>>,
  isPassing: (failure: PlatformFailure) => boolean = isTransient,
): Promise<Result<T, PlatformFailure>> {
  const giveUpAt = clock.monotonic() + limitMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const answer = await ask();
    if (answer.ok || !isPassing(answer.error) || clock.monotonic() + pauseMs > giveUpAt) return answer;
    await clock.sleep(pauseMs);
  }
}

/** Whether the failure is expected to disappear by itself. */
export function isTransient(failure: PlatformFailure): boolean {
  return failure.kind === 'unreachable' || failure.kind === 'connection-lost' || failure.kind === 'busy';
}

/** How long to repeat while other requests hold the instance, in milliseconds. */
export const contentionLimitMs = 30_000;

/** Whether the failure is caused by another request for the same instance. */
export function isContention(failure: PlatformFailure): boolean {
  return isTransient(failure) || isInconsistencyFailure(failure);
}
