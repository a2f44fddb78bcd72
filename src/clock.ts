import { setTimeout as delay } from 'node:timers/promises';

/**
 * The only source of time. Passed in as an argument so that tests decide what time it is.
 * `now` can jump (NTP, a suspended machine); limits and durations are measured with `monotonic`.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. For records and names, never for limits. */
  readonly now: () => number;
  /** Milliseconds that only grow. For limits and durations. */
  readonly monotonic: () => number;
  /** Resolves after `ms` milliseconds, or at once when `signal` aborts. Never rejects. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, signal ? { signal } : {});
    } catch {
      // An aborted sleep has done its work: whoever aborted it knows why.
    }
  },
};
