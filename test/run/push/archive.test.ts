import { chmod, lstat, mkdir, mkdtemp, readFile, readlink, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { archiveOf } from '../../../src/run/push/archive.ts';
import { surveyPush } from '../../../src/run/push/source.ts';
import type { PushPlan } from '../../../src/run/plan.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-archive-'));
  await mkdir(join(folder, 'from'));
  await mkdir(join(folder, 'to'));
});
afterEach(() => rm(folder, { recursive: true }));

const planned = async (inside: string): Promise<PushPlan> => {
  const found = await surveyPush({ local: join(folder, 'from'), inside, user: 33, group: 34 });
  if (!found.ok) throw new Error(found.error);
  return found.value;
};

test('tar unpacks what was packed: names of any length, modes, links, owners', async () => {
  const long = `${'a'.repeat(120)} ä\n"x"`;
  const deep = join(folder, 'from', 'd'.repeat(200), long);
  await mkdir(deep, { recursive: true });
  await writeFile(join(deep, 'file'), 'x'.repeat(1000));
  await writeFile(join(folder, 'from', 'empty'), '');
  await chmod(join(folder, 'from', 'empty'), 0o4755);
  await symlink(`${'up/'.repeat(60)}x`, join(folder, 'from', 'link'));
  const target = join(folder, 'to');
  await execa('tar', ['-x', '-f', '-', '-C', target], { input: archiveOf(await planned('/srv/app'), () => {}) });
  const arrived = join(target, 'app');
  expect(await readFile(join(arrived, 'd'.repeat(200), long, 'file'), 'utf8')).toBe('x'.repeat(1000));
  expect(await readlink(join(arrived, 'link'))).toBe(`${'up/'.repeat(60)}x`);
  const { stdout } = await execa('tar', ['-t', '-v', '--numeric-owner', '-f', '-'], {
    input: archiveOf(await planned('/srv/app'), () => {}),
  });
  expect(stdout.split('\n').map((line) => line.slice(0, 16))).toContain('-rwsr-xr-x 33/34');
  expect((await lstat(join(arrived, 'empty'))).size).toBe(0);
});

test('a file that becomes shorter while it is read is a failure', async () => {
  const path = join(folder, 'from', 'big');
  await writeFile(path, Buffer.alloc(2 * 1024 * 1024));
  const archive = archiveOf(await planned('/x'), () => {});
  let size = 0;
  const read = async (): Promise<void> => {
    for await (const part of archive as AsyncIterable<Buffer>) {
      const before = size;
      size += part.length;
      // The heads of the folder and of the file are there, and the first of its content.
      if (before <= 1024 && size > 1024) await truncate(path, 1);
    }
  };
  await expect(read()).rejects.toThrow(/became shorter/);
});
