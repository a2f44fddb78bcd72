import { nearest, shellWords } from '../text.ts';
import { commandNames } from './command-names.ts';
import { adviceForWord, isSynonym, runsCommand } from './synonyms.ts';
import { UsageMistake } from './usage.ts';

/**
 * The command behind `--`, for the instances before it; throws a `UsageMistake` that says how it is written. `subcommands`:
 * what the first word may have been meant as; none where a subcommand was written.
 */
export function commandWords(
  instances: readonly string[],
  words: readonly string[] | null,
  program: 'guard' | 'guard plan' | 'guard rehearse' = 'guard',
  subcommands: readonly string[] = [],
): readonly [string, ...string[]] {
  const [instance, ...more] = instances;
  if (instance === undefined)
    throw new UsageMistake(
      'No instance is named.',
      `Write: ${program} <instance> -- <command> [arguments…], or see \`guard --help\`.`,
    );
  if (words === null && isSynonym(instance)) throw unknownCommand(instance);
  if (words !== null && more.length > 0 && subcommands.length > 0 && isSynonym(instance))
    throw superfluous(instance, more, words);
  if (words === null)
    throw new UsageMistake(
      'There is no -- between the instance and the command.',
      `Write: ${program} ${instance} -- ${more.length > 0 ? more.join(' ') : '<command>'}${meant(instances, subcommands)}`,
    );
  const [executable, ...rest] = words;
  if (executable === undefined || executable === '')
    throw new UsageMistake('There is no command after the --.', `Write: ${program} ${instance} -- <command>`);
  return [executable, ...rest];
}

/**
 * Throws a `UsageMistake` where a subcommand stands behind options: `guard --json check web`. `own`: the words of guard itself. One
 * word before `--` is an instance that has the name of a subcommand.
 */
export function refuseLateSubcommand(
  [word = '', ...more]: readonly string[],
  words: readonly string[] | null,
  own: readonly string[],
): void {
  const isSubcommand = commandNames.some((name) => name === word) && own[0]?.startsWith('-') === true;
  if (!isSubcommand || (words !== null && more.length === 0)) return;
  const others = own.toSpliced(own.lastIndexOf(word), 1);
  const command = words === null ? [] : ['--', ...words];
  throw new UsageMistake(
    `The subcommand "${word}" has to stand before the options.`,
    `Write: ${shellWords(['guard', word, ...others, ...command])} (For an instance named ${word}, write: ${shellWords(['guard', 'run', ...own, ...command])}${words === null ? ' -- <command>' : ''})`,
  );
}

/** The first word may also have been meant as a subcommand. */
function meant([first = '', ...more]: readonly string[], subcommands: readonly string[]): string {
  const near = nearest(first, subcommands);
  if (near !== null) return `, or if the subcommand was meant: ${['guard', near, ...more].join(' ')}`;
  return more.length === 0 && subcommands.length > 0 ? ' (the subcommands: `guard --help`)' : '';
}

/** Taken as it is written, the word would be one of several instances. */
function superfluous(word: string, instances: readonly string[], words: readonly string[]): UsageMistake {
  const intended = shellWords(['guard', ...instances, '--', ...words]);
  const asInstance = `(For an instance named ${word}, write: ${shellWords(['guard', 'run', word, ...instances, '--', ...words])})`;
  return runsCommand(word)
    ? new UsageMistake(`No subcommand is needed, and "${word}" is none.`, `Write: ${intended} ${asInstance}`)
    : new UsageMistake(`There is no command "${word}".`, `${adviceForWord(word)} ${asInstance}`);
}

/** The word of another tool. An instance may have that name as well. */
function unknownCommand(word: string): UsageMistake {
  return new UsageMistake(
    `There is no command "${word}".`,
    `${adviceForWord(word)} (For an instance of that name, write: guard ${word} -- <command>)`,
  );
}
