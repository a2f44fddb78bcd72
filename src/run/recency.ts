import type { Clock } from '../clock.ts';

/** A time by both clocks: the monotonic one stops while the machine sleeps, the other one may be set. */
export interface TimePoint {
  readonly monotonic: number;
  readonly now: number;
}

/** How long an observation needs no repetition, in milliseconds: about as long as a request to a busy server takes. */
export const recencyMs = 250;

/** The current time. */
export function timePointOf(clock: Pick<Clock, 'now' | 'monotonic'>): TimePoint {
  return {
    monotonic: clock.monotonic(),
    now: clock.now(),
  };
}

/** Whether that was just now: by both clocks, or else it is asked again. */
export function isRecent(clock: Pick<Clock, 'now' | 'monotonic'>, then: TimePoint, mostMs = recencyMs): boolean {
  const { monotonic, now } = timePointOf(clock);
  const within = (ms: number): boolean => ms >= 0 && ms < mostMs;
  return within(monotonic - then.monotonic) && within(now - then.now);
}
