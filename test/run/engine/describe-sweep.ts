import { describe, expect, test } from 'vitest';

import { mishapsAt, sweepOne, type RunKind } from './sweep.ts';

/** One test a kind of run: every mishap at every request that the run makes. */
export function describeSweep(kinds: readonly RunKind[]): void {
  describe('whatever befalls any request, the run or its recovery keeps the promises (F12, F14)', () => {
    test.each(kinds)('$name', { timeout: 600_000 }, async (kind) => {
      const { requests, violations } = await sweepOne(kind, null, 'here');
      const found = [...violations];
      for (let at = 0; at < requests; at += 1)
        for (const [mishap, recoverer] of mishapsAt(at)) {
          const swept = await sweepOne(kind, mishap, recoverer);
          const what = `${mishap.fault}${mishap.forEver ? ' for ever' : ''} at request ${at}, recovered ${recoverer}`;
          found.push(...swept.violations.map((violation) => `${what}: ${violation}`));
        }
      expect(requests).toBeGreaterThan(10);
      expect(found).toEqual([]);
    });
  });
}
