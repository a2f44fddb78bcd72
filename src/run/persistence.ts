import type { Clock } from '../clock.ts';
import type { IncusFailure } from '../incus/failure.ts';
import type { Result } from '../result.ts';

const firstPauseMs = 100;
const longestPauseMs = 2000;

/**
 * Asks again while the daemon restarts, the connection breaks or another operation holds the instance, until
 * `limitMs` is over. Only for requests that do no harm when they are done twice. Returns the last answer.
 */
export const persistently = async <T>(
  clock: Clock,
  limitMs: number,
  ask: () => Promise<Result<T, IncusFailure>>,
  isPassing: (failure: IncusFailure) => boolean = passes,
): Promise<Result<T, IncusFailure>> => {
  const giveUpAt = clock.monotonic() + limitMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const answer = await ask();
    if (answer.ok || !isPassing(answer.error) || clock.monotonic() + pauseMs > giveUpAt) return answer;
    await clock.sleep(pauseMs);
  }
};

/** What goes away by itself. */
export const passes = (failure: IncusFailure): boolean =>
  failure.kind === 'unreachable' || failure.kind === 'connection-lost' || failure.kind === 'busy';
