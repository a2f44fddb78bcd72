import { expect, test } from 'vitest';
import { bench } from '../bench/main.ts';

// Whether everything can be measured; how fast it is, is not for a test.
test('a small bench measures what it says', async () => {
  const rows = await bench({
    hostName: `be-${Date.now().toString(36).slice(-6)}`,
    rounds: 1,
    quick: true,
    wanted: ['start', 'kept-run', 'looks'],
    say: () => {},
  });
  expect(rows.map(({ what }) => what.slice(0, 3))).toEqual(['(a)', '(a)', '(b)', '(b)', '(d)', '(d)']);
  for (const { guard } of rows) expect(guard).toMatch(/^-?[\d.]+ ms \(-?[\d.]+ to -?[\d.]+\)$/);
});
