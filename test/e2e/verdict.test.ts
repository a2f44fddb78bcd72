import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardUnderTest, type Ended, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, openTestIncus, remove } from './incus-subject.ts';
import { booted, inside, lookUntil } from './instance-facts.ts';

const { platform, close } = openTestIncus();
const instance = 'gr-verdict';
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
  await lookUntil(platform, instance, booted);
  await inside(
    instance,
    `printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/worker.service
systemctl enable --now worker`,
  );
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
  close();
});

/** The same change may be tried once more, where the machine was too slow for the first try. */
const change = (script: string, ...options: readonly string[]): Promise<Ended> =>
  guard.run(['--retry', '--soak', '0s', ...options, instance, '--', 'sh', '-c', script]);

const process1 = (): Promise<string> => incusCommand('exec', instance, '--', 'cut', '-d ', '-f22', '/proc/1/stat');

describe('a change that shows at the next boot', () => {
  const disable = 'systemctl disable worker';

  test('is rolled back without a restart too', async () => {
    const ended = await change(`${disable} && touch /etc/seen`);
    expect(ended.stderr).toContain('worker.service runs, but does not start at boot any more');
    expect(ended.status).toBe(11);
  });

  test('is rolled back with --restart', async () => {
    const ended = await change(disable, '--restart', '--verify-timeout', '15s');
    expect(ended.stderr).toContain('worker.service was running, is now stopped');
    expect(ended.status).toBe(11);
  });

  test('is rolled back where nothing boots any more', async () => {
    const ended = await change('ln -sf /bin/false /sbin/init', '--restart', '--verify-timeout', '20s');
    expect(ended.stderr).toMatch(/is not running|commands in it do not work|did not start/);
    expect([11, 12]).toContain(ended.status);
    await inside(instance, 'systemctl is-active --quiet worker');
  });

  test('is kept after the restart where all is well', async () => {
    const before = await process1();
    const ended = await change('touch /etc/changed', '--restart');
    expect(ended.stderr).toContain('kept');
    expect(ended.status).toBe(0);
    expect(await process1()).not.toBe(before);
  });
});

describe('a check that says no, and one that never answers', () => {
  const asking = ['--check', 'test ! -e /no && { test ! -e /hang || sleep 1000; }', '--check-timeout', '1s'];
  const soon = ['--check-interval', '200ms', '--check-retries', '2', '--verify-timeout', '5s'];

  test.each([
    ['no', 'touch /no', ['--on-failure', 'timeout=keep'], 11],
    ['no answer (F33)', 'touch /hang', [], 12],
    [
      'no answer, kept by the policy for it',
      'touch /hang',
      ['--on-failure', 'timeout=keep', '--name', 'before-hang'],
      13,
    ],
  ])('%s', async (_name, script, policy, status) => {
    const ended = await change(script, ...asking, ...soon, ...policy);
    expect(ended.stderr).toContain(script.includes('hang') ? 'no check answered in time' : 'not healthy');
    expect(ended.status).toBe(status);
    if (status === 13) await incusCommand('snapshot', 'restore', instance, 'before-hang');
  });

  test('a window in which it could never fail is a mistake of the configuration (F32)', async () => {
    const file = join(guard.stateDirectory, 'short.yaml');
    await writeFile(file, 'defaults:\n  soak: 5s\n  checks:\n    web: { exec: "true", interval: 10s, retries: 3 }\n');
    const ended = await guard.run(['--config', file, instance, '--', 'touch', '/etc/never']);
    expect(ended.stderr).toContain('could never fail');
    expect(ended.status).toBe(78);
  });
});
