import type { Clock } from '../../src/clock.ts';

/** A clock that stands still until it is told to go on. */
export interface ManualClock extends Clock {
  /** Moves time on and wakes all whose time has come. */
  readonly advance: (ms: number) => void;
  /** Resolves as soon as somebody sleeps for exactly `ms`. */
  readonly sleeping: (ms: number) => Promise<void>;
}

export const manualClock = (): ManualClock => {
  let time = 0;
  const sleepers = new Set<{ readonly until: number; readonly ms: number; readonly wake: () => void }>();
  const watchers = new Set<() => void>();
  return {
    now: () => time,
    monotonic: () => time,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = {
          until: time + ms,
          ms,
          wake: () => {
            sleepers.delete(sleeper);
            resolve();
          },
        };
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        sleepers.add(sleeper);
        signal?.addEventListener('abort', sleeper.wake, { once: true });
        for (const watcher of watchers) watcher();
      }),
    advance: (ms) => {
      time += ms;
      for (const sleeper of sleepers) if (sleeper.until <= time) sleeper.wake();
    },
    sleeping: (ms) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (![...sleepers].some((sleeper) => sleeper.ms === ms)) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
  };
};
