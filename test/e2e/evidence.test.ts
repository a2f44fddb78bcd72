import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listRunIds, readRun } from '../../src/journal/runs.ts';
import { fileExists, guardUnderTest, statusOf, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-evidence';
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

const rolledBack = (script: string, ...options: readonly string[]) =>
  guard.run(['--retry', '--soak', '0s', ...options, instance, '--', 'sh', '-c', script]);

/** The record of the newest run, and the text of one file of its evidence. */
const lastRun = async () => {
  const [run = ''] = await listRunIds(guard.stateDirectory);
  const record = await readRun(guard.stateDirectory, run);
  if (record === null) throw new Error('the run left no record');
  const folder = join(record.directory, 'evidence');
  return { run, folder, evidence: record.evidence, text: (file: string) => readFile(join(folder, file), 'utf8') };
};

const mebibyte = 1024 * 1024;

describe('evidence of a change that is rolled back (F40)', () => {
  test('holds what the command said, why a service failed, and the facts before and after', async () => {
    const ended = await rolledBack(`
      echo said by the command
      echo 'status installed needle 1.0' >>/var/log/dpkg.log
      systemd-run --unit=ailing --property=RemainAfterExit=no sh -c 'echo the reason of the failure; exit 7'
      while systemctl is-active --quiet ailing.service; do sleep 0.1; done
      exit 3`);
    expect(ended.status).toBe(10);
    const { run, evidence, text } = await lastRun();
    expect(evidence?.missing).toEqual([]);
    expect(await text('command-output.txt')).toContain('said by the command\n');
    expect(await text('system-log.txt')).toContain('the reason of the failure');
    expect(await text('package-logs.txt')).toContain('status installed needle 1.0');
    expect(await text('units.txt')).toMatch(/ailing\.service[\s\S]*status=7/);
    expect(JSON.parse(await text('facts-before.json'))).not.toHaveProperty(['units', 'ailing.service']);
    expect(JSON.parse(await text('facts-after.json'))).toHaveProperty(['units', 'ailing.service', 'active'], 'failed');
    // The instance itself knows nothing of it any more.
    expect(await incusCommand('exec', instance, '--', 'journalctl', '--no-pager')).not.toContain(
      'reason of the failure',
    );
    const shown = await guard.run(['show', run]);
    for (const file of evidence?.files ?? []) expect(shown.stdout).toContain(basename(file));
  });

  test('has the log also where one file of the journal cannot be opened', async () => {
    const ended = await rolledBack(`
      echo no journal >"$(ls -d /run/log/journal/* /var/log/journal/* 2>/dev/null | head -n 1)/broken.journal"
      logger -p user.err said beside the broken one
      exit 3`);
    expect(ended.status).toBe(10);
    expect(await (await lastRun()).text('system-log.txt')).toContain('said beside the broken one');
  });

  test('is bounded, however much there is; the end of a log is what is kept', async () => {
    const ended = await rolledBack(`
      head -c 4000000 /dev/zero | tr '\\0' x; echo the last of the output
      head -c 9000000 /dev/zero | tr '\\0' y >>/var/log/dpkg.log; echo the last of the log >>/var/log/dpkg.log
      exit 1`);
    expect(ended.status).toBe(10);
    const { folder, text } = await lastRun();
    for (const file of await readdir(folder))
      expect((await stat(join(folder, file))).size).toBeLessThanOrEqual(mebibyte);
    expect(await text('command-output.txt')).toMatch(/xxx[\s\S]*the last of the output\n$/);
    expect(await text('package-logs.txt')).toMatch(/yyy[\s\S]*the last of the log\n/);
  });

  test('of units that the verdict names', async () => {
    const ended = await rolledBack(
      'systemctl stop dbus.socket dbus.service; systemctl mask dbus.socket dbus.service; true',
      '--verify-timeout',
      '5s',
    );
    expect(ended.status).toBe(11);
    expect(await (await lastRun()).text('units.txt')).toMatch(/dbus\.(service|socket).*\n.*masked/);
  });

  test('that never comes does not hold up the rollback', async () => {
    const ended = await rolledBack(`
      printf '#!/bin/sh\\nexec sleep 1000\\n' >/usr/bin/journalctl.new
      chmod 755 /usr/bin/journalctl.new && mv /usr/bin/journalctl.new /usr/bin/journalctl
      rm -f /var/log/dpkg.log && mkfifo /var/log/dpkg.log
      exit 4`);
    expect(ended.status).toBe(10);
    const { evidence, folder } = await lastRun();
    expect(evidence?.missing).toEqual([expect.stringContaining('system-log.txt')]);
    expect(await readdir(folder)).toContain('facts-after.json');
    // By the exit status: on a loaded machine the output of `incus exec` is lost now and then.
    await incusCommand('exec', instance, '--', 'sh', '-c', 'journalctl --version | grep -q systemd');
  });

  test('cannot be had of an instance that stopped; it is brought back all the same', async () => {
    const ended = await rolledBack(
      'touch /root/gone; echo before the end; systemctl poweroff --force --force',
      '--verify-timeout',
      '5s',
    );
    // The command may have ended well before the instance does.
    expect([10, 11]).toContain(ended.status);
    expect(await statusOf(instance)).toBe('Running');
    expect(await fileExists(instance, '/root/gone')).toBe(false);
    const { evidence, text } = await lastRun();
    expect(await text('command-output.txt')).toContain('before the end\n');
    expect(evidence?.missing).toContainEqual(expect.stringContaining('system-log.txt'));
  });

  test('is not saved of a change that is kept', async () => {
    expect((await guard.run(['--soak', '0s', instance, '--', 'true'])).status).toBe(0);
    const { evidence } = await lastRun();
    expect(evidence).toBeNull();
  });
});
