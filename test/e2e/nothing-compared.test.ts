import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { fileExists, guardUnderTest, snapshotNames, type GuardUnderTest } from './guard.ts';
import { incusCommand, remove } from './incus-subject.ts';

/** An init that only removes its own configuration, and no network. */
const instance = 'e2e-bare';
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await execa('sh', [join(import.meta.dirname, 'busybox-image.sh')]);
  await remove(instance);
  await incusCommand('init', 'guard-busybox', instance);
  await incusCommand('config', 'device', 'add', instance, 'eth0', 'none');
  await execa('incus', ['file', 'push', '-', `${instance}/etc/inittab`], {
    input: '::sysinit:/bin/rm /etc/inittab\n',
  });
  await incusCommand('file', 'delete', `${instance}/etc/start`, `${instance}/etc/web`);
  await incusCommand('start', instance);
  await vi.waitUntil(async () => !(await fileExists(instance, '/etc/inittab')), { timeout: 30_000 });
}, 120_000);
afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

const missing = 'no service manager, no package manager';

describe('an instance in which nothing can be compared', () => {
  test('guard check is inconclusive and says what is missing', async () => {
    const { status, stdout } = await guard.run(['check', instance]);
    expect(status).toBe(3);
    expect(stdout).toContain(`${instance} is inconclusive`);
    expect(stdout).toContain('nothing inside can be compared, and no check is configured');
    expect(stdout).toContain('compared before and after a change: nothing');
    expect(stdout).toContain(`cannot be compared: ${missing}`);
    const json = await guard.run(['check', '--json', instance]);
    expect(json.status).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({
      verdict: 'inconclusive',
      coverage: { compared: [], missing: missing.split(', ') },
    });
  });

  test('guard plan says that the run would be refused, and what is missing', async () => {
    const { status, stdout } = await guard.run(['plan', instance, '--', 'true']);
    expect(status).toBe(30);
    expect(stdout).toContain(`${missing}; compared: nothing`);
    expect(stdout).toContain('The run would be refused, because the health of the instance cannot be determined');
    const accepted = await guard.run(['plan', '--automatic=optional', instance, '--', 'true']);
    expect(accepted.status).toBe(0);
    expect(accepted.stdout).toContain(`${missing}; compared: nothing`);
    expect(accepted.stdout).toContain('nothing would be compared or checked');
    expect(accepted.stdout).not.toContain(`${instance} is healthy`);
  });

  test('a run without checks is refused before it changes anything', async () => {
    const { status, stderr } = await guard.run([instance, '--', 'touch', '/root/changed']);
    expect(status).toBe(30);
    expect(stderr).toContain(`"${instance}" cannot be checked: nothing inside can be compared`);
    expect(stderr).toContain('accept a run that compares nothing with --automatic=optional');
    expect(stderr).toContain('Nothing was changed.');
    expect(await snapshotNames(instance)).toEqual([]);
    expect(await incusCommand('exec', instance, '--', 'ls', '/root')).not.toContain('changed');
  });

  test('--automatic=optional accepts the run, which says that the health is unknown', async () => {
    const words = ['--automatic=optional', '--soak', '0s', instance, '--', 'touch', '/root/changed'];
    const { status, stderr } = await guard.run(words);
    expect(status).toBe(0);
    expect(stderr).toContain(
      `Nothing was compared and no check was run, so the health of ${instance} is unknown.\n  ${missing}; compared: nothing\n`,
    );
    expect(await incusCommand('exec', instance, '--', 'ls', '/root')).toContain('changed');
  });

  test('--no-automatic accepts such a run by itself, and says the same', async () => {
    const words = ['--no-automatic', '--soak', '0s', instance, '--', 'true'];
    const planned = await guard.run(['plan', ...words]);
    expect([planned.status, planned.stdout]).toEqual([
      0,
      expect.stringContaining('nothing would be compared or checked'),
    ]);
    const { status, stderr } = await guard.run(words);
    expect(status).toBe(0);
    expect(stderr).toContain('Verify: nothing was compared or checked');
    expect(stderr).toContain(`so the health of ${instance} is unknown.`);
    expect(stderr).not.toContain('healthy');
  });

  test('a check of the user is enough', async () => {
    const { status, stderr } = await guard.run(['--check', 'true', '--soak', '0s', instance, '--', 'true']);
    expect([status, stderr]).toEqual([0, expect.stringContaining(`${instance} is healthy`)]);
  });
});
