import { basename } from 'node:path';
import { Argument, type Command } from 'commander';
import { resolveAddress } from '../platform/incus/remote/address.ts';
import { openIncusPlatform } from '../platform/incus/incus.ts';
import { writeLines } from '../report/write.ts';
import type { Call } from './call.ts';
import { completionScripts } from './completion-scripts.ts';
import { completionsOf, wantsFiles, type Names } from './completion-words.ts';
import { listRolloutIds } from '../journal/rollouts.ts';
import { findRunId } from '../journal/run-id.ts';
import { listRunsNamed } from '../journal/run-index.ts';
import { listRunIds, readRun } from '../journal/runs.ts';
import { stateDirectoryOf, type Context } from './context.ts';

const help = `
Examples:
  guard completion bash > /etc/bash_completion.d/guard
  guard completion zsh > /usr/local/share/zsh/site-functions/_guard
  guard completion fish > ~/.config/fish/completions/guard.fish`;

/** `guard completion`, and what its scripts ask at the tab key. */
export function defineCompletion(program: Command, { context, words, exit }: Call): void {
  program
    .command('completion')
    .description('print a completion script for a shell')
    .addArgument(new Argument('<shell>').choices(Object.keys(completionScripts)))
    .addHelpText('after', help)
    .action(async (shell: keyof typeof completionScripts) => {
      await writeLines(context.stdout, [completionScripts[shell].trim()]);
      exit(0);
    });
  program.command('complete', { hidden: true }).action(async () => {
    const typed = words ?? [];
    const found = completionsOf(program, typed, await namesFor(context, typed));
    // The shells' scripts offer names of files unless they are told ":".
    const lines = [
      ...(wantsFiles(program, typed) ? [] : [':']),
      ...found.map(({ word, message }) => `${word}\t${message}`),
    ];
    if (lines.length > 0) await writeLines(context.stdout, lines);
    exit(0);
  });
}

async function namesFor(context: Context, [command, first = '']: readonly string[]): Promise<Names> {
  const state = stateDirectoryOf(context);
  return {
    ...(await namesOnServer(context)),
    runs: command === 'rollback' ? await runsWithPoint(state, first) : (await listRunIds(state)).slice(0, mostRuns),
    rollouts: listRolloutIds(state).slice(0, mostRuns),
    evidence: command === 'show' ? await evidenceNames(state, first) : [],
  };
}

/** The newest: older ones are found by `guard runs`. */
const mostRuns = 20;

/** Only these can be rolled back to. */
async function runsWithPoint(state: string, address: string): Promise<readonly string[]> {
  const instance = address.slice(address.indexOf(':') + 1);
  const runs = await listRunsNamed(state, { instance }, 200);
  return runs
    .filter(({ released }) => released !== null && released.restorePoint !== null)
    .map(({ run }) => run)
    .slice(0, mostRuns);
}

async function evidenceNames(state: string, wanted: string): Promise<readonly string[]> {
  const run = findRunId(await listRunIds(state), wanted);
  const record = run.ok ? await readRun(state, run.value) : null;
  return (record?.evidence?.files ?? []).map((file) => basename(file));
}

/** Those of the local daemon; none where it does not answer at once, or where the default is a remote. */
async function namesOnServer({ environment, clock }: Context): Promise<Pick<Names, 'instances' | 'projects'>> {
  const none = { instances: [], projects: [] };
  const address = await resolveAddress({ environment, remoteAndName: 'x', projectFlag: null });
  if (!address.ok || address.value.kind !== 'local') return none;
  const { socket, project } = address.value;
  const { platform, fleet, close } = openIncusPlatform({ socket, project, clock });
  const over = new AbortController();
  const found = await Promise.race([
    Promise.all([platform.listInstanceNames(), fleet.listProjects()]),
    clock.sleep(patienceMs, over.signal),
  ]);
  over.abort();
  close();
  if (found === undefined) return none;
  const [instances, projects] = found;
  return { instances: instances.ok ? instances.value : [], projects: projects.ok ? projects.value : [] };
}

/** A person waits, with a finger on the tab key. */
const patienceMs = 1000;
