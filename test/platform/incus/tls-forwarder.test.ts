import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { startTlsForwarder } from '../../../src/platform/incus/remote/tls-forwarder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-lxc-'));
});
afterEach(() => rm(folder, { recursive: true }));

const start = async (address: string): Promise<string> => {
  const remote = {
    product: 'LXD',
    folder,
    source: folder,
    address,
    project: '',
    protocol: 'lxd',
    public: false,
  } as const;
  return (await startTlsForwarder('far', remote, join(folder, 'socket'))).ended;
};

test('without the certificates of the client it ends with the reason', async () => {
  expect(await start('https://127.0.0.1')).toBe(`${folder} has no client.crt and client.key that can be read`);
});

test('certificates that cannot be used are a reason, and no exception', async () => {
  await writeFile(join(folder, 'client.crt'), 'nothing');
  await writeFile(join(folder, 'client.key'), 'nothing');
  expect(await start('https://127.0.0.1')).toContain(`the certificates in ${folder} cannot be used`);
});

test('an address that is none is a reason', async () => {
  expect(await start('https://')).toBe('"https://" is not an address');
});
