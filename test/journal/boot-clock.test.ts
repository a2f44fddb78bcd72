import { describe, expect, test } from 'vitest';
import { readClocks, startOf } from '../../src/journal/boot-clock.ts';

describe('the clocks of this machine', () => {
  test('count on from one reading to the next, within one boot', () => {
    const [first, second] = [readClocks(Date.now), readClocks(Date.now)];
    expect(second.bootId).toBe(first.bootId);
    expect(second.sinceBootMs).toBeGreaterThanOrEqual(first.sinceBootMs);
    expect(first.sinceBootMs).toBeGreaterThan(0);
  });

  test('tell two starts of a container apart by the start of its first process', () => {
    const stat = (start: number): string =>
      `1 (a) b (c) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 ${start} 176832512 3378 18446744073709551615`;
    expect(startOf(stat(7))).toBe('7');
    expect(startOf(stat(19_000))).toBe('19000');
    expect(startOf('')).toBe('');
  });
});
