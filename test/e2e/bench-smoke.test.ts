import { expect, test } from 'vitest';
import { bench } from '../bench/main.ts';

// Whether everything can be measured; how fast it is, is not for a test.
test('a small bench measures what it says', async () => {
  const { rows, profiles } = await bench({
    hostName: `be-${Date.now().toString(36).slice(-6)}`,
    rounds: 1,
    quick: true,
    wanted: ['start', 'kept-run', 'looks'],
    say: () => {},
  });
  expect(rows.map(({ what }) => what.slice(0, 3))).toEqual(['(a)', '(a)', '(b)', '(b)', '(d)', '(d)']);
  expect(profiles.map(({ parts }) => parts.map(({ guard }) => guard.length))).toEqual([Array(7).fill(1)]);
  for (const { guard } of rows) expect(guard).toMatch(/^-?[\d.]+ ms \(-?[\d.]+ to -?[\d.]+\)$/);
});

test('so does one of many containers at once, by themselves and by an agent', async () => {
  const { rows } = await bench({
    hostName: `bm-${Date.now().toString(36).slice(-6)}`,
    rounds: 1,
    quick: true,
    wanted: ['many'],
    say: () => {},
  });
  expect(rows.filter(({ what }) => what.includes('one agent'))).toHaveLength(8);
  for (const { what, guard } of rows) {
    expect(what).toMatch(/^\(f\) /);
    expect(guard).toMatch(/^[\d.]+ (ms|MiB|% of one core) \([\d.]+ to [\d.]+\)$/);
  }
});
