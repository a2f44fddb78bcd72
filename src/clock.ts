import { readFileSync } from 'node:fs';

/**
 * The only source of time. Passed as an argument, so that tests control the time.
 * `now` can jump (NTP, a suspended machine); limits and durations are measured with `monotonic`.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. For records and names, never for limits. */
  readonly now: () => number;
  /** Milliseconds that only grow. For limits and durations. */
  readonly monotonic: () => number;
  /** Milliseconds that only grow, also while the machine sleeps. For leases, which others measure meanwhile. */
  readonly boottime: () => number;
  /** Resolves after `ms` milliseconds, or at once when `signal` aborts. Never rejects. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Calls `act` after `ms` milliseconds, unless the returned function is called first. For limits, which are rarely reached. */
  readonly after: (ms: number, act: () => void) => () => void;
}

/** The longest time that a timer can wait, about 24 days, in milliseconds. A longer one would end at once. */
export const longestTimerMs = 2 ** 31 - 1;

/** The sleep of a clock that can call back. An aborted sleep has done its work: whoever aborted it knows why. */
export function sleepBy(after: Clock['after']): Clock['sleep'] {
  return (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      function wake(): void {
        signal?.removeEventListener('abort', wake);
        callOff();
        resolve();
      }
      const callOff = after(ms, wake);
      signal?.addEventListener('abort', wake);
    });
}

const callBackAfter: Clock['after'] = (ms, act) => {
  const timer = setTimeout(act, ms);
  return () => clearTimeout(timer);
};

/** Seconds since boot, also those in which the machine slept (proc_uptime(5)). */
function readUptime(): number {
  try {
    return Number.parseFloat(readFileSync('/proc/uptime', 'utf8'));
  } catch {
    return process.uptime();
  }
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  // Since the process began, as performance.now() gives it, which loads a part of Node that guard has no other use for.
  monotonic: () => process.uptime() * 1000,
  boottime: () => readUptime() * 1000,
  sleep: sleepBy(callBackAfter),
  after: callBackAfter,
};
