import { Command, type Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { defineProgram } from '../../src/cli/program.ts';
import { settingsWith } from '../../src/cli/resolve-settings.ts';
import type { Configuration } from '../../src/config/configuration.ts';
import { fileSchema } from '../../src/config/schema.ts';
import { emptyLayer } from '../../src/config/layer.ts';
import type { RunOptions } from '../../src/cli/run-options.ts';

// Every option of every command is given each value that its help documents, by commander itself.

const program = await defineProgram({ context: {}, own: [], words: null, exit: () => {} } as never);

interface Documented {
  readonly command: string;
  readonly option: Option;
  readonly value: string;
}

/** The values that the help of an option promises: words of its placeholder, and `never` where the text says so. */
function documentedValues(option: Option): string[] {
  const { flags, description, argChoices } = option;
  if (argChoices) return [...argChoices];
  const placeholder = /<([^>]+)>/.exec(flags)?.[1] ?? '';
  const times = /^(time|duration)$/.test(placeholder) ? ['60s', '5m', '2d'] : [];
  const never = /\bnever\b/.test(description) && times.length > 0 ? ['never'] : [];
  return [...times, ...never];
}

function commandsBelow(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsBelow)];
}

const documented: Documented[] = commandsBelow(program).flatMap((command) =>
  command.options.flatMap((option) =>
    documentedValues(option).map((value) => ({ command: command.name(), option, value })),
  ),
);

/** What the program gets. */
function parsed(option: Option, value: string): unknown {
  const command = new Command()
    .addOption(option)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  command.parse([option.long ?? '', value], { from: 'user' });
  return command.opts()[option.attributeName()] as unknown;
}

const msOf: Readonly<Record<string, number>> = { '60s': 60_000, '5m': 300_000, '2d': 172_800_000, never: Infinity };

describe('a documented value arrives as what it says', () => {
  test('there are such options', () => {
    expect(documented.length).toBeGreaterThan(20);
    expect(documented.filter(({ value }) => value === 'never').length).toBeGreaterThanOrEqual(3);
  });

  test.each(documented.map((one) => [`${one.command} ${one.option.long} ${one.value}`, one] as const))(
    '%s',
    (_name, { option, value }) => {
      const got = parsed(option, value);
      expect(got).not.toBe('');
      expect(got).not.toBeNull();
      expect(got).not.toBeUndefined();
      expect(got).toEqual(msOf[value] ?? got);
    },
  );
});

const empty: Configuration = { file: null, defaults: emptyLayer, blocks: [], groups: {}, rollout: {} };

test('never is never a limit of no time at all', () => {
  const options = { timeout: Infinity, idleTimeout: Infinity, expires: Infinity } as RunOptions;
  const settings = settingsWith(empty, { name: 'web', remote: null }, options, false);
  expect(settings).toMatchObject({ ok: true, value: { timeoutMs: null, idleTimeoutMs: null, expiresMs: null } });
});

describe('a flag and its key in guard.yaml have the same limits', () => {
  const option = (long: string): Option => {
    const found = commandsBelow(program)
      .flatMap(({ options }) => options)
      .find((one) => one.long === long);
    if (found === undefined) throw new Error(`there is no ${long}`);
    return found;
  };
  const flagSays = (long: string, value: string): string | null => {
    try {
      parsed(option(long), value);
      return null;
    } catch (error) {
      return String(error);
    }
  };
  const fileSays = (value: unknown): string | null => {
    const read = fileSchema.safeParse(value);
    return read.success ? null : (read.error.issues[0]?.message ?? '');
  };
  const setting =
    (key: string) =>
    (value: unknown): unknown => ({ defaults: { [key]: value } });
  const check =
    (key: string) =>
    (value: unknown): unknown => ({ defaults: { checks: { web: { exec: 'true', [key]: value } } } });
  const hook = (value: unknown): unknown => ({ defaults: { hooks: { afterKeep: { exec: 'true', timeout: value } } } });

  const times = ['0s', '1ms', '99ms', '100ms', '999ms', '1s', '59s', '60s', '7d', '8d', '3660d', '3661d'];
  test.each([
    ['--timeout', setting('timeout')],
    ['--idle-timeout', setting('idleTimeout')],
    ['--verify-timeout', setting('verifyTimeout')],
    ['--soak', setting('soak')],
    ['--confirm', setting('confirm')],
    ['--expires', setting('expires')],
    ['--wait-lock', setting('waitLock')],
    ['--check-timeout', check('timeout')],
    ['--check-interval', check('interval')],
    ['--check-start-period', check('startPeriod')],
    ['--hook-timeout', hook],
    ['--pause', (value: unknown) => ({ rollout: { pause: value } })],
  ])('%s', (long, inFile) => {
    for (const value of times)
      expect([value, flagSays(long, value) === null]).toEqual([value, fileSays(inFile(value)) === null]);
  });

  test.each([
    ['--keep', setting('keep')],
    ['--check-retries', check('retries')],
    ['--user', setting('user')],
    ['--group', setting('group')],
    ['--canary', (value: unknown) => ({ rollout: { canary: value } })],
  ])('%s', (long, inFile) => {
    for (const value of [0, 1, 1000, 1001, 100_000, 100_001, 4_294_967_294, 4_294_967_295])
      expect([value, flagSays(long, String(value)) === null]).toEqual([value, fileSays(inFile(value)) === null]);
  });

  test('no time at all for the command is a mistake, and the sentence says what to write', () => {
    for (const long of ['--timeout', '--idle-timeout'])
      for (const value of ['0', '0s', '500ms'])
        expect(flagSays(long, value)).toMatch(/write a time from 1s to 7d, or never\.$/);
    expect(fileSays(setting('timeout')('0s'))).toBe('a time from 1s to 7d, or never');
    expect([flagSays('--verify-timeout', '0'), flagSays('--soak', '0'), flagSays('--wait-lock', '0')]).toEqual([
      null,
      null,
      null,
    ]);
  });
});

test('a name where a number is needed: the sentence says which command prints it', () => {
  const say = (long: string, value: string): string => {
    const option = commandsBelow(program)
      .flatMap(({ options }) => options)
      .find((one) => one.long === long);
    try {
      parsed(option as Option, value);
      return '';
    } catch (error) {
      return String(error);
    }
  };
  expect(say('--user', 'root')).toContain('run `id -u root` in the instance for it.');
  expect(say('--group', 'www-data')).toContain('run `getent group www-data` in the instance for it.');
  expect(say('--user', 'a; b')).toContain('run `id -u NAME` in the instance for it.');
  expect(say('--user', '4294967295')).toContain('0 to 4294967294');
});
