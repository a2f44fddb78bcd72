import { Command, CommanderError } from 'commander';
import type { ReportFile } from '../report/report-file.ts';
import { exitStatusOf, outcomeTable } from '../run/outcome.ts';
import type { Call, Define } from './call.ts';
import { commandNames, isReadOnly, type CommandName } from './command-names.ts';
import type { Context } from './context.ts';
import { refuseUnreadableRecords } from './records.ts';
import { reportOutcome } from './report-outcome.ts';
import { withReportsOfMistake } from './reports.ts';
import { splitArguments, usage, UsageMistake, type SplitArguments } from './usage.ts';
import { versionLine } from '../version.ts';
import { reportFile } from './values.ts';
import { untilSignal } from './until-signal.ts';
import { neutralise, shellWords } from '../text.ts';
import { refuseEmptyValues } from './empty-values.ts';
import { adviceForWord } from './synonyms.ts';

/** One file a command. */
const commands = {
  run: async () => (await import('./run.ts')).defineRun,
  plan: async () => (await import('./plan.ts')).definePlan,
  rehearse: async () => (await import('./rehearse.ts')).defineRehearse,
  forecast: async () => (await import('./forecast.ts')).defineForecast,
  check: async () => (await import('./check.ts')).defineCheck,
  init: async () => (await import('./init.ts')).defineInit,
  runs: async () => (await import('./runs.ts')).defineRuns,
  show: async () => (await import('./show.ts')).defineShow,
  points: async () => (await import('./points.ts')).definePoints,
  recover: async () => (await import('./recover.ts')).defineRecover,
  confirm: async () => (await import('./confirm.ts')).defineConfirm,
  prune: async () => (await import('./prune.ts')).definePrune,
  rollback: async () => (await import('./rollback.ts')).defineRollback,
  forget: async () => (await import('./forget.ts')).defineForget,
  rollout: async () => (await import('./rollout.ts')).defineRollout,
  hook: async () => (await import('./hook.ts')).defineHook,
  agent: async () => (await import('./agent.ts')).defineAgent,
  doctor: async () => (await import('./doctor.ts')).defineDoctor,
  version: async () => (await import('./version.ts')).defineVersion,
  completion: async () => (await import('./completion.ts')).defineCompletion,
} satisfies Readonly<Record<CommandName, () => Promise<Define>>>;

/** Reads the command line and does what it says. Returns the exit status. */
export async function runProgram(argv: readonly string[], situation: Context, isWhole = true): Promise<number> {
  const { own, command } = splitArguments(argv.map(withoutOptionalValue));
  const context: Context = { ...situation, readOnly: isReadOnly(own) };
  let status = 0;
  const call = { context, own, words: command, exit: (value: number) => (status = value) };
  const program = await defineProgram(call, neededFor(own));
  const unreadable = readsRecords(own) ? await refuseUnreadableRecords(context, own.includes('--json')) : null;
  if (unreadable !== null) return unreadable;
  try {
    if (!isWhole) throw notUtf8();
    refuseUnusedWords(own, command);
    refuseUnknownTopic(own);
    const parsed = program.parseAsync([...own], { from: 'user' });
    if ((await (isQuery(own) ? untilSignal(context, parsed) : parsed)) === null) return interruptedStatus(context);
  } catch (error) {
    return endOf(error, context, { own, command }, helpFor(program, { own, command }));
  }
  return status;
}

/** Commands that only look something up: at a signal nothing is left to be finished, and their answer is wanted no more. */
const queries: readonly CommandName[] = ['runs', 'show', 'points', 'doctor', 'completion'];

function isQuery(own: readonly string[]): boolean {
  return queries.some((name) => name === own[0]);
}

function interruptedStatus({ interrupter }: Context): number {
  return exitStatusOf({ outcome: 'interrupted', signal: interrupter.by() ?? 'SIGTERM' });
}

/** Commands that would take unreadable records for none. */
const readers: readonly CommandName[] = [
  'runs',
  'show',
  'points',
  'recover',
  'confirm',
  'prune',
  'rollback',
  'forget',
  'rollout',
  'agent',
];

function readsRecords(own: readonly string[]): boolean {
  return readers.some((name) => name === own[0]) && !wantsHelp(own);
}

/** An option with an optional value would take the instance for it: so `--rehearse=copy` is an option of its own. */
function withoutOptionalValue(word: string, at: number, words: readonly string[]): string {
  return word === '--rehearse=copy' && !words.slice(0, at).includes('--') ? '--rehearse-copy' : word;
}

/** The whole command line with its subcommands, options and help: the reference is made from it as well. */
export async function defineProgram(call: Call, needed: readonly CommandName[] = commandNames): Promise<Command> {
  const program = newProgram(call.context);
  for (const name of needed) (await commands[name]())(program, call);
  refuseEmptyValues(program);
  return program;
}

/** Commands that run something inside. All others would silently ignore what stands behind `--`. */
const commandsWithWords: readonly string[] = ['run', 'plan', 'rehearse', 'complete'];

function notUtf8(): UsageMistake {
  return new UsageMistake(
    'An argument is not valid UTF-8, and the server would receive something else.',
    "Pass the name in UTF-8, or use a pattern inside: sh -c '…'.",
  );
}

