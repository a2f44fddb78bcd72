import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { formatStack } from '../src/internal-error.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-bug-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Thrown at a place of a bundle. */
const thrownAt = (bundle: string, line: number, column: number): Error =>
  Object.assign(new Error('no'), { stack: `Error: no\n    at x (${bundle}:${line}:${column})\n    at node:net:1:1` });

test('a place in the built program is told as one of the sources', async () => {
  const dist = resolve(import.meta.dirname, '../dist');
  const name = (await readdir(dist)).find((file) => /^program-\w+\.cjs$/.test(file)) ?? '';
  const lines = (await readFile(join(dist, name), 'utf8')).split('\n');
  // Words that stand in src/main.ts, and nowhere else.
  const line = lines.findIndex((text) => text.includes('this is a bug in guard: ${'));
  const column = lines[line]?.indexOf('this is a bug in guard: ${') ?? -1;
  expect(formatStack(thrownAt(join(dist, name), line + 1, column + 1))).toMatch(
    /^Error: no\n {4}at x \(src\/main\.ts:\d+:\d+\)\n {4}at node:net:1:1$/,
  );
});

test('without its map, a place stays as it is', async () => {
  const bundle = join(folder, 'program-1.cjs');
  expect(formatStack(thrownAt(bundle, 1, 2))).toContain(`(${bundle}:1:2)`);
  await writeFile(`${bundle}.map`, 'no map');
  expect(formatStack(thrownAt(bundle, 1, 2))).toContain(`(${bundle}:1:2)`);
});

test('what is no Error is told as well', () => {
  expect(formatStack('thrown')).toBe('thrown');
});
