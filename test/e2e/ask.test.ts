import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileExists, guardUnderTest, snapshotNames, statusOf, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';
import { openTerminal, type PseudoTerminal } from './pseudo-terminal.ts';

const instance = 'gr-ask';
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

const inTerminal = (...words: string[]): PseudoTerminal =>
  openTerminal(process.execPath, [program, ...words], {
    GUARD_STATE_DIR: guard.stateDirectory,
    XDG_CONFIG_HOME: guard.stateDirectory,
  });

const quick = ['--soak', '0s', '--no-automatic'];
const asking = (...words: string[]): PseudoTerminal => inTerminal(...quick, '--on-failure', 'ask', ...words);
const failing = (file: string) => [instance, '--', 'sh', '-c', `touch /root/${file}; exit 1`];
const question = 'k, r, c or s: ';

/** Changes at every start of the instance. */
const boot = (): Promise<string> => incusCommand('exec', instance, '--', 'stat', '-c', '%Y', '/proc/1');

describe('a failure whose policy is to ask', () => {
  test('13: is kept where the person at the terminal says so, after a stray key and a look around', async () => {
    const terminal = asking(...failing('kept'));
    await terminal.shows(question);
    terminal.type('x\r');
    await terminal.shows('"x" is not one of the answers.');
    terminal.type('s\r');
    await terminal.shows(/root@gr-ask\S*# /);
    terminal.type('touch /root/looked; exit\r');
    await terminal.shows(new RegExp(`exit"[\\s\\S]*exit[\\s\\S]*${question}`));
    terminal.type('k\r');
    expect(await terminal.ended).toBe(13);
    expect(await fileExists(instance, '/root/kept')).toBe(true);
    expect(await fileExists(instance, '/root/looked')).toBe(true);
  });

  test('0: is kept as healthy where it became so, and was checked again', async () => {
    const terminal = asking(
      '--verify-timeout',
      '3s',
      '--check',
      'test -e /root/cured',
      '--check-retries',
      '1',
      '--allow-unhealthy',
      '--check',
      'test ! -e /root/ill',
      instance,
      '--',
      'touch',
      '/root/ill',
    );
    await terminal.shows(question);
    await incusCommand('exec', instance, '--', 'rm', '/root/ill');
    terminal.type('c\r');
    expect(await terminal.ended).toBe(0);
  });

  test('10: is rolled back where they say so', async () => {
    const terminal = asking(...failing('refused'));
    await terminal.shows(question);
    terminal.type('r\r');
    expect(await terminal.ended).toBe(10);
    expect(terminal.seen()).toContain('you chose to roll back');
    expect(await fileExists(instance, '/root/refused')).toBe(false);
  });

  test('10: is rolled back where nobody answers in time', async () => {
    const file = join(guard.stateDirectory, 'ask.yaml');
    await writeFile(file, 'defaults: { askTimeout: 1s }\n');
    const terminal = asking('--config', file, ...failing('unanswered'));
    await terminal.shows(question);
    expect(await terminal.ended).toBe(10);
    expect(await fileExists(instance, '/root/unanswered')).toBe(false);
  });

  test('10: is rolled back where nobody can be asked, or --yes says that nobody is', async () => {
    const ended = await guard.run([...quick, '--on-failure', 'ask', ...failing('unattended')]);
    expect(ended.status).toBe(10);
    expect(await asking('--yes', ...failing('unattended')).ended).toBe(10);
    expect(await fileExists(instance, '/root/unattended')).toBe(false);
    expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  });
});

describe('a command that failed and has changed nothing', () => {
  const words = ['--soak', '0s', '--retry', instance, '--', 'sh', '-c', 'exit 1'];

  test('15: Enter keeps the instance running, as it was', async () => {
    const before = await boot();
    const terminal = inTerminal(...words);
    await terminal.shows('nothing that guard compares has changed');
    terminal.type('\r');
    expect(await terminal.ended).toBe(15);
    expect(await boot()).toBe(before);
  });

  test('15 or 10 without a terminal, as onUnchanged says', async () => {
    const before = await boot();
    expect((await guard.run(['--on-unchanged', 'keep', ...words])).status).toBe(15);
    expect(await boot()).toBe(before);
    expect((await guard.run(words)).status).toBe(10);
    expect(await boot()).not.toBe(before);
  });

  test('10: what it did below /etc is a change, and nobody is asked', async () => {
    const terminal = inTerminal('--soak', '0s', instance, '--', 'sh', '-c', 'touch /etc/changed; exit 1');
    expect(await terminal.ended).toBe(10);
    expect(await fileExists(instance, '/etc/changed')).toBe(false);
  });

  test('Ctrl-C in the command declines it: 130 where it is rolled back', async () => {
    const terminal = inTerminal('--soak', '0s', instance, '--', 'sh', '-c', 'echo ready; sleep 60');
    await terminal.shows('ready');
    terminal.type('\u0003');
    await terminal.shows('k, r or s [k]: ');
    terminal.type('r\r');
    expect(await terminal.ended).toBe(130);
  });
});

describe('a shell in which a person works', () => {
  test('its last status does not throw the work away; it is asked what becomes of it', async () => {
    const terminal = inTerminal('--soak', '0s', instance, '--', 'bash');
    await terminal.shows(/root@gr-ask\S*# /);
    terminal.type('echo hello > /etc/session; false; exit\r');
    await terminal.shows('Changed: files below /etc.');
    terminal.type('k\r');
    expect(await terminal.ended).toBe(0);
    expect(await fileExists(instance, '/etc/session')).toBe(true);
  });

  test('10: and is rolled back where the person wants that', async () => {
    const terminal = inTerminal('--soak', '0s', instance, '--', 'bash');
    await terminal.shows(/root@gr-ask\S*# /);
    terminal.type('echo hello > /etc/unwanted; exit\r');
    await terminal.shows('Changed: files below /etc.');
    terminal.type('r\r');
    expect(await terminal.ended).toBe(10);
    expect(await fileExists(instance, '/etc/unwanted')).toBe(false);
  });
});

describe('Ctrl-C during the check', () => {
  const words = ['--soak', '600s', '--no-automatic', instance, '--', 'touch', '/root/checked'];

  test('asks; the check goes on meanwhile; 13 where the change is kept unchecked', async () => {
    const terminal = inTerminal(...words);
    await terminal.shows('Ctrl-C to decide');
    terminal.type('stray keys\r\u0003');
    await terminal.shows('c, k or r [c]: ');
    terminal.type('c\r');
    await terminal.shows(/c\r[\s\S]*Ctrl-C to decide/);
    terminal.type('\u0003');
    await terminal.shows(/c, k or r \[c\]: [\s\S]*c, k or r \[c\]: /);
    terminal.type('k\r');
    expect(await terminal.ended).toBe(13);
    expect(await fileExists(instance, '/root/checked')).toBe(true);
  });

  test('130: a second Ctrl-C rolls back', async () => {
    await incusCommand('exec', instance, '--', 'rm', '-f', '/root/checked');
    const terminal = inTerminal(...words);
    await terminal.shows('Ctrl-C to decide');
    terminal.type('\u0003');
    await terminal.shows('c, k or r [c]: ');
    terminal.type('\u0003');
    expect(await terminal.ended).toBe(130);
    expect(await fileExists(instance, '/root/checked')).toBe(false);
    expect(await statusOf(instance)).toBe('Running');
  });
});

describe('guard rollback', () => {
  test('says what is lost and asks; no is the answer of Enter', async () => {
    expect((await guard.run([...quick, instance, '--', 'touch', '/root/later'])).status).toBe(0);
    const terminal = inTerminal('rollback', instance);
    await terminal.shows('y or n [n]: ');
    expect(terminal.seen()).toContain('Everything that was written to it since then is lost');
    terminal.type('\r');
    expect(await terminal.ended).toBe(30);
    expect(await fileExists(instance, '/root/later')).toBe(true);
  });
});

test('a job in the background neither stops nor asks', async () => {
  const terminal = openTerminal(
    'bash',
    [
      '--norc',
      '-ic',
      `"${process.execPath}" "${program}" ${quick.join(' ')} --retry ${instance} -- sh -c 'exit 1' & wait $!; echo "job ended $?"`,
    ],
    { GUARD_STATE_DIR: guard.stateDirectory, XDG_CONFIG_HOME: guard.stateDirectory },
  );
  await terminal.shows(/job ended \d+/);
  expect(terminal.seen()).toContain('job ended 10');
});
