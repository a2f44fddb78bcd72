import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, remove } from './incus-subject.ts';

const instance = 'e2e-completion';
const program = resolve(import.meta.dirname, '../../dist/guard.cjs');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-completion-'));
  await writeFile(join(folder, 'guard'), `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, { mode: 0o755 });
  await launch(instance);
});
afterAll(async () => {
  await remove(instance);
  await rm(folder, { recursive: true });
});

/** What bash offers at the end of this line. */
const offered = async (line: string): Promise<string[]> => {
  const script =
    'source <(guard completion bash); COMP_LINE=$1 COMP_POINT=${#1}; _guard; printf "%s\\n" "${COMPREPLY[@]}"';
  const { stdout } = await execa('bash', ['-c', script, 'bash', line], {
    cwd: folder,
    env: { PATH: `${folder}:${process.env['PATH'] ?? ''}`, XDG_CACHE_HOME: join(folder, 'cache') },
  });
  return stdout.split('\n').filter((word) => word !== '');
};

test('bash completes subcommands, options and the names of instances', async () => {
  expect(await offered('guard rec')).toEqual(['recover']);
  expect(await offered('guard run --uncov')).toEqual(['--uncovered']);
  // A remote would take too long at the tab key.
  expect(await offered('guard plan e2e-comp')).toEqual(process.env['INCUS_REMOTE'] === undefined ? [instance] : []);
});

test('bash gets only what follows a sign that separates words for it', async () => {
  expect(await offered('guard --on-failure unhealthy=k')).toEqual(['keep']);
  expect(await offered('guard rollout ')).toEqual(expect.arrayContaining(['status', 'resume', 'abort']));
});

test('at the tab key nothing of what was typed is done', async () => {
  const before = await readdir(folder);
  await offered('guard web -- echo $(touch made) `touch made` > made; touch made; e2e');
  expect((await readdir(folder)).filter((name) => !before.includes(name) && name !== 'cache')).toEqual([]);
});
