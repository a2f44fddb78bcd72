import { expect, test } from 'vitest';
import { isJustNow, justNowMs, momentOf } from '../../src/run/just-now.ts';

const clockAt = (monotonic: number, now: number) => ({ monotonic: () => monotonic, now: () => now });
const then = momentOf(clockAt(1000, 5_000_000));

test.each([
  ['at once', 0, 0, true],
  ['a moment later', justNowMs - 1, justNowMs - 1, true],
  ['later', justNowMs, justNowMs, false],
  ['after the machine has slept, which one clock does not count', 10, 3_600_000, false],
  ['after the other clock was set', 10, -3_600_000, false],
  ['after a process that stood still', 60_000, 60_000, false],
])('what was seen counts %s', (_, passed, shown, counts) => {
  expect(isJustNow(clockAt(1000 + passed, 5_000_000 + shown), then)).toBe(counts);
});
