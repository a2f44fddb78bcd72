import { chmod, mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { waitFor } from '../host/host.ts';
import { fileExists, snapshotNames, statusOf, type GuardUnderTest } from './guard.ts';
import { incusCommand } from './incus-subject.ts';
import type { IncusProxy } from './incus-proxy.ts';
import { withProxiedGuard } from './proxied-guard.ts';

const instance = 'e2e-push';
let guard: GuardUnderTest;
let proxy: IncusProxy;
let folder = '';

withProxiedGuard(instance, (up) => {
  ({ guard, proxy, folder } = up);
});
beforeEach(() => {
  proxy.fail = null;
  proxy.forget();
});

const inside = async (script: string): Promise<string> => incusCommand('exec', instance, '--', 'sh', '-c', script);
const quick = ['--soak', '0s', '--no-automatic', '--retry'];
const at = (path: string): string => join(folder, path);

const makeTree = async (name: string, files: number): Promise<string> => {
  await rm(at(name), { recursive: true, force: true });
  await mkdir(at(`${name}/a b/c`), { recursive: true });
  await chmod(at(`${name}/a b`), 0o750);
  for (let index = 0; index < files; index += 1) await writeFile(at(`${name}/a b/c/${index} ü`), `file ${index}\n`);
  await writeFile(at(`${name}/run me`), '#!/bin/sh\necho ran from "$0"\n', { mode: 0o755 });
  await chmod(at(`${name}/run me`), 0o755);
  await symlink('a b/c/0 ü', at(`${name}/link`));
  return at(name);
};

const makeSparse = async (name: string, bytes: number): Promise<void> => {
  await writeFile(at(name), '');
  await truncate(at(name), bytes);
};

describe('--push', () => {
  test('a tree of a thousand files with spaces, modes, links and an owner; the command is one of them', async () => {
    const tree = await makeTree('tree', 1000);
    const words = ['--push', `${tree}:/srv/app`, '--push-owner', '33:34', instance, '--', '/srv/app/run me'];
    const { status, stdout, stderr } = await guard.run([...quick, ...words]);
    expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: 'ran from /srv/app/run me\n' });
    expect(stderr).toMatch(/guard: Push: 1002 files, \d+\.\d KiB to \/srv\/app/);
    const seen = 'cd /srv/app; find . -type f | wc -l; stat -c "%a %u:%g %N" "a b" "run me" link; cat link';
    expect((await inside(seen)).split('\n')).toEqual([
      '1001',
      "750 33:34 'a b'",
      "755 33:34 'run me'",
      "777 33:34 'link' -> 'a b/c/0 ü'",
      'file 0',
    ]);
  });

  test('the same one by one, where there is no tar', async () => {
    const tree = await makeTree('small', 3);
    await inside('mv "$(command -v tar)" /root/tar.away');
    try {
      const words = [
        '--push',
        `${tree}:/srv/one by/one`,
        '--push-owner',
        '33:34',
        instance,
        '--',
        '/srv/one by/one/run me',
      ];
      const { status, stderr } = await guard.run([...quick, ...words]);
      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect(await inside('cd "/srv/one by/one"; stat -c "%a %u:%g %N" "a b" "run me" link; cat link')).toBe(
        // Incus gives a link to root; nobody asks whose a link is.
        "750 33:34 'a b'\n755 33:34 'run me'\n777 0:0 'link' -> 'a b/c/0 ü'\nfile 0",
      );
      // Again, over what is there.
      expect((await guard.run([...quick, ...words])).status).toBe(0);
    } finally {
      await inside('mv /root/tar.away /usr/bin/tar');
    }
  });

  test('what is there stays: modes of folders, and links to folders', async () => {
    await mkdir(at('etc'), { recursive: true });
    await chmod(at('etc'), 0o700);
    await mkdir(at('root/bin'), { recursive: true });
    await writeFile(at('etc/guard-test'), 'x');
    await writeFile(at('root/bin/guard-test'), 'x');
    const words = ['--push', `${at('etc')}:/etc`, '--push', `${at('root')}:/`, instance, '--', 'true'];
    const { status, stderr } = await guard.run([...quick, ...words]);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(await inside('stat -c %a /etc /; readlink /bin; cat /etc/guard-test /usr/bin/guard-test')).toBe(
      '755\n755\nusr/bin\nxx',
    );
  });

  test('goes back with a rollback, and an upload over a running program works', async () => {
    await writeFile(at('app.conf'), 'new');
    await inside(
      'mkdir -p /opt; echo old > /opt/app.conf; cp /bin/sleep /opt/busy; /opt/busy 600 </dev/null >/dev/null 2>&1 &',
    );
    await writeFile(at('busy'), 'not running');
    const words = ['--push', `${at('app.conf')}:/opt/`, '--push', `${at('busy')}:/opt/busy`, instance, '--'];
    const { status } = await guard.run([...quick, ...words, 'sh', '-c', 'cat /opt/app.conf /opt/busy; exit 3']);
    expect(status).toBe(10);
    expect(await inside('cat /opt/app.conf')).toBe('old');
    expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  });

  test('a push that fails is a failed command: rolled back, and the command is not begun', async () => {
    await writeFile(at('app.conf'), 'new');
    await inside('mkdir -p /opt/is-folder/full');
    const words = [
      '--push',
      `${at('app.conf')}:/opt/first`,
      '--push',
      `${at('app.conf')}:/opt/is-folder`,
      instance,
      '--',
    ];
    const { status, stderr } = await guard.run([...quick, ...words, 'touch', '/root/begun']);
    expect([status, stderr]).toEqual([
      10,
      expect.stringMatching(
        /the command was not started: ".*app\.conf" could not be pushed to \/opt\/is-folder: tar: .*is-folder/,
      ),
    ]);
    expect(await fileExists(instance, '/root/begun')).toBe(false);
    expect(await fileExists(instance, '/opt/first')).toBe(false);
  });

  test('what is not there is refused before anything happens', async () => {
    const env = { INCUS_SOCKET: proxy.socket };
    const { status, stderr } = await guard.run(['--push', `${at('none')}:/x`, instance, '--', 'true'], { env });
    expect([status, stderr]).toEqual([
      30,
      expect.stringMatching(/There is no ".*none" to push\. Nothing was changed\./),
    ]);
    expect(proxy.seen).toEqual([]);
    expect((await guard.run(['--push', 'nothing', instance, '--', 'true'])).status).toBe(64);
  });

  test('half a gigabyte is never in memory', async () => {
    await makeSparse('large', 512 * 1024 * 1024);
    const run = guard.start([...quick, '--push', `${at('large')}:/opt/large`, instance, '--', 'rm', '/opt/large']);
    const seen = { peakKiB: 0, over: false };
    const watch = async (): Promise<void> => {
      while (!seen.over) {
        const status = await readFile(`/proc/${run.pid ?? 0}/status`, 'utf8').catch(() => '');
        seen.peakKiB = Math.max(seen.peakKiB, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0));
        await systemClock.sleep(50);
      }
    };
    const watching = watch();
    const { exitCode, stderr } = await run;
    seen.over = true;
    await watching;
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    // Of which some 70 MiB are those of any run.
    expect(seen.peakKiB).toBeGreaterThan(20 * 1024);
    expect(seen.peakKiB).toBeLessThan(250 * 1024);
  });

  test('a guard killed in the middle of it is recovered: rolled back', async () => {
    // Long enough to be under way still.
    await makeSparse('endless', 6 * 1024 * 1024 * 1024);
    const run = guard.start([...quick, '--json', '--push', `${at('endless')}:/opt/endless`, instance, '--', 'true']);
    await waitFor(() => fileExists(instance, '/opt/endless'));
    run.kill('SIGKILL');
    await run;
    const { status, stderr } = await guard.run(['recover', instance]);
    expect([status, stderr]).toEqual([0, expect.stringContaining('rolled back')]);
    expect(await fileExists(instance, '/opt/endless')).toBe(false);
    expect(await statusOf(instance)).toBe('Running');
  });

  test('a signal in the middle of it ends it, rolled back', async () => {
    const run = guard.start([...quick, '--push', `${at('endless')}:/opt/endless`, instance, '--', 'true']);
    await waitFor(() => fileExists(instance, '/opt/endless'));
    run.kill('SIGTERM');
    expect((await run).exitCode).toBe(143);
    expect(await fileExists(instance, '/opt/endless')).toBe(false);
  });
});
