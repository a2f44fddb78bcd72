import { Command, Option } from 'commander';
import { rolloutTable, type ConfiguredRollout } from '../config/rollout-settings.ts';
import { addRehearsalOptions, addRunOptions, type RunOptions } from './run-options.ts';
import { optionOf, type OptionValues } from './setting-option.ts';
import { repeated } from './values.ts';

/** The options of a run, and those of a rollout. */
export interface RolloutOptions extends RunOptions, OptionValues<typeof rolloutTable, ConfiguredRollout> {
  readonly skipRefused?: boolean;
  readonly all?: boolean;
  readonly allProjects?: boolean;
  readonly filter?: readonly string[];
}

/** Options that choose several instances, and say in which order and how many at once they change. */
export function addRolloutOptions(command: Command): Command {
  command
    .optionsGroup('Several instances:')
    .option('--all', 'choose all instances of the project')
    .option('--all-projects', 'choose instances in all projects of the server')
    .addOption(
      new Option(
        '--filter <filter>',
        'choose only instances that match this filter of `incus list` or `lxc list`, like status=running, location=node1, project=shop or user.tier=web (repeatable)',
      ).argParser(repeated),
    );
  for (const row of Object.values(rolloutTable)) command.addOption(optionOf(row));
  return command.option('--skip-refused', 'skip instances that refuse the run, instead of pausing the rollout');
}

/** Whether a command line means a rollout, rather than one run on one instance. */
export function isRollout(instances: readonly string[], options: RolloutOptions): boolean {
  return (
    instances.length > 1 ||
    instances.some((word) => /[*?[\]{}]/.test(word) || word.startsWith('@')) ||
    options.all === true ||
    options.allProjects === true ||
    options.filter !== undefined ||
    options.canary !== undefined ||
    options.maxParallel !== undefined ||
    options.spreadBy !== undefined ||
    options.allOrNothing === true
  );
}

/** Whether the options choose instances without a name of any. */
export function choosesByItself({ all, filter }: RolloutOptions): boolean {
  return all === true || filter !== undefined;
}

/** The words of a command line that are options of this command, each as one word with its value. */
export function optionWords(command: Command, own: readonly string[]): string[] {
  const words: string[] = [];
  for (let index = 0; index < own.length; index += 1) {
    const word = own[index] ?? '';
    const [flag, value] = splitWord(word);
    const option = command.options.find(({ long, short }) => flag === long || flag === short);
    if (option?.long === undefined || option.long === null) continue;
    if (!option.required) words.push(option.long);
    else if (value === null) {
      index += 1;
      words.push(`${option.long}=${own[index] ?? ''}`);
    } else words.push(`${option.long}=${value}`);
  }
  return words;
}

function splitWord(word: string): [string, string | null] {
  const at = word.startsWith('--') ? word.indexOf('=') : -1;
  return at === -1 ? [word, null] : [word.slice(0, at), word.slice(at + 1)];
}

/** Reads option words again; the last one wins. Throws what commander throws where one is none. */
export function readOptionWords(words: readonly string[]): RolloutOptions {
  const command = addRehearsalOptions(addRolloutOptions(addRunOptions(new Command('guard'))))
    .addOption(new Option('--no-all-or-nothing').hideHelp())
    .exitOverride()
    .configureOutput({ writeErr: () => {}, outputError: () => {} });
  return command.parse([...words], { from: 'user' }).opts<RolloutOptions>();
}

/** What is chosen, shown and written belongs to each command line by itself. */
const ofOneCall = [
  '--json',
  '--quiet',
  '--report',
  '--trace',
  '--all',
  '--all-projects',
  '--filter',
  '--project',
  '--passthrough',
  '--rehearse',
];

/** What the record on the server does not carry: it may name files, secrets or commands of one host. */
const ofOneHost = ['--config', '--confirm-by', '--env', '--push', '--push-owner'];

/** The options of a rollout that its journal keeps. */
export function journalWords(words: readonly string[]): string[] {
  return words.filter((word) => !ofOneCall.includes(splitWord(word)[0]));
}

/** The options that a record on the server may carry, and the names of those that it leaves out. */
export function sharedWords(words: readonly string[]): { readonly options: string[]; readonly omitted: string[] } {
  const isOfHost = (word: string): boolean => ofOneHost.includes(splitWord(word)[0]) || word.startsWith('--hook=host:');
  return {
    options: words.filter((word) => !isOfHost(word)),
    omitted: [...new Set(words.filter(isOfHost).map((word) => splitWord(word)[0]))],
  };
}

/**
 * Whoever may configure the project may write its record: of the words there only those are taken that a record may carry. A
 * command on this host is never among them.
 */
export function trustedWords(words: readonly string[]): string[] {
  return sharedWords(journalWords(words)).options.filter((word) => /^--[a-z-]+(=|$)/.test(word));
}
