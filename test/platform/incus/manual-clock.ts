import { sleepBy, type Clock } from '../../../src/clock.ts';

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
  const after: Clock['after'] = (ms, act) => {
    const sleeper = {
      until: time + ms,
      ms,
      wake: () => {
        sleepers.delete(sleeper);
        act();
      },
    };
    sleepers.add(sleeper);
    for (const watcher of watchers) watcher();
    return () => void sleepers.delete(sleeper);
  };
  return {
    now: () => time,
    monotonic: () => time,
    boottime: () => time,
    sleep: sleepBy(after),
    after,
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
