import type { Clock } from '../clock.ts';

/** What may be spent: so much a second, and a store of it for busy moments. */
export interface RateLimiter {
  /** Takes some of it, and waits until it is there again where it was overdrawn. */
  readonly consume: (amount: number, signal?: AbortSignal) => Promise<void>;
  /** Takes some of it where it is there; false where it is not. */
  readonly tryConsume: (amount: number) => boolean;
}

/** Full at the beginning. */
export function createRateLimiter(
  clock: Pick<Clock, 'monotonic' | 'sleep'>,
  size: { readonly perSecond: number; readonly most: number },
): RateLimiter {
  let left = size.most;
  let at = clock.monotonic();
  function refill(): void {
    const now = clock.monotonic();
    left = Math.min(size.most, left + ((now - at) / 1000) * size.perSecond);
    at = now;
  }
  return {
    consume: async (amount, signal) => {
      refill();
      left -= amount;
      if (left < 0) await clock.sleep((-left / size.perSecond) * 1000, signal);
    },
    tryConsume: (amount) => {
      refill();
      if (left < amount) return false;
      left -= amount;
      return true;
    },
  };
}
