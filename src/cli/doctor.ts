import type { Command } from 'commander';
import { findConfiguration } from '../config/find.ts';
import { loadConfiguration } from '../config/load.ts';
import type { ConfigurationMistake } from '../config/mistake.ts';
import type { ClientFacts, Failure, HostFacts, ServerFacts, TerminalFacts, UnfinishedRun } from '../doctor/facts.ts';
import { statusOf, worstLevel } from '../doctor/finding.ts';
import { clientVersion, isClockSynchronized, stateFacts, unitsFacts } from '../doctor/host.ts';
import { judgeHost } from '../doctor/judge.ts';
import { serverFacts } from '../doctor/server.ts';
import { inspectHolder } from '../journal/holder.ts';
import { unfinishedRuns } from '../journal/run-index.ts';
import { isSingleFile } from '../program-files.ts';
import { doctorLines, doctorReport } from '../report/doctor-text.ts';
import { writeLines } from '../report/write.ts';
import { err, ok, type Result } from '../result.ts';
import type { Call } from './call.ts';
import { localClient } from './local-client.ts';
import { stateDirectoryOf, type Context } from './context.ts';

interface DoctorOptions {
  readonly project?: string;
  readonly config?: string;
  readonly json?: boolean;
}

const help = `
It changes nothing. Each line is ok, a warning or a problem, and says what to do.

Exit status, as of a monitoring plugin:
    0  all is ok
    1  there are warnings
    2  there are problems
   64  the command line is wrong`;

/** `guard doctor`: what guard needs on this host, and what is missing. */
export function defineDoctor(program: Command, { context, exit }: Call): void {
  program
    .command('doctor')
    .description('check whether this host has what guard needs')
    .argument('[remote]', 'a remote with a colon at its end (default: the one of the incus or lxc command)')
    .option('--project <name>', 'the project (default: as in the incus or lxc command)')
    .option('--config <file>', 'read this guard.yaml (default: ./guard.yaml, then the user’s, then the system’s)')
    .option('--json', 'write one JSON document to stdout')
    .addHelpText('after', help)
    .action(async (remote: string | undefined, options: DoctorOptions) => {
      const findings = judgeHost(await hostFacts(context, remote ?? '', options));
      const lines = options.json ? [JSON.stringify(doctorReport(findings))] : doctorLines(findings);
      await writeLines(context.stdout, lines);
      exit(statusOf(worstLevel(findings)));
    });
}

async function hostFacts(context: Context, remote: string, options: DoctorOptions): Promise<HostFacts> {
  const { version, commit } = context;
  const state = stateDirectoryOf(context);
  const asked = askServer(context, remote, options.project ?? null);
  const [server, client, folder, units, clockSynchronized, configuration, runs] = await Promise.all([
    asked,
    asked.then((facts) => clientFacts(facts.ok ? facts.value.client : localClient(context))),
    stateFacts(state),
    unitsFacts(),
    isClockSynchronized(),
    checkConfiguration(context, options.config ?? null),
    unfinishedRuns(state),
  ]);
  return {
    program: { version, commit, node: process.versions.node, isSingleFile: isSingleFile() },
    server,
    client,
    state: folder,
    units,
    clockSynchronized,
    terminal: terminalFacts(context),
    configuration,
    unfinishedRuns: runs.flatMap(({ run, started }) =>
      started === null ? [] : [unfinishedRun(run, started, inspectHolder(started.holder) === 'alive')],
    ),
  };
}

async function clientFacts(name: string): Promise<ClientFacts> {
  return { name, version: await clientVersion(name) };
}

async function askServer(
  context: Context,
  remote: string,
  project: string | null,
): Promise<Result<ServerFacts, Failure>> {
  // An address names an instance; only what stands before it counts.
  const reached = await context.reach(remote === '' ? 'any' : `${remote.replace(/:$/, '')}:any`, project);
  if (!reached.ok) return reached;
  try {
    const facts = await serverFacts(reached.value.platform, reached.value.remote, context.readHookPart);
    if (facts.ok) return facts;
    const { purpose, detail, advice } = facts.error;
    return err({ message: `Could not ${purpose}: ${detail}`, advice });
  } finally {
    await reached.value.close();
  }
}

async function checkConfiguration(context: Context, explicitPath: string | null): Promise<HostFacts['configuration']> {
  const search = { explicitPath, environment: context.environment, cwd: context.workingDirectory };
  const [found, loaded] = [await findConfiguration(search), await loadConfiguration(search)];
  const mistakes = !found.ok ? found.error : loaded.ok ? [] : loaded.error;
  if (mistakes[0] !== undefined) return err(describeMistakes(mistakes[0], mistakes.length));
  return ok({ file: found.ok ? (found.value?.path ?? null) : null });
}

/** In one line: the whole is told by every command that reads the file. */
function describeMistakes({ file, location, message, advice }: ConfigurationMistake, count: number): Failure {
  const place = location === null ? '' : `:${location.line}:${location.column}`;
  const more = count === 1 ? '' : ` (and ${count - 1} more)`;
  return { message: `${file ?? 'guard.yaml'}${place}: ${message}${more}`, advice: advice || 'Correct the file.' };
}

function terminalFacts({ stdin, stdout, stderr, environment }: Context): TerminalFacts {
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || '';
  return {
    isInteractive: stdin.isTTY === true && stderr.isTTY === true,
    columns: stdout.columns ?? stderr.columns ?? null,
    isUtf8: /utf-?8/i.test(locale),
  };
}

function unfinishedRun(
  run: string,
  {
    instance,
    project,
    remote,
  }: { readonly instance: string; readonly project: string; readonly remote: string | null },
  isAlive: boolean,
): UnfinishedRun {
  return { run, instance: remote === null ? instance : `${remote}:${instance}`, project, isAlive };
}
