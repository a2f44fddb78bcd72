import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import {
  addressOf,
  client,
  fileExists,
  guardUnderTest,
  restoreWords,
  snapshotNames,
  statusOf,
  type GuardUnderTest,
  type Started,
} from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-elsewhere';
let guard: GuardUnderTest;
let other: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  other = await guardUnderTest();
  await launch(instance);
});

afterAll(async () => {
  await remove(instance);
  await Promise.all([guard.remove(), other.remove()]);
});

/** A guard whose command has changed something and goes on. Wrapped, since awaiting the guard itself is awaiting its end. */
const changing = async (): Promise<{ readonly process: Started }> => {
  const process = guard.start([
    '--soak',
    '0s',
    '--retry',
    instance,
    '--',
    'sh',
    '-c',
    'touch /root/changed; sleep 1000',
  ]);
  await waitFor(() => fileExists(instance, '/root/changed'));
  return { process };
};

/** A run whose command has changed something, and whose guard is dead. */
const leftRun = async (): Promise<void> => {
  const { process } = await changing();
  process.kill('SIGKILL');
  await process;
};

test('a mark that nobody can read is refused, and both ways out that are named work', async () => {
  await leftRun();
  await incusCommand('config', 'set', instance, 'user.guard.run={"v":9}');
  const refused = await other.run(['recover', instance]);
  expect(refused.status).toBe(30);
  expect(refused.stderr).toContain('cannot be read');
  const named = refused.stderr.replace(/\s+/g, ' ');
  expect(named).toContain(`${restoreWords} ${addressOf(instance)} guard-in-flight`);
  expect(named).toContain(`${client} config unset ${addressOf(instance)} user.guard.run`);
  expect(await fileExists(instance, '/root/changed')).toBe(true);

  // Kept as it is, with the restore point that leads back.
  await incusCommand('config', 'unset', instance, 'user.guard.run');
  expect((await other.run(['recover', instance, '--take-over'])).status).toBe(0);
  expect(await fileExists(instance, '/root/changed')).toBe(true);
  const [kept = ''] = (await snapshotNames(instance)).filter((name) => name.startsWith('guard-'));
  expect(kept).toMatch(/^guard-\d{8}-/);
  await incusCommand('snapshot', 'restore', instance, kept);
  expect(await fileExists(instance, '/root/changed')).toBe(false);
  await incusCommand('snapshot', 'delete', instance, kept);
  // The host that has the record finds nothing to undo any more.
  await guard.run(['recover']);
  expect(await statusOf(instance)).toBe('Running');
  expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
});

test('what a rollback undoes in the configuration is said, and the description stays (F22)', async () => {
  const { process } = await changing();
  await incusCommand('config', 'set', instance, 'user.note=secret', 'boot.autostart=false');
  await incusCommand('config', 'set', instance, '--property', 'description=the shop');
  process.kill('SIGTERM');
  const ended = await process;
  expect(ended.exitCode).toBe(143);
  const said = ended.stderr.replace(/\s+/g, ' ');
  expect(said).toContain('key boot.autostart (added), key user.note (added)');
  expect(said).not.toContain('secret');
  expect(await incusCommand('config', 'get', instance, 'user.note')).toBe('');
  expect(await incusCommand('config', 'get', instance, '--property', 'description')).toBe('the shop');
});
