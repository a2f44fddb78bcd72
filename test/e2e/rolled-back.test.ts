import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileExists, guardUnderTest, snapshotNames, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-rolled-back';
const other = 'gr-rolled-back-other';
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await Promise.all([launch(instance), launch(other)]);
});

afterAll(async () => {
  await Promise.all([remove(instance), remove(other)]);
  await guard.remove();
});

const quick = ['--soak', '0s', '--retry'];

test('a change that fails removes no older restore point, however few are wanted (F11)', async () => {
  for (let run = 0; run < 2; run += 1)
    expect((await guard.run([...quick, '--keep', '5', instance, '--', 'true'])).status).toBe(0);
  const before = await snapshotNames(instance);
  expect(before.length).toBeGreaterThanOrEqual(2);
  expect((await guard.run([...quick, '--keep', '1', instance, '--', 'false'])).status).toBe(10);
  expect(await snapshotNames(instance)).toEqual(before);
  expect((await guard.run([...quick, '--keep', '1', instance, '--', 'true'])).status).toBe(0);
  expect(await snapshotNames(instance)).toHaveLength(1);
});

test('"rolled back" is only said of an instance whose network is back as well (F8, F48)', async () => {
  const address = () => incusCommand('exec', instance, '--', 'ip', '-4', '-o', 'address', 'show', 'eth0');
  const before = /inet \S+/.exec(await address())?.[0];
  expect(before).toMatch(/^inet 10\./);
  expect((await guard.run([...quick, instance, '--', 'sh', '-c', 'ip address flush dev eth0; exit 1'])).status).toBe(
    10,
  );
  expect(/inet \S+/.exec(await address())?.[0]).toBe(before);
});

test('what was written just before the restore point is in it, whole, without a sync (F21)', async () => {
  const write = 'head -c 20000000 /dev/urandom >/root/fresh; sha256sum </root/fresh';
  const before = await incusCommand('exec', instance, '--', 'sh', '-c', write);
  expect((await guard.run([...quick, instance, '--', 'sh', '-c', '>/root/fresh; exit 1'])).status).toBe(10);
  expect(await incusCommand('exec', instance, '--', 'sh', '-c', 'sha256sum </root/fresh')).toBe(before);
});

test('the description is put back, which Incus does not keep in a snapshot before 6.0.5 (F22)', async () => {
  await incusCommand('config', 'set', instance, '--property', 'description=name servers of the shop');
  expect((await guard.run([...quick, instance, '--', 'false'])).status).toBe(10);
  const { description } = JSON.parse(await incusCommand('query', `/1.0/instances/${instance}`)) as {
    description: string;
  };
  expect(description).toBe('name servers of the shop');
});

test('of several instances the first that is not kept ends the sequence, and the rest are named (F9, F41)', async () => {
  const ended = await guard.run([...quick, instance, other, '--', 'sh', '-c', 'touch /root/begun; exit 1']);
  expect(ended.status).toBe(40);
  expect(ended.stderr).toMatch(new RegExp(`^\\s*${other}\\b.*not started`, 'm'));
  expect(await fileExists(other, '/root/begun')).toBe(false);
  expect(await snapshotNames(other)).toEqual([]);
  expect((await guard.run([...quick, instance, other, '--', 'touch', '/root/begun'])).status).toBe(0);
  expect(await fileExists(other, '/root/begun')).toBe(true);
});
