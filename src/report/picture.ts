import type { Listener } from '../event.ts';

/** Shows events, and can be put aside for a question. */
export interface Picture {
  readonly listener: Listener;
  readonly aside: <T>(work: () => Promise<T>) => Promise<T>;
}
