import type { Signal } from '../event.ts';

/** The user's wish to stop, as the run sees it. */
export interface Interruption {
  /** Aborts when the first signal comes. Work that must not be interrupted (a rollback) does not look at it. */
  readonly signal: AbortSignal;
  /** The first signal that came, or null. */
  readonly by: () => Signal | null;
  /** The next Ctrl-C calls this instead, once; the one after it interrupts. The returned function takes it back. */
  readonly intercept: (handler: () => void) => () => void;
}

/** What main's signal handlers hold of it. */
export interface Interrupter extends Interruption {
  /** Returns whether it was the first: later ones change nothing. */
  readonly interrupt: (signal: Signal) => boolean;
}

/** Turns signals into one lasting fact that every step of the run can look at. */
export function createInterrupter(): Interrupter {
  const controller = new AbortController();
  let first: Signal | null = null;
  let handler: (() => void) | null = null;
  return {
    signal: controller.signal,
    by: () => first,
    intercept: (wanted) => {
      handler = wanted;
      return () => {
        if (handler === wanted) handler = null;
      };
    },
    interrupt: (signal) => {
      if (first !== null) return false;
      const intercepted = handler;
      handler = null;
      if (intercepted !== null && signal === 'SIGINT') {
        intercepted();
        return false;
      }
      first = signal;
      controller.abort();
      return true;
    },
  };
}
