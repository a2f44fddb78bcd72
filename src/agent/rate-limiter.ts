import type { Clock } from '../clock.ts';

/** A token bucket: an amount per second, with a store for bursts. */
export interface RateLimiter {
  /** Takes an amount. If the bucket is overdrawn, waits until it is refilled. */
  readonly consume: (amount: number, signal?: AbortSignal) => Promise<void>;
  /** Takes an amount if it is available; otherwise returns false. */
  readonly tryConsume: (amount: number) => boolean;
}

/** The bucket starts full. */
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
