import { readFile, readlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { phaseTitles } from '../../src/report/format.ts';
import { waitFor } from '../host/host.ts';
import { fileExists, guardUnderTest, snapshotNames, statusOf, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';
import { openTerminal, type PseudoTerminal } from './pseudo-terminal.ts';

const instance = 'cm-terminal';
const program = resolve(import.meta.dirname, '../../dist/guard.cjs');
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
  await waitFor(async () => {
    const { exitCode } = await execa('incus', ['exec', instance, '--', 'apt-get', 'update', '-qq'], { reject: false });
    return exitCode === 0;
  });
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

const quick = ['--soak', '0s', '--no-automatic'];

const inTerminal = (...words: string[]): PseudoTerminal =>
  openTerminal(process.execPath, [program, ...quick, ...words], environment());

/** `script` with the words of a guard as "$@". */
const shellInTerminal = (script: string, ...words: string[]): PseudoTerminal =>
  openTerminal('sh', ['-c', script, 'sh', process.execPath, program, ...quick, ...words], environment());

const environment = () => ({ GUARD_STATE_DIR: guard.stateDirectory, XDG_CONFIG_HOME: guard.stateDirectory });

describe('a question of apt', () => {
  const isInstalled = () => fileExists(instance, '/usr/bin/file');

  test('is asked; "n" is a failed command, and the instance goes back', async () => {
    const terminal = inTerminal(instance, '--', 'apt-get', 'install', 'file');
    await terminal.shows('[Y/n]');
    terminal.type('n\r');
    expect(await terminal.ended).toBe(10);
    expect(terminal.seen()).toContain('Abort.');
    expect(await isInstalled()).toBe(false);
  });

  test('is asked; "y" does it, and the change is kept', async () => {
    const terminal = inTerminal(instance, '--', 'apt-get', 'install', 'file');
    await terminal.shows('[Y/n]');
    terminal.type('y\r');
    expect(await terminal.ended).toBe(0);
    expect(terminal.seen()).toContain('kept');
    expect(await isInstalled()).toBe(true);
  });
});

describe('the terminal inside', () => {
  test('has the size of the one outside, and follows it', async () => {
    const script = 'trap "stty size; exit 0" WINCH; stty size; while :; do sleep 0.1; done';
    const terminal = inTerminal(instance, '--', 'sh', '-c', script);
    await terminal.shows('30 100');
    terminal.resize(121, 41);
    await terminal.shows('41 121');
    expect(await terminal.ended).toBe(0);
  });

  test('shows colours as they are, and knows its kind (F27)', async () => {
    const terminal = inTerminal(instance, '--', 'sh', '-c', String.raw`printf "\033[31mred\033[0m $TERM\n"`);
    expect(await terminal.ended).toBe(0);
    expect(terminal.seen()).toContain('\u001B[31mred\u001B[0m xterm-256color');
  });

  test('is not told that nobody is there to answer', async () => {
    const terminal = inTerminal(instance, '--', 'sh', '-c', 'echo "<$DEBIAN_FRONTEND$NEEDRESTART_MODE>" end.');
    expect(await terminal.ended).toBe(0);
    expect(terminal.seen()).toContain('<> end.');
  });

  test('takes Ctrl-C first: what the command makes of it counts', async () => {
    const script = 'trap "echo got-""int; exit 0" INT; touch /root/went-on; echo re""ady; while :; do sleep 0.1; done';
    const terminal = inTerminal(instance, '--', 'sh', '-c', script);
    await terminal.shows('ready');
    terminal.type('\u0003');
    expect(await terminal.ended).toBe(0);
    expect(terminal.seen()).toContain('got-int');
    expect(await fileExists(instance, '/root/went-on')).toBe(true);
  });

  test('lets Ctrl-C end a command that does not handle it: the run is interrupted, and the instance goes back', async () => {
    const terminal = inTerminal(instance, '--', 'sh', '-c', 'touch /root/ctrl-c; echo re""ady; sleep 60');
    await terminal.shows('ready');
    terminal.type('\u0003');
    expect(await terminal.ended).toBe(130);
    expect(await fileExists(instance, '/root/ctrl-c')).toBe(false);
  });

  test('is not made where stdout is a pipe', async () => {
    const file = join(guard.stateDirectory, 'piped');
    const terminal = shellInTerminal(
      `"$@" | cat > '${file}'`,
      instance,
      '--',
      'sh',
      '-c',
      'test -t 0 || test -t 1 || echo none; printf "%s" "$DEBIAN_FRONTEND"',
    );
    expect(await terminal.ended).toBe(0);
    expect(await readFile(file, 'utf8')).toBe('none\nnoninteractive');
  });
});

describe('the terminal outside', () => {
  /** The modes of the terminal that the process has, as stty says them. */
  const modesOf = async (pid: number): Promise<string> => {
    const device = await readlink(`/proc/${pid}/fd/0`);
    return (await execa('stty', ['-a', '-F', device])).stdout;
  };

  test.each([
    ['that is kept', 'read line'],
    ['that is rolled back', 'read line; exit 1'],
  ])('is raw while the command runs, as it was after a run %s, and belongs to the shell again', async (_, script) => {
    const shell = 'stty -a; "$@"; echo "ended $?."; read -r line; echo "read <$line>"';
    const terminal = shellInTerminal(shell, instance, '--', 'sh', '-c', `echo re""ady; ${script}`);
    await terminal.shows(/line = .*?-?xcase|iexten/s);
    const before = await modesOf(terminal.pid);
    expect(before).toMatch(/[^-]icanon/);
    await terminal.shows('ready');
    const during = await modesOf(terminal.pid);
    expect(during).toMatch(/-icanon/);
    expect(during).toMatch(/-echo\b/);
    expect(during).toMatch(/-isig/);
    terminal.type('\r');
    await terminal.shows(/ended \d+\./);
    expect(await modesOf(terminal.pid)).toBe(before);
    terminal.type('for the shell\r');
    await terminal.shows('read <for the shell>');
    await terminal.ended;
  });

  test('cannot break a rollback: Ctrl-C is too late then, however often it comes (F12)', async () => {
    const terminal = inTerminal(instance, '--', 'sh', '-c', 'touch /root/too-late; exit 3');
    await terminal.shows(phaseTitles.stop);
    for (let press = 0; press < 5; press += 1) terminal.type('\u0003');
    expect(await terminal.ended).toBe(10);
    // What is typed is not shown: it would break the picture.
    expect(terminal.seen()).not.toContain('^C');
    expect(await fileExists(instance, '/root/too-late')).toBe(false);
    expect(await statusOf(instance)).toBe('Running');
    expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  });

  test('that goes away while the command runs: the instance goes back (F12)', async () => {
    const terminal = inTerminal(instance, '--', 'sh', '-c', 'touch /root/hung-up; echo re""ady; sleep 60');
    await terminal.shows('ready');
    expect(await fileExists(instance, '/root/hung-up')).toBe(true);
    terminal.hangUp();
    await waitFor(() => !isAlive(terminal.pid));
    expect(await fileExists(instance, '/root/hung-up')).toBe(false);
    expect(await statusOf(instance)).toBe('Running');
    expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
    expect(await incusCommand('config', 'get', instance, 'user.guard.run')).toBe('');
    expect((await guard.run(['runs', instance])).stdout.split('\n')[1]).toMatch(/interrupted/);
  });

  const isAlive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
});
