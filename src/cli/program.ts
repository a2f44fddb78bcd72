import { Command, CommanderError } from 'commander';
import type { ReportFile } from '../report/report-files.ts';
import { outcomeTable } from '../run/outcome.ts';
import type { Call, Define } from './call.ts';
import type { Context } from './context.ts';
import { defineAgent } from './agent.ts';
import { defineCompletion } from './completion.ts';
import { definePrune } from './prune.ts';
import { defineRecover } from './recover.ts';
import { defineRollback } from './rollback.ts';
import { defineRun } from './run.ts';
import { defineRuns } from './runs.ts';
import { defineShow } from './show.ts';
import { defineHook } from './hook.ts';
import { defineInit } from './init.ts';
import { definePlan } from './plan.ts';
import { defineCheck } from './check.ts';
import { endWith } from './end-with.ts';
import { withReportsOfMistake } from './reports.ts';
import { splitArguments, usage, UsageMistake, type SplitArguments } from './usage.ts';
import { reportFile } from './values.ts';

const definitions: readonly Define[] = [
  defineRun,
  definePlan,
  defineCheck,
  defineInit,
  defineRuns,
  defineShow,
  defineRecover,
  definePrune,
  defineRollback,
  defineHook,
  defineAgent,
  defineCompletion,
];

/** Reads the command line and does what it says. Returns the exit status. */
export const runProgram = async (argv: readonly string[], context: Context): Promise<number> => {
  const { own, command } = splitArguments(argv);
  let status = 0;
  const program = defineProgram({ context, words: command, exit: (value) => (status = value) });
  try {
    await program.parseAsync([...own], { from: 'user' });
  } catch (error) {
    return endOf(error, context, { own, command }, helpFor(program, { own, command }));
  }
  return status;
};

/** The whole command line with its subcommands, options and help: the reference is made from it as well. */
export const defineProgram = (call: Call): Command => {
  const program = newProgram(call.context);
  for (const define of definitions) define(program, call);
  return program;
};

/** Help and version end commander's way, with their text written already; everything else is a mistake in the words. */
const endOf = async (error: unknown, context: Context, words: SplitArguments, help: string): Promise<number> => {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const mistake = error instanceof CommanderError ? new UsageMistake(mistakeOf(error), help) : error;
  if (!(mistake instanceof UsageMistake)) throw mistake;
  const told = await withReportsOfMistake(context, reportFilesIn(words.own), words.command ?? []);
  return endWith(told, words.own.includes('--json'), usage(mistake));
};

/** A command that is only a group of subcommands has printed its help by now. */
const mistakeOf = (error: CommanderError): string =>
  error.code === 'commander.help' ? 'No subcommand is named.' : sentence(error.message);

/** The reports of a command line that commander does not read to its end. */
const reportFilesIn = (own: readonly string[]): ReportFile[] =>
  own.reduce<ReportFile[]>((files, word, at) => {
    const value = word.startsWith('--report=') ? word.slice(9) : own[at - 1] === '--report' ? word : null;
    try {
      return value === null ? files : reportFile(value, files);
    } catch {
      // It may be the mistake itself.
      return files;
    }
  }, []);

/** Options of a run are written without a subcommand as well; an option of the command itself tells that the -- was forgotten. */
const helpFor = (program: Command, { own, command }: SplitArguments): string => {
  const named = program.commands.find((subcommand) => subcommand.name() === own[0]);
  const see = `ee \`guard ${named?.name() ?? 'run'} --help\`.`;
  const mayLack = named === undefined && command === null && own[0]?.startsWith('-') === false;
  return mayLack ? `The command stands behind --: guard ${own[0]} -- …; s${see}` : `S${see}`;
};

const newProgram = (context: Context): Command =>
  new Command('guard')
    .description(
      'Makes a risky change to an Incus container safe to try: takes a restore point, runs the command, looks at whether ' +
        'the container still does what it did before, and if it does not, puts it back and proves that it is back.',
    )
    .usage('[options] <instance>… -- <command> [arguments…]\n       guard <subcommand> [options]')
    .version(context.version, '-V, --version', 'print the version')
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

const exitStatusHelp = [
  'Exit status:',
  ...outcomeTable.map((row) => `  ${String(row.exit).padStart(3)}  ${row.name}: ${row.meaning}`),
].join('\n');

const sentence = (message: string): string => {
  const text = message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?)]$/.test(text) ? '' : '.'}`;
};
