import type { EventEmitter } from 'node:events';
import type { Command } from 'commander';
import { defineProgram } from '../../src/cli/program.ts';
import type { Context } from '../../src/cli/context.ts';

/** One command of guard, as commander has it. */
export interface CommandDescription {
  /** `guard run` */
  readonly name: string;
  readonly usage: string;
  readonly description: string;
  readonly terms: readonly Term[];
  readonly groups: readonly Group[];
  /** What the help says after the options: exit statuses, remarks. */
  readonly after: string;
}

/** Options under one heading of the help. */
export interface Group {
  readonly title: string;
  readonly options: readonly Term[];
  /** The command before it that has exactly the same options under this heading. */
  readonly sameAs: string | null;
}

/** An argument or an option. */
export interface Term {
  readonly words: string;
  readonly description: string;
}

/** guard itself first, then its commands in the order of its help. */
export async function describeCommandLine(): Promise<readonly CommandDescription[]> {
  const program = await defineProgram({ context: nowhere, own: [], words: null, exit: () => {} });
  const commands = [program, ...program.commands.flatMap(withSubcommands)];
  return commands.map((command, index) => describe(command, commands.slice(0, index)));
}

function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

// Definitions touch nothing of the outside world before their command is called.
const nowhere = { version: '', stdout: process.stdout, stderr: process.stderr } as unknown as Context;

function describe(command: Command, before: readonly Command[]): CommandDescription {
  return {
    name: fullName(command),
    usage: `${fullName(command)} ${command.usage().replace(/\n\s+/g, '\n')}`,
    description: sentence(command.description()),
    terms: command.registeredArguments.map((argument) => ({
      words: argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
      description: sentence(argument.description),
    })),
    groups: groupsOf(command).map((group) => ({ ...group, sameAs: nameOfSame(group, before) })),
    after: helpAfter(command),
  };
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

function nameOfSame(group: Omit<Group, 'sameAs'>, before: readonly Command[]): string | null {
  const same = before.find((command) =>
    groupsOf(command).some((other) => JSON.stringify(other) === JSON.stringify(group)),
  );
  return same === undefined ? null : fullName(same);
}

function groupsOf(command: Command): readonly Omit<Group, 'sameAs'>[] {
  const titles = [...new Set(command.options.map((option) => option.helpGroupHeading ?? 'Options:'))];
  return titles.map((title) => ({
    title: title.replace(/:$/, ''),
    options: command.options
      .filter((option) => !option.hidden && (option.helpGroupHeading ?? 'Options:') === title)
      .map((option) => ({
        words: option.flags,
        description: sentence(`${option.description}${defaultOf(option.defaultValue)}`),
      })),
  }));
}

function defaultOf(value: unknown): string {
  return typeof value === 'number' ? ` (default: ${value})` : '';
}

function helpAfter(command: Command): string {
  let text = '';
  (command as unknown as EventEmitter).emit('afterHelp', {
    error: false,
    command,
    write: (part: string) => (text += part),
  });
  return text.trim();
}

function sentence(text: string): string {
  const whole = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return whole === '' || /[.:?…]$/.test(whole) ? whole : `${whole}.`;
}
