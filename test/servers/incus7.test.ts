import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { guardUnderTest, type GuardUnderTest } from '../e2e/guard.ts';
import { bringUp, incus as incusOn, type Host } from '../host/host.ts';
import { guardOn, inside, launchContainer, readInside, removeContainer, untilBooted } from './container.ts';
import { hostName, server } from './server.ts';

describe.runIf(server === 'incus7')('what only Incus 7 has', () => {
  let host: Host;
  let guard: GuardUnderTest;
  let name: string;
  beforeAll(async () => {
    host = await bringUp({ name: hostName });
    guard = guardOn(host, await guardUnderTest());
    name = await launchContainer(host);
  });
  afterAll(async () => {
    await removeContainer(host, name);
    await guard.remove();
  });

  const incus = (...words: readonly string[]): Promise<string> => incusOn(host, ...words);
  const isProtected = async (): Promise<string> => incus('config', 'get', name, 'security.protection.start');
  const run = async (...words: readonly string[]) => guard.run(['run', name, ...words]);

  test('an instance that is protected from being started is rolled back and restarted, and stays protected', async () => {
    await incus('config', 'set', name, 'security.protection.start=true');
    const rolledBack = await run('--', 'sh', '-c', 'echo v2 >/srv/app; exit 3');
    expect(rolledBack).toMatchObject({ status: 10 });
    expect(rolledBack.stderr).toContain('protected from being started');
    expect([await readInside(host, name, '/srv/app'), await isProtected()]).toEqual(['v1', 'true']);
    const restarted = await run('--restart', '--', 'true');
    expect(restarted).toMatchObject({ status: 0 });
    expect(await isProtected()).toBe('true');
    expect(await incus('query', `/1.0/instances/${name}`)).not.toContain('user.guard.');
    await incus('config', 'unset', name, 'security.protection.start');
  });

  test('disks in memory and dependent volumes are covered, also in a copy of the failed state', async () => {
    const volume = `${name}-data`;
    const failed = async (): Promise<string[]> =>
      (await incus('list', '--format', 'csv', '-c', 'n'))
        .split('\n')
        .filter((one) => one.startsWith(`${name}-failed-`));
    await incus('storage', 'volume', 'create', 'default', volume);
    try {
      const disk = ['pool=default', `source=${volume}`, 'path=/data', 'dependent=true'];
      await incus('config', 'device', 'add', name, 'data', 'disk', ...disk);
      await incus('stop', '--force', name);
      await incus('config', 'device', 'add', name, 'cache', 'disk', 'source=tmpfs:', 'path=/cache');
      await incus('start', name);
      await untilBooted(host, name);
      await inside(host, name, 'sh', '-c', 'echo v1 >/data/app');
      const words = ['--uncovered', 'refuse', '--keep-failed', '--', 'sh', '-c', 'echo v2 >/data/app; exit 4'];
      const { status, stderr } = await run(...words);
      expect({ status, stderr }).toMatchObject({ status: 10 });
      expect(await readInside(host, name, '/data/app')).toBe('v1');
      expect(await failed()).toHaveLength(1);
    } finally {
      for (const copy of await failed()) await removeContainer(host, copy);
      await incus('config', 'device', 'remove', name, 'data').catch(() => {});
      await incus('storage', 'volume', 'delete', 'default', volume);
    }
  });

  test('an application container is refused with the reason', async () => {
    await incus('config', 'set', name, 'volatile.container.oci=true');
    const { status, stderr } = await run('--', 'true');
    expect(status).toBe(30);
    expect(stderr).toContain('application container');
    await incus('config', 'unset', name, 'volatile.container.oci');
  });
});
