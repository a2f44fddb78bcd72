import type { Signal } from '../event.ts';

/** The user's wish to stop, as the run sees it. */
export interface Interruption {
  /** Aborts when the first signal comes. Work that must not be interrupted (a rollback) does not look at it. */
  readonly signal: AbortSignal;
  /** The first signal that came, or null. */
  readonly by: () => Signal | null;
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
  return {
    signal: controller.signal,
    by: () => first,
    interrupt: (signal) => {
      if (first !== null) return false;
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
  };
}
