import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileExists, guardUnderTest, snapshotNames, statusOf, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-rollback';
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

const quick = ['--soak', '0s'];

const lastRun = async (): Promise<string> => {
  const { stdout } = await guard.run(['runs', '--json', '--limit', '1']);
  return (JSON.parse(stdout) as { run: string }).run;
};

test('goes back to a kept restore point, and keeps the way forward again', async () => {
  await guard.run([...quick, instance, '--', 'touch', '/root/first']);
  const first = await lastRun();
  await guard.run([...quick, instance, '--', 'touch', '/root/second']);

  const back = await guard.run(['rollback', '-y', instance, first]);
  expect(back.status).toBe(0);
  expect(await fileExists(instance, '/root/first')).toBe(false);
  expect(await fileExists(instance, '/root/second')).toBe(false);
  expect(await statusOf(instance)).toBe('Running');
  const way = await lastRun();
  expect(await snapshotNames(instance)).toContain(`guard-${way}`);

  // Nothing is further back, and nobody is taken forward without asking for it.
  expect((await guard.run(['rollback', '-y', instance])).status).toBe(30);
  expect((await guard.run(['rollback', '-y', instance, '--redo'])).status).toBe(0);
  expect(await fileExists(instance, '/root/first')).toBe(true);
  expect(await fileExists(instance, '/root/second')).toBe(true);
  expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  expect(await incusCommand('config', 'get', instance, 'user.guard.run')).toBe('');
});

test('goes one step further back each time, says where, and changes nothing with --dry-run', async () => {
  await guard.run([...quick, instance, '--', 'touch', '/root/third']);
  await guard.run([...quick, instance, '--', 'touch', '/root/fourth']);
  const dry = await guard.run(['rollback', instance, '--dry-run']);
  expect(dry.status).toBe(0);
  expect(dry.stdout).toMatch(/would be rolled back to .* ago \(run .*, before: touch \/root\/fourth\)/);
  expect(await fileExists(instance, '/root/fourth')).toBe(true);
  expect((await guard.run(['rollback', '-y', instance])).status).toBe(0);
  expect(await fileExists(instance, '/root/fourth')).toBe(false);
  expect(await fileExists(instance, '/root/third')).toBe(true);
  expect((await guard.run(['rollback', '-y', instance])).status).toBe(0);
  expect(await fileExists(instance, '/root/third')).toBe(false);
});

test('64: nobody can be asked, and -y is missing; nothing is changed', async () => {
  const ended = await guard.run(['rollback', instance]);
  expect(ended.status).toBe(64);
  expect(ended.stderr).toContain('Pass -y to roll back without a question.');
});

test('30: a run that left no restore point, with those there are', async () => {
  const ended = await guard.run(['rollback', '-y', instance, '19990101']);
  expect(ended.status).toBe(30);
  expect(ended.stderr).toContain(await lastRun());
});

test('64: the beginning of several ids is not guessed; nothing is changed', async () => {
  for (const name of ['one', 'two']) await guard.run([...quick, instance, '--', 'touch', `/root/${name}`]);
  const ended = await guard.run(['rollback', '-y', instance, (await lastRun()).slice(0, 4)]);
  expect(ended.status).toBe(64);
  expect(ended.stderr).toMatch(/matches more than one restore point of/);
  expect(await fileExists(instance, '/root/two')).toBe(true);
});

test('30: a restore point that was removed meanwhile; the instance is not stopped (F2)', async () => {
  await guard.run([...quick, instance, '--', 'true']);
  const run = await lastRun();
  await incusCommand('snapshot', 'delete', instance, `guard-${run}`);
  const boot = await incusCommand('exec', instance, '--', 'stat', '-c', '%y', '/proc/1');
  const ended = await guard.run(['rollback', '-y', instance, run]);
  expect(ended.status).toBe(30);
  expect(await incusCommand('exec', instance, '--', 'stat', '-c', '%y', '/proc/1')).toBe(boot);
});
