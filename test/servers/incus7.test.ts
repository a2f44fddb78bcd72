import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { guardUnderTest, type GuardUnderTest } from '../e2e/guard.ts';
import { bringUp, incus as incusOn, waitFor, type Host } from '../host/host.ts';
import { guardOn, inside, launchContainer, readInside, removeContainer, untilBooted } from './container.ts';
import { hostName, server } from './server.ts';

const untilToldToGoOn = 'while [ ! -e /run/go-on ]; do sleep 0.2; done';

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

  afterEach(async () => {
    for (const key of [
      'security.protection.start',
      'snapshots.expiry',
      'snapshots.expiry.manual',
      'volatile.container.oci',
    ])
      // Fails where it is not set.
      await incus('config', 'unset', name, key).catch(() => {});
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
    const left = await incus('query', `/1.0/instances/${name}`);
    expect(left).not.toContain('user.guard.start-protection');
    expect(left).not.toContain('user.guard.run');
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

  test('the expiry of the instance for snapshots taken by hand is not that of a restore point', async () => {
    await incus('config', 'set', name, 'snapshots.expiry.manual=1d', 'snapshots.expiry=1d');
    expect(await run('--expires', '30d', '--', 'true')).toMatchObject({ status: 0 });
    const taken = JSON.parse(await incus('query', `/1.0/instances/${name}/snapshots?recursion=1`)) as {
      expires_at: string;
    }[];
    const days = taken.map(({ expires_at: at }) => Math.round((Date.parse(at) - Date.now()) / 86_400_000));
    expect(days).not.toEqual([]);
    expect(days.filter((count) => count !== 30)).toEqual([]);
  });

  test('a rollback also takes back configuration that was changed during the run, and says so', async () => {
    await incus('config', 'set', name, 'user.kept=before');
    const running = guard.start(['run', name, '--', 'sh', '-c', `${untilToldToGoOn}; exit 3`]);
    await waitFor(async () => (await incus('config', 'get', name, 'user.guard.run')) !== '');
    await incus('config', 'set', name, 'user.kept=during');
    await inside(host, name, 'touch', '/run/go-on');
    const { exitCode, stderr } = await running;
    expect(exitCode).toBe(10);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain('key user.kept (changed)');
    expect(await incus('config', 'get', name, 'user.kept')).toBe('before');
  });

  test('a restore of the disk alone by somebody else is noticed, although the configuration stays', async () => {
    await incus('snapshot', 'create', name, 'by-hand');
    const running = guard.start(['run', name, '--soak', '30s', '--', 'sh', '-c', 'echo v9 >/srv/app; sync']);
    await waitFor(async () => (await readInside(host, name, '/srv/app')) === 'v9');
    // The command has ended, so the restore does not cut it off.
    await waitFor(async () => !(await inside(host, name, 'ps', 'ax')).includes('echo v9'));
    const body = JSON.stringify({ restore: 'by-hand', disk_only: true });
    await incus('query', '-X', 'PUT', '-d', body, '--wait', `/1.0/instances/${name}`);
    const { exitCode, stderr } = await running;
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 12 });
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain('Somebody else restored a snapshot');
    await incus('snapshot', 'delete', name, 'by-hand');
  });

  test('an application container is refused with the reason', async () => {
    await incus('config', 'set', name, 'volatile.container.oci=true');
    const { status, stderr } = await run('--', 'true');
    expect(status).toBe(30);
    expect(stderr).toContain('application container');
  });
});
