import type { Clock } from '../../clock.ts';

/** How bounded work ended. After `limit` and `aborted` its signal has been given; its further results are ignored. */
export type Bounded<T> = { readonly end: 'done'; readonly value: T } | { readonly end: 'limit' | 'aborted' };

/**
 * Runs work that must not take longer than `limitMs`. The signal it gets aborts at the limit, when `outer` aborts, and
 * also after it is done, so that one listener cleans up in every case.
 */
export async function withinLimit<T>(
  clock: Clock,
  limitMs: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Bounded<T>> {
  const inner = new AbortController();
  const passOn = (): void => inner.abort();
  if (outer?.aborted) return { end: 'aborted' };
  outer?.addEventListener('abort', passOn, { once: true });
  try {
    const first = await Promise.race([
      work(inner.signal).then((value): Bounded<T> => ({ end: 'done', value })),
      clock.sleep(limitMs, inner.signal).then((): Bounded<T> => ({ end: 'limit' })),
    ]);
    // Work that was aborted may still answer something: it is not the instance's answer.
    return outer?.aborted ? { end: 'aborted' } : first;
  } finally {
    outer?.removeEventListener('abort', passOn);
    inner.abort();
  }
}

/** Runs at most `cap` pieces of work at a time; the others wait for their turn, in order. */
export function createTurns(cap: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= cap) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      // The next one gets the slot directly, so that no other can take it.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
