import { resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { guardUnderTest, type GuardUnderTest } from '../e2e/guard.ts';

// A cluster of three daemons on the loopback, with two containers on each member; one member goes away in the middle.

const script = resolve('test/host/cluster.sh');
const cluster = 'rocluster';
const names = ['m1-a', 'm2-a', 'm3-a', 'm1-b', 'm2-b', 'm3-b'];
let guard: GuardUnderTest;
let env: Record<string, string>;

const clusterCommand = (command: string, ...words: string[]) =>
  execa('bash', [script, command, cluster, ...words], { stdin: 'ignore' });
const incus = async (...words: string[]): Promise<string> =>
  (await execa('incus', words, { env, extendEnv: true, stdin: 'ignore' })).stdout;

beforeAll(async () => {
  await clusterCommand('up');
  const { stdout } = await clusterCommand('env', '1');
  env = Object.fromEntries(
    [...stdout.matchAll(/export (\w+)='(.*)'/g)].map(([, name = '', value = '']) => [name, value]),
  );
  await execa('sh', ['test/e2e/busybox-image.sh'], { env, stdin: 'ignore' });
  for (const name of names) await incus('launch', 'guard-busybox', name, '--target', `${cluster}-${name.charAt(1)}`);
  guard = await guardUnderTest();
});

afterAll(async () => {
  await guard.remove();
  await clusterCommand('down');
});

const run = (words: readonly string[]) => guard.run(words, { env });
const linesIn = async (path: string): Promise<string[]> =>
  Promise.all(names.map((name) => incus('exec', name, '--', 'cat', path)));

test('--spread-by location never changes two instances of one member at once', async () => {
  const ended = await run([
    '--all',
    '--spread-by',
    'location',
    '--max-parallel',
    '6',
    '--soak',
    '0s',
    '--json',
    '--',
    'sleep',
    '2',
  ]);
  expect(ended.status).toBe(0);
  const busy: string[] = [];
  let most = 0;
  let together = 0;
  for (const line of ended.stdout.split('\n').filter(Boolean)) {
    const event = JSON.parse(line) as { type: string; id?: string };
    const member = event.id?.split('/').at(-1)?.charAt(1) ?? '';
    if (event.type === 'member-begun') busy.push(member);
    if (event.type === 'member-ended') busy.splice(busy.indexOf(member), 1);
    most = Math.max(most, busy.length);
    together = Math.max(together, busy.length - new Set(busy).size);
  }
  expect(together).toBe(0);
  expect(most).toBe(3);
});

test('a member that goes away pauses the rollout, and resume goes on when it is back', async () => {
  const started = guard.start(['--soak', '0s', ...names, '--', 'sh', '-c', 'echo once >>/root/line; sleep 2'], { env });
  await waitFor(async () => {
    const seen = await execa('incus', ['exec', 'm1-a', '--', 'test', '-e', '/root/line'], {
      env,
      reject: false,
      stdin: 'ignore',
    });
    return seen.exitCode === 0;
  });
  await clusterCommand('stop', '3');
  const paused = await started;
  expect(paused).toMatchObject({
    exitCode: 41,
    stderr: expect.stringContaining('2 kept, 1 inconclusive, 3 not started') as string,
  });
  await clusterCommand('start', '3');
  await waitFor(async () => {
    await execa('incus', ['start', 'm3-a', 'm3-b'], { env, reject: false, stdin: 'ignore' });
    const states = await incus('list', 'm3', '--format', 'csv', '--columns', 's');
    return states === 'RUNNING\nRUNNING';
  });
  const resumed = await run(['rollout', 'resume', 'last']);
  expect(resumed).toMatchObject({ status: 0, stderr: expect.stringContaining('6 kept') as string });
  expect(await linesIn('/root/line')).toEqual(names.map(() => 'once'));
});
