import { describe, expect, it } from 'vitest';
import type { CheckStatus } from '../../src/event.ts';
import { takeBaselineWith } from '../../src/health/baseline.ts';
import { fakeProber, type Story } from './fake-prober.ts';
import { fakeClock } from './fake-clock.ts';
import { checkOf } from './samples.ts';

const taken = async (story: Story, definitions: ReturnType<typeof checkOf>[], justStarted = false) => {
  const clock = fakeClock();
  const prober = fakeProber(clock, story);
  const began = clock.monotonic();
  const baseline = await takeBaselineWith(prober, { clock }, { definitions, automatic: true, justStarted });
  return { baseline, prober, ms: clock.monotonic() - began };
};

const until = (ms: number, answer: CheckStatus) => (at: number) => (at < ms ? answer : 'passed');

describe('a baseline', () => {
  it('holds the facts, every check with how long it took (F33), and the questions', async () => {
    const definitions = [checkOf('a'), checkOf('b')];
    const { baseline, prober } = await taken({ checkMs: 120 }, definitions);
    expect(baseline.facts?.v).toBe(1);
    expect(baseline.checks.map(({ name, status: answer, ms }) => [name, answer, ms])).toEqual([
      ['a', 'passed', 120],
      ['b', 'passed', 120],
    ]);
    expect(baseline.definitions).toBe(definitions);
    expect(prober.looks).toHaveLength(1);
  });

  it('is plain data, so that a journal can keep it', async () => {
    const { baseline } = await taken({}, [checkOf('a')]);
    expect(JSON.parse(JSON.stringify(baseline))).toEqual(baseline);
  });

  it('asks everything at the same time', async () => {
    const { ms } = await taken({ lookMs: 100, checkMs: 100 }, [checkOf('a'), checkOf('b'), checkOf('c')]);
    expect(ms).toBe(100);
  });

  it('asks again what does not pass, until it passes', async () => {
    const { baseline, prober } = await taken({ checks: { a: until(3000, 'failed') } }, [checkOf('a', { retries: 3 })]);
    expect(baseline.checks[0]?.status).toBe('passed');
    expect(prober.asked['a']).toHaveLength(3);
  });

  it('gives up after as many failures in a row as it has retries', async () => {
    const { baseline, prober } = await taken({ checks: { a: () => 'failed' } }, [checkOf('a', { retries: 2 })]);
    expect(baseline.checks[0]?.status).toBe('failed');
    expect(prober.asked['a']).toHaveLength(2);
  });

  it('does not count failures in the start period of an instance that was just started', async () => {
    const definitions = [checkOf('a', { retries: 1, startPeriodMs: 20_000 })];
    const story = { checks: { a: until(15_000, 'failed') } };
    expect((await taken(story, definitions, true)).baseline.checks[0]?.status).toBe('passed');
    expect((await taken(story, definitions, false)).baseline.checks[0]?.status).toBe('failed');
  });
});
