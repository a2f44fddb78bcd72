import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Context } from '../../src/cli/context.ts';
import type { CommandName } from '../../src/cli/command-names.ts';
import { runProgram } from '../../src/cli/program.ts';
import { err } from '../../src/result.ts';
import { temporaryFolder } from '../journal/temporary.ts';
import { contextIn } from './context.ts';

/** What guard says to a command line that it must not carry out: reaching a server fails the test. */
async function complaint(...words: string[]): Promise<{ readonly status: number; readonly text: string }> {
  return complaintIn(await temporaryFolder(), words);
}

/** A server that does not answer. */
const unreachable: Context['reach'] = () => Promise.resolve(err({ message: 'Incus does not answer.', advice: '' }));

const noServer: Context['reach'] = () => {
  throw new Error('the server was reached');
};

async function complaintIn(
  folder: string,
  words: readonly string[],
  reach: Context['reach'] = noServer,
  environment: Context['environment'] = {},
): Promise<{ status: number; text: string }> {
  const { context, said } = contextIn(folder, reach, environment);
  const status = await runProgram(words, context);
  return { status, text: said() };
}

describe('a wrong command line is refused before anything is reached', () => {
  test.each([
    [['web', '--check', '', '--', 'true'], '--check <command>: The value is empty. Is a variable unset?'],
    [['--project', ' ', 'web', '--', 'true'], '--project <name>: The value is empty.'],
    [['--report', '', 'web', '--', 'true'], '--report <format=file>: The value is empty.'],
    [['', '--', 'true'], '<instance>: The value is empty.'],
    [['check', ''], '<instance>: The value is empty.'],
    [['a', '', '--', 'true'], '<instance>: The value is empty.'],
    [['--env', 'BAD NAME=1', 'web', '--', 'true'], '"BAD NAME" is not the name of a variable'],
    [['--env', '=1', 'web', '--', 'true'], '"" is not the name of a variable'],
    [['--env', '1A=1', 'web', '--', 'true'], '"1A" is not the name of a variable'],
    [['--cwd', 'app', 'web', '--', 'true'], '"app" is not an absolute path'],
    [['--name', 'guard-in-flight', 'web', '--', 'true'], 'is a name that guard gives to its own restore points'],
    [['--name', 'guard-20261123-055126-k3f9', 'web', '--', 'true'], 'is a name that guard gives'],
    [['check', 'web', '--', 'true'], '`guard check` runs no command, so -- is not allowed.'],
    [['rollback', 'web', '--', 'true'], '`guard rollback` runs no command'],
    [['--automatic', 'maybe', 'web', '--', 'true'], '"maybe" is not known: write on, off or optional.'],
    [['show', 'last', '--', 'x'], '`guard show` runs no command'],
    [['runs', 'web', 'x'], "Too many arguments for 'runs'"],
    [['help', 'foo'], 'There is no command "foo".'],
    [['undo', 'web'], 'Did you mean: guard rollback <instance>?'],
    [['status'], 'Did you mean: guard runs (what happened), or guard check <instance> (how it is now)?'],
    [['diff', 'last'], 'Did you mean: guard show <run> --changes?'],
    [['upgrade', 'web'], 'Did you mean: guard <instance> -- apt upgrade?'],
    [['show'], 'The <run> is missing.'],
    [['show'], 'Write: guard show <run>; see `guard show --help`.'],
    [['rollback'], 'Write: guard rollback <instance> [run]; see `guard rollback --help`.'],
    [['--check-timeout', '5s', 'web', '--', 'true'], '--check-timeout has no effect without --check.'],
    [['check', '--check-retries', '2', 'web'], '--check-retries has no effect without --check.'],
    [['--push-owner', '1:1', 'web', '--', 'true'], '--push-owner has no effect without --push.'],
    [['--hook-timeout', '5s', 'web', '--', 'true'], '--hook-timeout has no effect without --hook.'],
    [['foo'], 'Write: guard foo -- <command> (the subcommands: `guard --help`)'],
    [['roolback', 'web'], 'guard rollback web'],
    [['hook', 'instal', 'web'], "Unknown command 'instal'"],
    [['rollout', 'resume'], 'Write: guard rollout resume <rollout>; see `guard rollout resume --help`.'],
    [['hook', 'install'], 'Write: guard hook install <instance>; see `guard hook install --help`.'],
    [['--check', '--restart', 'web', '--', 'true'], 'The value is missing: "--restart" is another option.'],
    [['--report', '-y', 'web', '--', 'true'], 'The value is missing: "-y" is another option.'],
    [['runs', '--limit', '0'], '"0" is not a whole number from 1 to 1000000.'],
    [['show', 'last', '--changes', '--html', 'x.html'], "cannot be used with option '--changes'"],
  ])('%j', async (words, said) => {
    const { status, text } = await complaint(...words);
    expect(status).toBe(64);
    expect(text).toContain(said);
  });

  test.each([[['--keep', 'x', 'web', '--', 'true'], '"x" is not a whole number']])(
    '%j: the value is named once',
    async (words, said) => {
      const { text } = await complaint(...words);
      expect(text).toContain(`--keep <count>: ${said}`);
      expect(text.split('"x"')).toHaveLength(2);
    },
  );
});

