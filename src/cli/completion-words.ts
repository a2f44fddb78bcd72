import type { Command, Option } from 'commander';
import { takesFile, valuesOf } from './option-values.ts';

/** One word that could stand where the cursor is. */
export interface Completion {
  readonly word: string;
  readonly message: string;
}

/**
 * What could stand in the place of the last of these words of guard's own (without `guard` itself). Nothing where the shell
 * knows better: names of files, and everything behind `--`, which belongs to the command inside.
 */
export function completionsOf(program: Command, words: readonly string[], names: Partial<Names>): Completion[] {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  if (before.includes('--')) return [];
  const { command, argumentCount, open } = placeOf(program, before);
  if (before[0] === 'help') return subcommands(program).filter(({ word }) => word.startsWith(current));
  const existing = open === null ? null : existingValues(open, names);
  const all =
    open === null ? wordsFor(program, command, argumentCount, current, names) : (existing ?? valuesOf(open)).map(plain);
  return all.filter(({ word }) => word.startsWith(current));
}

/** Whether names of files may stand there: they never stand for an instance, a run or a word that guard chooses. */
export function wantsFiles(program: Command, words: readonly string[]): boolean {
  const before = words.slice(0, -1);
  if (before.includes('--')) return true;
  const { open } = placeOf(program, before);
  return open !== null && takesFile(open, words.at(-1) ?? '');
}

/** The values of an option that names something that exists; null for all others. */
function existingValues({ long }: Option, { evidence = [], projects = [] }: Partial<Names>): readonly string[] | null {
  if (long === '--evidence') return evidence;
  return long === '--project' ? projects : null;
}

/** What exists at this moment. */
export interface Names {
  readonly instances: readonly string[];
  /** The runs that fit the command: with a restore point of the instance for `guard rollback`. */
  readonly runs: readonly string[];
  readonly rollouts: readonly string[];
  readonly projects: readonly string[];
  /** Names of the files of evidence of the run that was typed. */
  readonly evidence: readonly string[];
}

function plain(word: string): Completion {
  return { word, message: '' };
}

interface CursorPosition {
  readonly command: Command;
  /** How many words that are no options stand behind the command's name; -1 where even that could still come. */
  readonly argumentCount: number;
  /** The option whose value comes next; null elsewhere. */
  readonly open: Option | null;
}

function placeOf(program: Command, before: readonly string[]): CursorPosition {
  const run = program.commands.find((command) => command.name() === 'run') ?? program;
  let position: CursorPosition = { command: run, argumentCount: -1, open: null };
  for (const word of before) {
    if (position.open !== null) position = { ...position, open: null };
    else if (word.startsWith('-')) position = { ...position, open: valueOption(position.command, word) };
    else if (position.argumentCount === -1) {
      const named = program.commands.find((command) => command.name() === word);
      position =
        named === undefined ? { ...position, argumentCount: 1 } : { command: named, argumentCount: 0, open: null };
    } else if (position.argumentCount === 0 && nestedIn(position.command, word) !== undefined) {
      position = { command: nestedIn(position.command, word) ?? position.command, argumentCount: 0, open: null };
    } else position = { ...position, argumentCount: position.argumentCount + 1 };
  }
  return position;
}

function nestedIn(command: Command, word: string): Command | undefined {
  return command.commands.find((one) => one.name() === word);
}

function valueOption(command: Command, word: string): Option | null {
  const option = command.options.find(({ short, long }) => word === short || word === long);
  return option !== undefined && (option.required || option.optional) ? option : null;
}

function wordsFor(
  program: Command,
  command: Command,
  argumentCount: number,
  current: string,
  { instances = [], runs = [], rollouts = [] }: Partial<Names>,
): Completion[] {
  if (current.startsWith('-'))
    return command
      .createHelp()
      .visibleOptions(command)
      .map(({ long, short, description }) => ({ word: long ?? short ?? '', message: description }));
  const argument =
    command.registeredArguments[Math.max(0, argumentCount)] ??
    command.registeredArguments.findLast(({ variadic }) => variadic);
  if (argumentCount === 0 && command.commands.length > 0) return subcommands(command);
  const names: Readonly<Record<string, readonly string[]>> = {
    instance: instances,
    run: runs,
    rollout: rollouts,
    'run-or-instance': instances,
  };
  const values = (names[argument?.name() ?? ''] ?? argument?.argChoices ?? []).map(plain);
  return argumentCount === -1 ? [...subcommands(program), ...values] : values;
}

function subcommands(program: Command): Completion[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .map((command) => ({ word: command.name(), message: command.description() }));
}
