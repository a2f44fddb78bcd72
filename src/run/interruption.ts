import type { Signal } from '../event.ts';

/** The request of the user to stop the run. */
export interface Interruption {
  /** Aborts at the first signal. A rollback must not be interrupted and ignores it. */
  readonly signal: AbortSignal;
  /** The first signal, or null. */
  readonly by: () => Signal | null;
  /** The next Ctrl-C calls this instead, once; the one after it interrupts. The returned function takes it back. */
  readonly intercept: (handler: () => void) => () => void;
}

/** The side of the signal handlers in main. */
export interface Interrupter extends Interruption {
  /** Returns whether it was the first signal. Later ones have no effect. */
  readonly interrupt: (signal: Signal) => boolean;
}

/** Records the first signal for all steps of the run. */
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

/** The same, which a lease that is lost ends as well: what is under way stops, whatever it is. */
export function alsoBy(interruption: Interruption, lost: AbortSignal): Interruption {
  return {
    signal: AbortSignal.any([interruption.signal, lost]),
    by: () => interruption.by() ?? (lost.aborted ? 'SIGTERM' : null),
    intercept: interruption.intercept,
  };
}