function refuseUnusedWords(own: readonly string[], words: readonly string[] | null): void {
  const named = commandNames.find((name) => name === own[0]);
  if (words === null || named === undefined || commandsWithWords.includes(named) || wantsHelp(own)) return;
  throw new UsageMistake(
    `\`guard ${named}\` runs no command, so -- is not allowed.`,
    `Remove -- and what follows it, or use: guard ${own[1] ?? '<instance>'} -- ${shellWords(words)}`,
  );
}

/** commander prints the whole help for a topic that it does not know, and complains afterwards. */
function refuseUnknownTopic([first, topic]: readonly string[]): void {
  if (first !== 'help' || topic === undefined || topic.startsWith('-')) return;
  if (commandNames.some((name) => name === topic)) return;
  throw new UsageMistake(`There is no command "${neutralise(topic)}".`, adviceForWord(topic));
}

/** One of them does the work; all are there for the help and for the tab key. What names none is a run. */
function neededFor(own: readonly string[]): readonly CommandName[] {
  const named = commandNames.find((name) => name === own[0]);
  if (named !== undefined) return [named];
  const showsAll = ['help', 'complete'].includes(own[0] ?? '') || wantsHelp(own);
  return showsAll ? commandNames : ['run'];
}

function wantsHelp(own: readonly string[]): boolean {
  return own.includes('--help') || own.includes('-h');
}

/** Help and version end commander's way, with their text written already; everything else is a mistake in the words. */
async function endOf(error: unknown, context: Context, words: SplitArguments, help: string): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const mistake = error instanceof CommanderError ? new UsageMistake(mistakeOf(error), help) : error;
  if (!(mistake instanceof UsageMistake)) throw mistake;
  const told = await withReportsOfMistake(context, reportFilesIn(words.own), words.command ?? []);
  return reportOutcome(told, words.own.includes('--json'), usage(mistake));
}

/** A command that is only a group of subcommands has printed its help by now. */
function mistakeOf(error: CommanderError): string {
  const missing = /^error: missing required argument '(.*)'/.exec(error.message)?.[1];
  if (missing !== undefined) return `The <${missing}> is missing.`;
  return error.code === 'commander.help' ? 'No subcommand is named.' : sentence(error.message);
}

/** The reports of a command line that commander does not read to its end. */
function reportFilesIn(own: readonly string[]): ReportFile[] {
  return own.reduce<ReportFile[]>((files, word, at) => {
    const value = word.startsWith('--report=') ? word.slice(9) : own[at - 1] === '--report' ? word : null;
    try {
      return value === null ? files : reportFile(value, files);
    } catch {
      // It may be the mistake itself.
      return files;
    }
  }, []);
}

/** Options of a run are written without a subcommand as well; an option of the command itself tells that the -- was forgotten. */
function helpFor(program: Command, { own, command }: SplitArguments): string {
  const path = namedBy(program, own);
  const named = path.at(-1);
  const words = ['guard', ...path.map((subcommand) => subcommand.name())].join(' ');
  const see = `ee \`${named === undefined ? 'guard run' : words} --help\`.`;
  if (named !== undefined && own.length === path.length && named.registeredArguments.length > 0)
    return `Write: ${words} ${argumentsOf(named)}; s${see}`;
  const mayLack = named === undefined && command === null && own[0]?.startsWith('-') === false;
  return mayLack ? `Write the command after --: guard ${own[0]} -- …; s${see}` : `S${see}`;
}

/** The subcommand that the first words name, and the subcommand of that: `rollout`, `resume`. */
function namedBy(command: Command, [word, ...more]: readonly string[]): readonly Command[] {
  const named = command.commands.find((subcommand) => subcommand.name() === word);
  return named === undefined ? [] : [named, ...namedBy(named, more)];
}

/** As the usage line has them. */
function argumentsOf({ registeredArguments }: Command): string {
  return registeredArguments.map((one) => (one.required ? `<${one.name()}>` : `[${one.name()}]`)).join(' ');
}

function newProgram(context: Context): Command {
  return new Command('guard')
    .description(
      'Makes risky changes to containers of Incus and LXD safe to try: takes a restore point, runs the command, checks that ' +
        'the container still works as before, and if not, rolls it back and verifies the rollback.',
    )
    .usage('[options] <instance>… -- <command> [arguments…]\n       guard <subcommand> [options]')
    .version(versionLine(context, process.versions.node), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      // The sentence is said once, by whoever catches the mistake.
      outputError: () => {},
    })
    .enablePositionalOptions()
    .addHelpText(
      'after',
      `\nSee \`guard run --help\` for the options of a run.\n\n${exitStatusHelp}\n\nExamples:\n  guard ubuntu-test -- apt upgrade\n  guard --restart --check 'dig @127.0.0.1 example.org' dns -- apt full-upgrade -y`,
    );
}

const exitStatusHelp = [
  'Exit status:',
  ...outcomeTable.map((row) => `  ${String(row.exit).padStart(3)}  ${row.name}: ${row.meaning}`),
].join('\n');

function sentence(message: string): string {
  const text = valueMistake(message) ?? message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?)]$/.test(text) ? '' : '.'}`;
}

/** commander repeats the value before the reader's own sentence, which names it already. */
function valueMistake(message: string): string | null {
  const [, option, argument, own] =
    /^error: (?:option '(.*?)'|command-argument value '[\s\S]*?' is invalid for argument '(.*?)'\.) ?(?:argument '[\s\S]*?' is invalid\. )?([\s\S]*)$/.exec(
      message,
    ) ?? [];
  if (own === undefined || own === '' || own.startsWith('argument missing')) return null;
  return `${option ?? `<${argument ?? ''}>`}: ${own}`;
}
