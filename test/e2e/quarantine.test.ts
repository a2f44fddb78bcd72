import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardUnderTest, snapshotNames, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';
import { openTerminal } from './pseudo-terminal.ts';

const instance = 'gr-quarantine';
const program = resolve(import.meta.dirname, '../../dist/guard.cjs');
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

const inside = (script: string): Promise<string> => incusCommand('exec', instance, '--', 'sh', '-c', script);

/** A change that a check does not survive; as a timer would start it. */
const breaking = ['rm', '/etc/hostname'];
const quickly = ['--soak', '0s', '--verify-timeout', '2s'];
const options = [...quickly, '--check', 'test -e /etc/hostname', '--check-interval', '100ms'];
const unattended = (...words: readonly string[]) => guard.run([...options, ...words]);

describe('a change that was rolled back (F37)', () => {
  test('is refused when nobody is there and it would be the same again, until --retry', async () => {
    expect((await unattended(instance, '--', ...breaking)).status).toBe(11);
    const before = await snapshotNames(instance);
    const repeated = await unattended(instance, '--', ...breaking);
    expect(repeated.status).toBe(32);
    expect(repeated.stderr).toContain('--retry');
    expect(repeated.stderr).toMatch(/guard show \d{8}-/);
    expect(await snapshotNames(instance)).toEqual(before);
    expect((await unattended('--retry', instance, '--', ...breaking)).status).toBe(11);
    // A refusal is no success, and neither is another failure.
    expect((await unattended(instance, '--', ...breaking)).status).toBe(32);
  });

  test('is refused on a stopped instance too, which stays stopped', async () => {
    await incusCommand('stop', '--force', instance);
    expect((await unattended(instance, '--', ...breaking)).status).toBe(32);
    expect(await incusCommand('list', instance, '--columns', 's', '--format', 'csv')).toBe('STOPPED');
    expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
    await incusCommand('start', instance);
  });

  test('does not stand in the way of another command', async () => {
    expect((await unattended(instance, '--', 'rm', '-f', '/etc/no-such-file')).status).toBe(0);
  });

  test('is run for a person at a terminal', async () => {
    const terminal = openTerminal(process.execPath, [program, ...options, instance, '--', ...breaking], {
      GUARD_STATE_DIR: guard.stateDirectory,
      XDG_CONFIG_HOME: guard.stateDirectory,
    });
    expect(await terminal.ended).toBe(11);
  });

  test('is another change as soon as the packages are others', async () => {
    await inside('dpkg --purge --force-depends less');
    expect((await unattended(instance, '--', ...breaking)).status).toBe(11);
    expect((await unattended(instance, '--', ...breaking)).status).toBe(32);
  });

  test('may run again after it was kept once', async () => {
    const script = ['sh', '-c', 'test -e /root/mended'];
    expect((await unattended(instance, '--', ...script)).status).toBe(10);
    expect((await unattended(instance, '--', ...script)).status).toBe(32);
    await inside('touch /root/mended');
    expect((await unattended('--retry', instance, '--', ...script)).status).toBe(0);
    expect((await unattended(instance, '--', ...script)).status).toBe(0);
    await inside('rm /root/mended');
    expect((await unattended(instance, '--', ...script)).status).toBe(10);
  });
});
