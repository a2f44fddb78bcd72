import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const here = import.meta.dirname;
const text = await readFile(join(here, 'README.md'), 'utf8');
const rows = [...text.matchAll(/^\| (F\d+) +\|[^|]*\|(.*)\|$/gm)].map(([, row = '', files = '']) => ({
  row,
  files: [...files.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
}));

describe('the table of failure stories', () => {
  test('has every row once', () => {
    expect(rows.map(({ row }) => row)).toEqual(Array.from({ length: 48 }, (_, index) => `F${index + 1}`));
  });

  test.each(rows)('$row is named by each test that is said to show it', async ({ row, files }) => {
    expect(files).not.toEqual([]);
    for (const file of files) expect(await readFile(join(here, file), 'utf8')).toMatch(new RegExp(`\\b${row}\\b`));
  });
});
