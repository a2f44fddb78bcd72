import { describe, expect, it } from 'vitest';
import { createTurns, withinLimit } from '../../../src/health/checks/limit.ts';
import { fakeClock } from '../fake-clock.ts';

describe('a limit', () => {
  it('ends work that takes too long, and tells it so', async () => {
    const clock = fakeClock();
    let told = false;
    const end = await withinLimit(clock, 100, undefined, async (signal) => {
      signal.addEventListener('abort', () => (told = true));
      await new Promise(() => {});
    });
    expect(end).toEqual({ end: 'limit' });
    expect(told).toBe(true);
    expect(clock.monotonic()).toBe(1100);
  });

  it('gives the value of work that is done, and lets it clean up', async () => {
    let signal: AbortSignal | undefined;
    const end = await withinLimit(fakeClock(), 100, undefined, async (given) => {
      signal = given;
      return 'value';
    });
    expect(end).toEqual({ end: 'done', value: 'value' });
    expect(signal?.aborted).toBe(true);
  });

  it('does not believe what aborted work answers', async () => {
    const controller = new AbortController();
    const end = withinLimit(fakeClock(), 100_000, controller.signal, async (signal) => {
      controller.abort();
      return signal.aborted ? 'given up' : 'answered';
    });
    expect(await end).toEqual({ end: 'aborted' });
  });

  it('passes on a mistake', async () => {
    const end = withinLimit(fakeClock(), 100, undefined, () => Promise.reject(new Error('a bug')));
    await expect(end).rejects.toThrow('a bug');
  });
});

describe('turns', () => {
  it('let no more run at a time than there are places, and everybody in the end', async () => {
    const clock = fakeClock();
    const inTurn = createTurns(3);
    let running = 0;
    let most = 0;
    const order: number[] = [];
    const work = (index: number) => async () => {
      running += 1;
      most = Math.max(most, running);
      await clock.sleep(10 + (index % 4));
      running -= 1;
      order.push(index);
      if (index === 5) throw new Error('a bug');
    };
    const ends = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => inTurn(work(index))));
    expect(most).toBe(3);
    expect(order).toHaveLength(20);
    expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  });
});