test.each([
  'runs',
  'recover',
  'points',
  'prune',
  'show last',
  'rollback -y web',
  'forget last',
  'confirm web',
  'agent',
])('records that cannot be read are not taken for none: guard %s', async (line) => {
  const folder = await temporaryFolder();
  // A folder that even root cannot list.
  await writeFile(join(folder, 'runs'), '');
  const { status, text } = await complaintIn(folder, line.split(' '));
  expect(status).toBe(30);
  expect(text).toContain('The records of past runs cannot be read: ');
  expect(text).toContain('GUARD_STATE_DIR');
});

test('a state directory that cannot be written refuses a run before anything is reached', async () => {
  const { context, said } = contextIn('/proc/nowhere', noServer);
  expect(await runProgram(['web', '--', 'true'], context)).toBe(30);
  expect(said()).toMatch(/The run could not be recorded: "\/proc\/nowhere": .*\. Nothing was changed\./);
});

const keptRun = '20261123-070500-3sku';
const keptInstance = 'web01';

/** A command line of each command that gets as far as the server, if it needs one, and whether the command can change an instance. */
const everyCommand: Readonly<Record<CommandName, { readonly line: string; readonly mayChange: boolean }>> = {
  run: { line: 'run web -- true', mayChange: true },
  plan: { line: 'plan web -- true', mayChange: false },
  rehearse: { line: 'rehearse web -- true', mayChange: true },
  forecast: { line: 'forecast web', mayChange: false },
  check: { line: 'check web', mayChange: false },
  init: { line: 'init web', mayChange: false },
  runs: { line: 'runs --limit x', mayChange: false },
  show: { line: 'show nothing', mayChange: false },
  points: { line: 'points web', mayChange: false },
  recover: { line: 'recover web', mayChange: true },
  prune: { line: 'prune web', mayChange: true },
  rollback: { line: 'rollback -y web', mayChange: true },
  confirm: { line: 'confirm nothing', mayChange: true },
  forget: { line: 'forget nothing', mayChange: true },
  rollout: { line: 'rollout resume nothing', mayChange: true },
  hook: { line: 'hook install web', mayChange: true },
  agent: { line: 'agent --metrics x', mayChange: true },
  doctor: { line: 'doctor --nonsense', mayChange: false },
  version: { line: 'version --nonsense', mayChange: false },
  completion: { line: 'completion nosuchshell', mayChange: false },
};

describe('that nothing was changed is said of commands that could have changed something, and only of them', () => {
  test.each(Object.entries(everyCommand))('guard %s', async (name, { line, mayChange }) => {
    const folder = await temporaryFolder();
    for (const words of [line.split(' '), [name, '--nonsense']]) {
      const { status, text } = await complaintIn(folder, words, unreachable);
      expect([30, 34, 64]).toContain(status);
      expect(/nothing was changed/i.test(text)).toBe(mayChange);
    }
  });

  test.each([
    ['help foo', false],
    ['check web -- true', false],
    ['rollout status nothing', false],
    ['hook status web', false],
    ['foo', true],
    ['web -- true', true],
  ])('guard %s', async (line, mayChange) => {
    const { text } = await complaintIn(await temporaryFolder(), line.split(' '), unreachable);
    expect(text).not.toBe('');
    expect(/nothing was changed/i.test(text)).toBe(mayChange);
  });
});

test.each([
  ['check web-*', '"web-*" can mean several instances, and this command needs one. Name one instance.'],
  ['rehearse web-* -- true', '"web-*" can mean several instances'],
  ['points @web', '"@web" can mean several instances'],
  ['../x -- true', '"../x" cannot be the name of an instance. Nothing was changed.'],
  ['check a/b', '"a/b" cannot be the name of an instance.'],
])('guard %s is refused before the server is reached, with what to do', async (line, said) => {
  const { status, text } = await complaint(...line.split(' '));
  expect(status).toBe(64);
  expect(text.replace(/\s+/g, ' ')).toContain(said);
  expect(text).toContain('`incus list` shows');
});

test('on a host of LXD the advice names lxc', async () => {
  const { text } = await complaintIn(await temporaryFolder(), ['check', 'web-*'], noServer, { LXD_DIR: '/nowhere' });
  expect(text).toContain('`lxc list` shows');
});

describe('a name that the records do not have', () => {
  async function recorded(): Promise<string> {
    const folder = await temporaryFolder();
    await cp(new URL('../journal/fixtures/v1/kept', import.meta.url), join(folder, 'runs', keptRun), {
      recursive: true,
    });
    return folder;
  }

  test.each([
    [`runs ${keptInstance}x`, `Did you mean: guard runs ${keptInstance}?`],
    ['runs quite-another-name', 'See `guard runs` for those of all instances.'],
    [`show ${keptInstance}`, `The runs of an instance: guard runs ${keptInstance}`],
    [`show ${keptRun.slice(0, -1)}x`, `Did you mean ${keptRun}?`],
    ['show quite-another-name', 'See `guard runs`.'],
  ])('guard %s', async (line, said) => {
    const { text } = await complaintIn(await recorded(), line.split(' '), unreachable);
    expect(text).toContain(said);
  });
});
