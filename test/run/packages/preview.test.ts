import { expect, test } from 'vitest';
import type { Platform } from '../../../src/platform/platform.ts';
import { ok } from '../../../src/result.ts';
import { previewPackages } from '../../../src/run/packages/preview.ts';

/** An instance whose apt would install a package, where users other than root cannot read these files. */
const instanceWith = (unreadable: readonly string[]): Pick<Platform, 'query'> => ({
  query: (_instance, { command }) => {
    const lines = command[0] === 'find' ? unreadable : ['Inst hello (2.10-3 Debian:12.1/stable [amd64])'];
    const stdout = lines.map((line) => `${line}\n`).join('');
    return Promise.resolve(ok({ status: 0, stdout, stderr: '', truncated: false }));
  },
});

const install = ['apt-get', '-y', 'install', 'hello'];

test('apt says what it would install', async () => {
  expect(await previewPackages(instanceWith([]), 'web', install)).toEqual({
    known: true,
    manager: 'apt',
    packages: [{ name: 'hello', from: null, to: '2.10-3' }],
  });
});

test('nothing is known where apt cannot read all of its lists: it would pass over them in silence', async () => {
  const list = '/var/lib/apt/lists/_root_repo_._Packages';
  expect(await previewPackages(instanceWith([list]), 'web', install)).toEqual({
    known: false,
    message: `apt could not say which packages would change: users other than root cannot read ${list}.`,
  });
});
