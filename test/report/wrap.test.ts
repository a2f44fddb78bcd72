import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { wrapped } from '../../src/report/wrap.ts';

test('cuts at spaces, and hangs the rest under the first word', () => {
  expect(wrapped('  ✖ unit pdns.service ran before and now has failed', 30)).toEqual([
    '  ✖ unit pdns.service ran',
    '    before and now has failed',
  ]);
  expect(wrapped('guard: rolled back: it was not healthy', 30)).toEqual([
    'guard: rolled back: it was not',
    '  healthy',
  ]);
});

test('leaves alone what is to be copied, what fits, and what has no width', () => {
  const command = '  to roll back: incus snapshot restore web guard-20261123-070945-z8mf';
  expect(wrapped(command, 40)).toEqual([command]);
  expect(wrapped('    incus stop --force a-very-long-name-of-an-instance', 40)).toHaveLength(1);
  expect(wrapped('short', 40)).toEqual(['short']);
  expect(wrapped(command.repeat(9), undefined)).toHaveLength(1);
  expect(wrapped('word '.repeat(40), 0)).toHaveLength(1);
});

test('loses no word and is never wider, where the words allow it', () => {
  const words = fc.array(fc.stringMatching(/^[a-z]{1,20}$/), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(words, fc.integer({ min: 30, max: 120 }), (list, columns) => {
      const lines = wrapped(`  · ${list.join(' ')}`, columns);
      expect(lines.join(' ').split(/\s+/).slice(2)).toEqual(list);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    }),
  );
});
