import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { waitFor } from '../host/host.ts';
import { guardUnderTest, type GuardUnderTest } from './guard.ts';
import { openProxy, type IncusProxy } from './incus-proxy.ts';
import { launch, remove } from './incus-subject.ts';

/** What the tests of a file work with whose subject is what guard asks the server for. */
export interface ProxiedGuard {
  readonly guard: GuardUnderTest;
  readonly proxy: IncusProxy;
  /** On this host, empty at first. */
  readonly folder: string;
}

/** Brings it up before the tests of the file, with an instance that is healthy, and takes it away after them. */
export const withProxiedGuard = (instance: string, isUp: (up: ProxiedGuard) => void): void => {
  let up: ProxiedGuard;
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), `guard-${instance}-`));
    up = { folder, guard: await guardUnderTest(), proxy: await openProxy() };
    await launch(instance);
    await waitFor(async () => (await up.guard.run(['check', instance])).status === 0);
    isUp(up);
  });
  afterAll(async () => {
    await remove(instance);
    await up.proxy.close();
    await up.guard.remove();
    await rm(up.folder, { recursive: true });
  });
};
