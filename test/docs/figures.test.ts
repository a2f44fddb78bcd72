import { expect, test } from 'vitest';
import { figuresOf, pagesWithOtherFigures, withFigures } from '../../docs/generator/figures.ts';
import { measuredIn } from './console.ts';

const page = [
  '$ guard web -- true',
  'guard: Baseline: facts (1.3 s)',
  'guard: ✖ Verify: unhealthy (1 min 5 s)',
  'guard: kept: …',
];

test('the times of a page', () => {
  expect(figuresOf(page.join('\n'))).toEqual(['1.3 s', '1 min 5 s']);
  expect(withFigures(page.join('\n'), ['9 ms', '4 s'])).toBe(
    ['$ guard web -- true', 'guard: Baseline: facts (9 ms)', 'guard: ✖ Verify: unhealthy (4 s)', 'guard: kept: …'].join(
      '\n',
    ),
  );
});

test('a time that was not measured is found', () => {
  const pages = new Map([['README.md', page.join('\n')]]);
  expect(pagesWithOtherFigures(pages, { 'README.md': ['1.3 s', '1 min 5 s'] })).toEqual([]);
  expect(pagesWithOtherFigures(pages, { 'README.md': ['1.3 s', '1 min 6 s'] })).toEqual(['README.md']);
  expect(pagesWithOtherFigures(pages, {})).toEqual(['README.md']);
});

test('what was measured is taken from what the command printed', () => {
  const printed = [
    'guard: Baseline: facts (15 ms)',
    'Reading …',
    'guard: ✖ Verify: unhealthy (8.2 s)',
    'guard: kept: it is',
  ];
  expect(measuredIn(page.slice(1), printed)).toEqual(['15 ms', '8.2 s']);
});
