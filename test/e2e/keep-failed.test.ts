import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  addressOf,
  client,
  fileExists,
  guardUnderTest,
  snapshotNames,
  statusOf,
  type GuardUnderTest,
} from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-failed';
const volume = 'gr-failed-data';
let guard: GuardUnderTest;
let copies: string[] = [];

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
  await incusCommand('storage', 'volume', 'create', 'default', volume).catch(() => '');
  await incusCommand('storage', 'volume', 'attach', 'default', volume, instance, 'data', '/data');
});

afterAll(async () => {
  for (const copy of copies) await remove(copy);
  await remove(instance);
  await incusCommand('storage', 'volume', 'delete', 'default', volume);
  await guard.remove();
});

const instances = async (): Promise<string[]> =>
  (await incusCommand('list', `^${instance}`, '--columns', 'n', '--format', 'csv')).split('\n');

test('--keep-failed keeps what failed as an instance that is stopped and connected to nothing', async () => {
  const words = ['--soak', '0s', '--keep-failed', instance, '--', 'sh', '-c', 'touch /root/failed; exit 1'];
  const ended = await guard.run(words);
  expect(ended.status).toBe(10);
  expect(await fileExists(instance, '/root/failed')).toBe(false);

  copies = (await instances()).filter((name) => name !== instance);
  expect(copies).toEqual([expect.stringMatching(/^gr-failed-failed-\d{8}-\d{6}-\w{4}$/)]);
  const [copy = ''] = copies;
  expect(ended.stderr).toContain(`${client} delete ${addressOf(copy)}`);
  expect(await statusOf(copy)).toBe('Stopped');
  expect(await snapshotNames(copy)).toEqual([]);
  const { config, expanded_devices: devices } = JSON.parse(await incusCommand('query', `/1.0/instances/${copy}`)) as {
    config: Record<string, string>;
    expanded_devices: Record<string, Record<string, string>>;
  };
  expect(config).toMatchObject({ 'boot.autostart': 'false' });
  expect(config).not.toHaveProperty(['user.guard.run']);
  const connected = Object.values(devices).filter((keys) => keys['type'] !== 'none');
  expect(connected).toEqual([expect.objectContaining({ type: 'disk', path: '/' })]);

  // What is in it can be looked at.
  await incusCommand('start', copy);
  expect(await fileExists(copy, '/root/failed')).toBe(true);
  // The volume is still the original's alone, so that the next run covers it.
  const next = await guard.run(['--soak', '0s', '--uncovered', 'refuse', instance, '--', 'true']);
  expect(next.status).toBe(0);
});

test('without it nothing is left of a rolled-back run', async () => {
  const before = await instances();
  expect((await guard.run(['--soak', '0s', instance, '--', 'sh', '-c', 'exit 2'])).status).toBe(10);
  expect(await instances()).toEqual(before);
});
