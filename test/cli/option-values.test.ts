import { Command, type Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { defineProgram } from '../../src/cli/program.ts';
import { settingsWith } from '../../src/cli/resolve-settings.ts';
import type { Configuration } from '../../src/config/configuration.ts';
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
  const times = /^(time|duration)$/.test(placeholder) ? ['500ms', '30s', '5m', '0s'] : [];
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

const msOf: Readonly<Record<string, number>> = { '500ms': 500, '30s': 30_000, '5m': 300_000, '0s': 0, never: Infinity };

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
