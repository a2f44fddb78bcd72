import { expect, test } from 'vitest';
import { isInForeground } from '../../src/cli/foreground.ts';

test.each([
  ['12 (guard) S 1 12 10 34816 12 4194304', true],
  ['12 (guard) S 1 12 10 34816 10 4194304', false],
  // Without a terminal nobody stops anything.
  ['12 (guard) S 1 12 12 0 -1 4194304', true],
  ['12 (a) b) S 1 12 10 34816 10 4194304', false],
  [null, true],
])('%j: %s', (stat, foreground) => {
  expect(isInForeground(stat)).toBe(foreground);
});
