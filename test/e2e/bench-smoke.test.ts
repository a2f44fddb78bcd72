import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bench } from '../bench/main.ts';

// The bundle stands in for the single executable, which takes a minute to build.
let folder = '';
let executable = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-bench-smoke-'));
  executable = join(folder, 'guard');
  const bundle = resolve(import.meta.dirname, '../../dist/guard.cjs');
  await writeFile(executable, `#!/bin/sh\nexec '${process.execPath}' '${bundle}' "$@"\n`, { mode: 0o755 });
});
afterAll(() => rm(folder, { recursive: true }));

// Whether everything can be measured; how fast it is, is not for a test.
test('a small bench measures what it says', async () => {
  const { rows, profiles } = await bench({
    hostName: `be-${Date.now().toString(36).slice(-6)}`,
    executable,
    rounds: 1,
    quick: true,
    wanted: ['start', 'kept-run', 'looks'],
    say: () => {},
  });
  expect(rows.map(({ what }) => what.slice(0, 3))).toEqual(['(a)', '(a)', '(a)', '(a)', '(b)', '(b)', '(d)', '(d)']);
  expect(profiles.map(({ parts }) => parts.map(({ guard }) => guard.length))).toEqual([Array(7).fill(1)]);
  for (const { guard } of rows) expect(guard).toMatch(/^-?[\d.]+ ms \(-?[\d.]+ to -?[\d.]+\)$/);
});

test('so does one of many containers at once, by themselves and by an agent', async () => {
  const { rows } = await bench({
    hostName: `bm-${Date.now().toString(36).slice(-6)}`,
    executable,
    rounds: 1,
    quick: true,
    wanted: ['many'],
    say: () => {},
  });
  expect(rows.filter(({ what }) => what.includes('one agent'))).toHaveLength(8);
  for (const { what, guard } of rows) {
    expect(what).toMatch(/^\(f\) /);
    expect(guard).toMatch(/^[\d.]+ (ms|MiB|% of one core) \([\d.]+ to [\d.]+\)$/);
  }
});
