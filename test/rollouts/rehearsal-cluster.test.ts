import { resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { guardUnderTest, type GuardUnderTest } from '../e2e/guard.ts';

// Rehearsals on a cluster of three daemons: guard talks to the first member, and the copy is where the instance is.

const script = resolve('test/host/cluster.sh');
const cluster = 'recluster';
const members = ['1', '2', '3'] as const;
let guard: GuardUnderTest;
let env: Record<string, string>;

const clusterCommand = (command: string, ...words: string[]) =>
  execa('bash', [script, command, cluster, ...words], { stdin: 'ignore' });
const incus = async (...words: string[]): Promise<string> =>
  (await execa('incus', words, { env, extendEnv: true, stdin: 'ignore' })).stdout;
const copies = (): Promise<string> =>
  incus('list', '--project', 'guard-rehearsal', '--columns', 'nL', '--format', 'csv').catch(() => '');

beforeAll(async () => {
  await clusterCommand('up');
  const { stdout } = await clusterCommand('env', '1');
  env = Object.fromEntries(
    [...stdout.matchAll(/export (\w+)='(.*)'/g)].map(([, name = '', value = '']) => [name, value]),
  );
  await execa('bash', ['test/host/host.sh', 'image', '--name', `${cluster}-1`], { stdin: 'ignore' });
  for (const member of members) await incus('network', 'create', 'front', '--target', `${cluster}-${member}`);
  await incus('network', 'create', 'front', 'ipv4.address=10.77.5.1/24', 'ipv6.address=none');
  for (const name of ['on-1', 'on-2'])
    await incus('launch', 'guard-debian', name, '--target', `${cluster}-${name.at(-1)}`, '--network', 'front');
  guard = await guardUnderTest();
  for (const name of ['on-1', 'on-2']) await waitFor(async () => (await run('check', name)).status === 0);
});

afterAll(async () => {
  await guard.remove();
  await clusterCommand('down');
});

const run = (...words: string[]) => guard.run(words, { env });
const quickly = ['--rehearse=copy', '--soak', '0s', '--verify-timeout', '30s'];

/** Rehearses a command that waits, and gives where its copy was meanwhile. */
const rehearse = async (instance: string) => {
  const running = guard.start(['rehearse', ...quickly, instance, '--', 'sleep', '2'], { env });
  let seen = '';
  await waitFor(async () => (seen = await copies()) !== '', { limitMs: 120_000 });
  const { exitCode, stderr } = await running;
  expect(await copies()).toBe('');
  return { seen, exitCode, stderr };
};

test('the copy is on the member of its instance, with the isolated network and the way to packages', async () => {
  const { seen, exitCode, stderr } = await rehearse('on-1');
  expect([seen, exitCode]).toEqual([`on-1,${cluster}-1`, 0]);
  expect(stderr).not.toContain('another machine');
  const networks = JSON.parse(await incus('network', 'list', '--format', 'json')) as {
    name: string;
    locations: string[] | null;
    status: string;
  }[];
  expect(networks.find(({ name }) => name === 'guardreh0')).toMatchObject({
    status: 'Created',
    locations: members.map((member) => `${cluster}-${member}`),
  });
});

test('on another member than guard’s own, without packages, and the report says so', async () => {
  const { seen, exitCode, stderr } = await rehearse('on-2');
  expect([seen, exitCode]).toEqual([`on-2,${cluster}-2`, 0]);
  expect(stderr).toContain('a copy on another machine than guard cannot reach package sources');
});

test('guard recover removes the copy from the other member', async () => {
  const running = guard.start(['rehearse', ...quickly, 'on-2', '--', 'sleep', '60'], { env });
  await waitFor(async () => (await copies()) !== '', { limitMs: 120_000 });
  running.kill('SIGKILL');
  await running;
  expect(await run('recover')).toMatchObject({ status: 0 });
  expect(await copies()).toBe('');
});
