import { UsageMistake } from './usage.ts';

/** The command behind `--`, for the instances before it; throws a `UsageMistake` that says how it is written. */
export const commandWords = (
  instances: readonly string[],
  words: readonly string[] | null,
): readonly [string, ...string[]] => {
  const [instance, ...more] = instances;
  if (instance === undefined) throw new UsageMistake('No instance is named.', usageLine);
  if (words === null)
    throw new UsageMistake(
      'There is no -- between the instance and the command.',
      more.length > 0 ? `Write: guard ${instance} -- ${more.join(' ')}` : adviceFor(instance),
    );
  const [executable, ...rest] = words;
  if (executable === undefined || executable === '')
    throw new UsageMistake('There is no command after the --.', `Write: guard ${instance} -- <command>`);
  return [executable, ...rest];
};

/** A single word may also have been meant as a subcommand. */
const adviceFor = (word: string): string => `Write: guard ${word} -- <command>. The subcommands: guard --help`;

const usageLine = 'Write: guard <instance> -- <command> [arguments…], or see `guard --help`.';
