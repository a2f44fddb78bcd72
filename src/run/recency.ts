import type { Clock } from '../clock.ts';

/** When something was seen, by both clocks: one stands still while the machine sleeps, the other one may be set. */
export interface TimePoint {
  readonly monotonic: number;
  readonly now: number;
}

/** For how long what was seen needs no second look, in milliseconds: about as long as a question to a busy server takes. */
export const recencyMs = 250;

/** This moment. */
export function timePointOf(clock: Pick<Clock, 'now' | 'monotonic'>): TimePoint {
  return {
    monotonic: clock.monotonic(),
    now: clock.now(),
  };
}

/** Whether that was just now: by both clocks, or else it is asked again. */
export function isRecent(clock: Pick<Clock, 'now' | 'monotonic'>, then: TimePoint): boolean {
  const { monotonic, now } = timePointOf(clock);
  const within = (ms: number): boolean => ms >= 0 && ms < recencyMs;
  return within(monotonic - then.monotonic) && within(now - then.now);
}
