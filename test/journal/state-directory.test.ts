import { stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStateDirectory, stateDirectory } from '../../src/journal/state-directory.ts';
import { temporaryFolder } from './temporary.ts';

test.each([
  [{ GUARD_STATE_DIR: '/tmp/records' }, 0, '/tmp/records'],
  [{ GUARD_STATE_DIR: 'records' }, 1000, join(process.cwd(), 'records')],
  [{ GUARD_STATE_DIR: '' }, 0, '/var/lib/guard'],
  [{ HOME: '/home/anna', XDG_STATE_HOME: '/data/state' }, 0, '/var/lib/guard'],
  [{ HOME: '/home/anna', XDG_STATE_HOME: '/data/state' }, 1000, '/data/state/guard'],
  [{ HOME: '/home/anna', XDG_STATE_HOME: 'relative' }, 1000, '/home/anna/.local/state/guard'],
  [{ HOME: '/home/anna' }, 1000, '/home/anna/.local/state/guard'],
  [{}, 1000, `${userInfo().homedir}/.local/state/guard`],
])('%o as user %i: %s', (environment, uid, directory) => {
  expect(stateDirectory(environment, uid)).toBe(directory);
});

test('is made with its parents, for its owner only', async () => {
  const state = join(await temporaryFolder(), 'a', 'b', 'guard');
  expect(await openStateDirectory(state)).toEqual({ ok: true, value: undefined });
  expect((await stat(state)).mode & 0o777).toBe(0o700);
  expect((await stat(join(state, 'runs'))).mode & 0o777).toBe(0o700);
  expect(await openStateDirectory(state)).toEqual({ ok: true, value: undefined });
});

test('says in a sentence why it cannot be made', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  const opened = await openStateDirectory(join(folder, 'file', 'guard'));
  expect(opened).toEqual({
    ok: false,
    error: expect.stringMatching(/^".*\/file\/guard.*": a part of the path is not a folder \(ENOTDIR\)\.$/),
  });
});
