import { expect, test } from 'vitest';
import { isRecent, recencyMs, timePointOf } from '../../src/run/recency.ts';

const clockAt = (monotonic: number, now: number) => ({ monotonic: () => monotonic, now: () => now });
const then = timePointOf(clockAt(1000, 5_000_000));

test.each([
  ['at once', 0, 0, true],
  ['a moment later', recencyMs - 1, recencyMs - 1, true],
  ['later', recencyMs, recencyMs, false],
  ['after the machine has slept, which one clock does not count', 10, 3_600_000, false],
  ['after the other clock was set', 10, -3_600_000, false],
  ['after a process that stood still', 60_000, 60_000, false],
])('what was seen counts %s', (_, passed, shown, counts) => {
  expect(isRecent(clockAt(1000 + passed, 5_000_000 + shown), then)).toBe(counts);
});
