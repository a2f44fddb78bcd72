import { sleepBy, type Clock } from '../../src/clock.ts';

/**
 * A clock on which time passes only by sleeping: as soon as the program has nothing else to do, it jumps to the end of the
 * next sleep. Minutes pass in milliseconds, always in the same order.
 */
export const fakeClock = (): Clock => {
  let time = 1000;
  const sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  let pumping = false;

  const pump = (): void => {
    pumping = false;
    sleepers.sort((a, b) => a.until - b.until);
    const next = sleepers.shift();
    if (!next) return;
    time = Math.max(time, next.until);
    next.wake();
    arrange();
  };
  const arrange = (): void => {
    if (pumping || sleepers.length === 0) return;
    pumping = true;
    setImmediate(pump);
  };

  const after: Clock['after'] = (ms, act) => {
    const sleeper = { until: time + ms, wake: act };
    sleepers.push(sleeper);
    arrange();
    return () => {
      const index = sleepers.indexOf(sleeper);
      if (index !== -1) sleepers.splice(index, 1);
    };
  };

  return {
    now: () => 1_800_000_000_000 + time,
    monotonic: () => time,
    boottime: () => time,
    sleep: sleepBy(after),
    after,
  };
};
