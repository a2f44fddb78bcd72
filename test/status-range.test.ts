import { expect, test } from 'vitest';
import { isInRanges, parseStatusRanges } from '../src/status-range.ts';

test.each([
  ['0', [{ first: 0, last: 0 }]],
  [
    '0,100-103',
    [
      { first: 0, last: 0 },
      { first: 100, last: 103 },
    ],
  ],
  [
    ' 0 , 100 - 103 ',
    [
      { first: 0, last: 0 },
      { first: 100, last: 103 },
    ],
  ],
  ['', null],
  ['0,', null],
  ['256', null],
  ['3-2', null],
  ['1-300', null],
  ['-1', null],
  ['x', null],
])('the statuses "%s"', (text, ranges) => {
  expect(parseStatusRanges(text, 0, 255)).toEqual(ranges);
});

test('a range contains both of its ends', () => {
  const ranges = [{ first: 100, last: 103 }];
  expect([99, 100, 103, 104].map((status) => isInRanges(ranges, status))).toEqual([false, true, true, false]);
});
