import type { Command, Option } from 'commander';

/** One word that could stand where the cursor is. */
export interface Completion {
  readonly word: string;
  readonly says: string;
}

/**
 * What could stand in the place of the last of these words of guard's own (without `guard` itself). Nothing where the shell
 * knows better: names of files, and everything behind `--`, which belongs to the command inside.
 */
export function completionsOf(program: Command, words: readonly string[], instances: readonly string[]): Completion[] {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  if (before.includes('--')) return [];
  const { command, places, open } = placeOf(program, before);
  const all =
    open === null ? wordsFor(program, command, places, current, instances) : (open.argChoices ?? []).map(plain);
  return all.filter(({ word }) => word.startsWith(current));
}

function plain(word: string): Completion {
  return { word, says: '' };
}

interface Place {
  readonly command: Command;
  /** How many words that are no options stand behind the command's name; -1 where even that could still come. */
  readonly places: number;
  /** The option whose value comes next; null elsewhere. */
  readonly open: Option | null;
}

function placeOf(program: Command, before: readonly string[]): Place {
  const run = program.commands.find((command) => command.name() === 'run') ?? program;
  let place: Place = { command: run, places: -1, open: null };
  for (const word of before) {
    if (place.open !== null) place = { ...place, open: null };
    else if (word.startsWith('-')) place = { ...place, open: valueOption(place.command, word) };
    else if (place.places === -1) {
      const named = program.commands.find((command) => command.name() === word);
      place = named === undefined ? { ...place, places: 1 } : { command: named, places: 0, open: null };
    } else place = { ...place, places: place.places + 1 };
  }
  return place;
}

function valueOption(command: Command, word: string): Option | null {
  const option = command.options.find(({ short, long }) => word === short || word === long);
  return option !== undefined && (option.required || option.optional) ? option : null;
}

function wordsFor(
  program: Command,
  command: Command,
  places: number,
  current: string,
  instances: readonly string[],
): Completion[] {
  if (current.startsWith('-'))
    return command
      .createHelp()
      .visibleOptions(command)
      .map(({ long, short, description }) => ({ word: long ?? short ?? '', says: description }));
  const argument =
    command.registeredArguments[Math.max(0, places)] ??
    command.registeredArguments.findLast(({ variadic }) => variadic);
  const values = argument?.name() === 'instance' ? instances.map(plain) : (argument?.argChoices ?? []).map(plain);
  return places === -1 ? [...subcommands(program), ...values] : values;
}

function subcommands(program: Command): Completion[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .map((command) => ({ word: command.name(), says: command.description() }));
}
