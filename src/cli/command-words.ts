import { UsageMistake } from './usage.ts';

/** The command behind `--`, for the instances before it; throws a `UsageMistake` that says how it is written. */
export const commandWords = (
  instances: readonly string[],
  words: readonly string[] | null,
  program: 'guard' | 'guard plan' = 'guard',
): readonly [string, ...string[]] => {
  const [instance, ...more] = instances;
  if (instance === undefined)
    throw new UsageMistake(
      'No instance is named.',
      `Write: ${program} <instance> -- <command> [arguments…], or see \`guard --help\`.`,
    );
  if (words === null)
    throw new UsageMistake(
      'There is no -- between the instance and the command.',
      `Write: ${program} ${instance} -- ${more.length > 0 ? more.join(' ') : `<command>${subcommandsHint(program)}`}`,
    );
  const [executable, ...rest] = words;
  if (executable === undefined || executable === '')
    throw new UsageMistake('There is no command after the --.', `Write: ${program} ${instance} -- <command>`);
  return [executable, ...rest];
};

/** A single word may also have been meant as a subcommand. */
const subcommandsHint = (program: string): string => (program === 'guard' ? ' (the subcommands: `guard --help`)' : '');
