import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bringUp, incus, takeDown, waitFor, type Host } from '../host/host.ts';
import { guardUnderTest, type Ended, type GuardUnderTest } from './guard.ts';

// Two servers with an instance of the same name, and one state directory: a record tells which of them it is of.

const instance = 'e2e-two';
let hosts: readonly [Host, Host];
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  const stamp = Date.now().toString(36).slice(-6);
  hosts = [await bringUp({ name: `one-${stamp}` }), await bringUp({ name: `two-${stamp}` })];
  for (const host of hosts) {
    await incus(host, 'launch', 'guard-debian', instance);
    await waitFor(async () => (await on(host, 'check', instance)).status === 0);
  }
});
afterAll(async () => {
  await guard.remove();
  await Promise.all(hosts.map(takeDown));
});

/** guard with the environment of one of the servers. */
const on = (host: Host, ...words: string[]): Promise<Ended> => guard.run(words, { env: { ...host.env } });
const snapshotsOn = (host: Host): Promise<string> => incus(host, 'snapshot', 'list', instance, '--format', 'csv');

describe('records of two servers', () => {
  test('guard runs has no column SERVER while the records are of one', async () => {
    expect((await on(hosts[0], '--soak', '0s', instance, '--', 'true')).status).toBe(0);
    expect((await on(hosts[0], 'runs')).stdout).not.toContain('SERVER');
  });

  test('guard runs shows in SERVER which one each run is of', async () => {
    expect((await on(hosts[1], '--soak', '0s', instance, '--', 'true')).status).toBe(0);
    const [heading = '', second = '', first = ''] = (await on(hosts[0], 'runs')).stdout.split('\n');
    const column = heading.indexOf('SERVER');
    const names = [first, second].map((line) => line.slice(column).match(/^local \S{12}(?= )/)?.[0]);
    expect(column).toBeGreaterThan(0);
    expect(names[0]).toBeDefined();
    expect(names[1]).toBeDefined();
    expect(names[0]).not.toBe(names[1]);

    const json = (await on(hosts[0], 'runs', '--json')).stdout.trim().split('\n');
    const servers = json.map((line) => (JSON.parse(line) as { server: string }).server);
    expect(servers.map((server) => `local ${server.slice(0, 12)}`)).toEqual([names[1], names[0]]);
  });

  test('30: guard recover on the other server says so and changes nothing; on its own it finishes the run', async () => {
    const words = ['--json', instance, '--', 'sh', '-c', 'touch /root/changed; echo on; sleep 600'];
    const run = guard.start(words, { env: { ...hosts[0].env } });
    let seen = '';
    run.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
    await waitFor(() => seen.includes('"data":"on\\n"'));
    run.kill('SIGKILL');
    await run;

    const before = await snapshotsOn(hosts[1]);
    for (const target of [[], [instance]]) {
      const elsewhere = await on(hosts[1], 'recover', ...target);
      expect([target, elsewhere.status, elsewhere.stderr]).toEqual([
        target,
        30,
        expect.stringContaining('was made on another server.'),
      ]);
      expect(elsewhere.stderr).toContain('Recover it with the INCUS_DIR, INCUS_SOCKET or remote of that server.');
    }
    expect(await snapshotsOn(hosts[1])).toBe(before);
    expect(await snapshotsOn(hosts[0])).toContain('guard-in-flight');

    expect((await on(hosts[0], 'recover')).status).toBe(0);
    const left = await execa('incus', ['exec', instance, '--', 'ls', '/root'], { env: hosts[0].env });
    expect(left.stdout).not.toContain('changed');
  });
});
