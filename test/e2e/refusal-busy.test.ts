import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { guardUnderTest, snapshotNames, type GuardUnderTest, type Started } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'cm-busy';
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

const quick = ['--soak', '0s', '--no-automatic'];

/** Adds a line to a file inside: what ran is what is counted, not what guard says of it. */
const addLine = ['sh', '-c', 'echo ran >> /root/ran; echo started; while [ ! -e /root/go ]; do sleep 0.1; done'];

const linesInside = async (): Promise<number> =>
  (await incusCommand('exec', instance, '--', 'cat', '/root/ran')).split('\n').filter((line) => line === 'ran').length;

// Whoever still holds it after a test that failed lets go, so that no other test waits for it.
afterEach(async () => {
  await incusCommand('exec', instance, '--', 'touch', '/root/go');
  await waitFor(async () => !(await snapshotNames(instance)).includes('guard-in-flight'), { limitMs: 60_000 });
});

const firstOutput = (started: Started): Promise<void> =>
  new Promise((resolve) => {
    started.stdout.once('data', () => resolve());
  });

test('of twenty guards at once exactly one works; the others say who does, and change nothing (F13)', async () => {
  await incusCommand('exec', instance, '--', 'rm', '-f', '/root/go', '/root/ran');
  const kept = async (): Promise<number> =>
    (await snapshotNames(instance)).filter((name) => /^guard-\d{8}-/.test(name)).length;
  const keptBefore = await kept();
  const all = Array.from({ length: 20 }, () => guard.start([...quick, instance, '--', ...addLine]));
  const winner = await Promise.race(all.map((one, at) => firstOutput(one).then(() => at)));
  const others = await Promise.all(all.filter((_, at) => at !== winner));
  expect(others.map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 19 }, () => 31));
  for (const { stderr } of others) expect(stderr).toMatch(/busy/);
  await incusCommand('exec', instance, '--', 'touch', '/root/go');
  expect((await all[winner])?.exitCode).toBe(0);
  expect(await linesInside()).toBe(1);
  expect(await kept()).toBe(keptBefore + 1);
  expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  expect(await incusCommand('config', 'get', instance, 'user.guard.run')).toBe('');
});

test('those that wait for the lock get it one after another, and none is forgotten', async () => {
  const stamp = (at: number): string =>
    `test ! -e /root/inside && touch /root/inside && echo ${at} >> /root/order && sleep 0.2 && rm /root/inside`;
  const all = await Promise.all(
    [1, 2, 3, 4].map((at) => guard.run([...quick, '--wait-lock', '2m', instance, '--', 'sh', '-c', stamp(at)])),
  );
  expect(all.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
  const order = (await incusCommand('exec', instance, '--', 'cat', '/root/order')).split('\n');
  expect(order.toSorted()).toEqual(['1', '2', '3', '4']);
});

test('who waits no longer than --wait-lock says is told who holds the instance', async () => {
  await incusCommand('exec', instance, '--', 'rm', '-f', '/root/go');
  const holder = guard.start([...quick, instance, '--', ...addLine]);
  await firstOutput(holder);
  const waited = await guard.run([...quick, '--wait-lock', '1s', instance, '--', 'touch', '/root/waited']);
  expect(waited.status).toBe(31);
  expect(waited.stderr).toContain(`pid ${holder.pid}`);
  await incusCommand('exec', instance, '--', 'touch', '/root/go');
  expect((await holder).exitCode).toBe(0);
});

test('a signal ends the wait for the lock, and the run that holds it is not disturbed', async () => {
  await incusCommand('exec', instance, '--', 'rm', '-f', '/root/go');
  const holder = guard.start([...quick, instance, '--', ...addLine]);
  await firstOutput(holder);
  const waiting = guard.start([...quick, '--wait-lock', '10m', '--json', instance, '--', 'touch', '/root/waited']);
  await shows(waiting, '"phase":"restore-point"');
  waiting.kill('SIGTERM');
  const ended = await waiting;
  expect(ended.exitCode).toBe(143);
  await incusCommand('exec', instance, '--', 'touch', '/root/go');
  expect((await holder).exitCode).toBe(0);
});

test('what the other run changed meanwhile is not held against the one that waited: it asks again under the lock', async () => {
  await incusCommand('exec', instance, '--', 'rm', '-f', '/root/go');
  await incusCommand('exec', instance, '--', 'touch', '/root/flag');
  const holder = guard.start([
    ...quick,
    instance,
    '--',
    'sh',
    '-c',
    'echo started; while [ ! -e /root/go ]; do sleep 0.1; done; rm /root/flag',
  ]);
  await firstOutput(holder);
  const checks = ['--check', 'test -e /root/flag', '--check-interval', '100ms', '--verify-timeout', '5s'];
  const waiting = guard.start([...quick, ...checks, '--wait-lock', '10m', '--json', instance, '--', 'true']);
  await shows(waiting, '"phase":"restore-point"');
  await incusCommand('exec', instance, '--', 'touch', '/root/go');
  expect((await holder).exitCode).toBe(0);
  // Unhealthy already, which the first answer, of before the wait, did not say.
  expect((await waiting).exitCode).toBe(30);
  expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  expect(await incusCommand('config', 'get', instance, 'user.guard.run')).toBe('');
});

/** Waits for an event in the output of `--json`. */
const shows = (started: Started, text: string): Promise<void> =>
  new Promise((resolve) => {
    let seen = '';
    started.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      if (seen.includes(text)) resolve();
    });
  });
