import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { foreignServer } from './test-server.ts';

let root: string;
let own: Record<string, string>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'guard-servers-'));
  await mkdir(join(root, 'main', 'incus'), { recursive: true });
  await writeFile(join(root, 'main', 'daemon'), '1 1\n');
  own = {
    GUARD_TEST_STATE: root,
    INCUS_DIR: join(root, 'main', 'incus'),
    INCUS_CONF: join(root, 'main', 'conf'),
  };
});
afterEach(() => rm(root, { recursive: true }));

test('a server that the scripts made is the tests’ own', () => {
  expect(foreignServer(own)).toBeNull();
  expect(foreignServer({ ...own, INCUS_SOCKET: join(root, 'main', 'incus', 'unix.socket') })).toBeNull();
  const { INCUS_DIR, INCUS_CONF, ...rest } = own;
  expect(foreignServer({ ...rest, LXD_DIR: INCUS_DIR, LXD_CONF: INCUS_CONF })).toBeNull();
});

test('the server of the machine, or of a user, is refused', () => {
  expect(foreignServer({ GUARD_TEST_STATE: root })).toContain('names no test server');
  for (const foreign of [
    { INCUS_DIR: '/var/lib/incus' },
    { INCUS_SOCKET: '/var/lib/incus/unix.socket' },
    { INCUS_CONF: '/root/.config/incus' },
    { INCUS_DIR: `${root}-other/main/incus` },
    { INCUS_DIR: join(root, '..', 'incus') },
  ])
    expect(foreignServer({ ...own, ...foreign })).toContain('does not belong to a test server');
});

test('a test server that was never brought up is refused, with the line that brings it up', async () => {
  await rm(join(root, 'main', 'daemon'));
  expect(foreignServer(own)).toContain('test/host/host.sh up');
});
