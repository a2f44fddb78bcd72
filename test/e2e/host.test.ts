import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  bringUp,
  imageOf,
  incus,
  killDaemon,
  startDaemon,
  stopDaemon,
  takeDown,
  waitFor,
  withContainer,
  type Host,
} from '../host/host.ts';
import { reviveDaemon } from '../host/test-server.ts';

// Two test runs on one machine do not get into each other's way.
const run = process.pid % 100_000;

let main: Host;
let own: Host;

beforeAll(async () => {
  main = await bringUp();
  own = await bringUp({ name: `own-${run}`, dirPool: true, poolSize: '4GiB' });
});

afterAll(() => takeDown(own));

test('a container boots without a failed unit, has an address, and reaches the package mirror', () =>
  withContainer(own, { prefix: 'host' }, async ({ name, exec }) => {
    expect(await exec('systemctl', '--failed', '--plain', '--no-legend')).toBe('');
    expect(await exec('hostname')).toBe(name);
    expect(await exec('ip', '-4', '-o', 'address', 'show', 'eth0')).toMatch(/inet 10\.86\.\d+\.\d+\/24/);
    await exec('apt-get', 'update', '--error-on=any');
    await exec('apt-get', 'install', '--yes', 'hello');
    expect(await exec('hello')).toContain('Hello');
  }));

// systemd 256 and later refuses to start where it sees cgroup v1.
test('a release with the newest systemd boots without a failed unit', async () => {
  const image = await imageOf(own, 'trixie');
  await withContainer(own, { prefix: 'host', image }, async ({ exec }) => {
    expect(await exec('systemctl', '--failed', '--plain', '--no-legend')).toBe('');
    expect(await exec('systemctl', '--version')).toMatch(/^systemd 2[5-9]\d/);
  });
});

test.each(['kill', 'stop'] as const)('containers survive the daemon (%s) and obey the next one', (how) =>
  withContainer(own, { prefix: 'host' }, async ({ name, exec }) => {
    await incus(own, 'snapshot', 'create', name, 'before');
    await exec('touch', '/root/after');
    const init = await pidOf(own, name);

    await (how === 'kill' ? killDaemon(own) : stopDaemon(own));
    await expect(incus(own, 'list')).rejects.toThrow('unix.socket');
    expect(existsSync(`/proc/${init}`)).toBe(true);
    await startDaemon(own);

    expect(await pidOf(own, name)).toBe(init);
    await incus(own, 'snapshot', 'restore', name, 'before');
    await waitFor(async () => (await exec('ls', '/root')) === '');
  }),
);

test('a daemon that died by itself is told with its last words, and the next one runs', async () => {
  const home = join(own.incusDir, '..');
  await killDaemon(own);
  const before = await readFile(join(home, 'daemon.out'), 'utf8');
  reviveDaemon(own.env);
  expect(await incus(own, 'query', '/1.0')).toContain('api_extensions');
  expect(await readFile(join(home, 'deaths'), 'utf8')).toContain(`of host ${own.name} died by itself`);
  expect(await readFile(join(home, 'daemon.out'), 'utf8')).toContain(before);

  const deaths = await readFile(join(home, 'deaths'), 'utf8');
  reviveDaemon(own.env);
  expect(await readFile(join(home, 'deaths'), 'utf8')).toBe(deaths);
});

test('hosts do not see each other', async () => {
  expect(own.socket).not.toBe(main.socket);
  await withContainer(own, { prefix: 'host', launch: ['--storage', 'dirpool'] }, async ({ name }) => {
    expect(await incus(main, 'list', '--format', 'csv', '--columns', 'n')).not.toContain(name);
  });
});

test('down takes a host away with its running containers, and leaves nothing', async () => {
  const host = await bringUp({ name: `gone-${run}`, poolSize: '2GiB' });
  await incus(host, 'launch', 'guard-debian', 'host-left');
  const init = await pidOf(host, 'host-left');

  await takeDown(host);

  // The machine's PID 1 takes its time to bury it.
  await waitFor(() => !existsSync(`/proc/${init}`));
  expect(existsSync(host.incusDir)).toBe(false);
  expect(existsSync(`/sys/class/net/gt-${host.name}`)).toBe(false);
  expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(`/${host.name}/`);
  expect((await execa('losetup', ['--all'])).stdout).not.toContain(`/${host.name}/`);
  expect((await execa('nft', ['list', 'ruleset'])).stdout).not.toContain(`gt-${host.name}`);
});

test('a name that cannot be an interface is refused with a sentence', async () => {
  await expect(bringUp({ name: 'Too long for a host' })).rejects.toThrow("a host's name is 1 to 12 of a-z, 0-9 and -");
});

const pidOf = async (host: Host, name: string): Promise<number> => {
  const state: unknown = JSON.parse(await incus(host, 'query', `/1.0/instances/${name}/state`));
  return (state as { pid: number }).pid;
};
