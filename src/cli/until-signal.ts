import type { Context } from './context.ts';

/** What the work comes to; null as soon as a signal comes, whatever the work waits for. */
export async function untilSignal<T>(
  { interrupter }: Pick<Context, 'interrupter'>,
  work: Promise<T>,
): Promise<T | null> {
  const { signal } = interrupter;
  const over = new AbortController();
  const interrupted = new Promise<null>((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { signal: over.signal });
  });
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    over.abort();
  }
}
