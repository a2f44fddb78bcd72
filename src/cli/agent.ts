import type { Command } from 'commander';
import { runAgent } from '../agent/agent.ts';
import type { Place } from '../agent/roster.ts';
import type { InstanceName, Settings } from '../config/settings.ts';
import type { Outcome } from '../event.ts';
import type { Reached } from '../incus/reach.ts';
import { lookAtHolder } from '../journal/holder.ts';
import { createAgentLog } from '../report/agent-log.ts';
import { err, ok, type Result } from '../result.ts';
import { runTransaction } from './agent-run.ts';
import type { Context } from './context.ts';
import { endWith } from './end-with.ts';
import type { Call } from './call.ts';
import { settingsOf } from './settings-of.ts';
import { repeated } from './values.ts';

const help = `
It runs until INT, TERM or HUP, and looks after every instance that has the hook (\`guard hook install\`).

Exit status:
    0  it was asked to end
   30  Incus could not be reached
   64  the command line is wrong`;

interface AgentOptions {
  readonly project?: readonly string[];
  readonly config?: string;
  readonly json?: boolean;
}

/** `guard agent`: the host's side of the package-manager hooks. */
export const defineAgent = (program: Command, call: Call): void => {
  program
    .command('agent')
    .description("the host's side of the hooks: guards what package managers inside do by themselves")
    .argument('[remote...]', 'remotes, each with a colon at its end (default: the one of the incus command)')
    .option('--project <name>', 'look after this project (repeatable)', repeated)
    .option('--config <file>', 'read this guard.yaml (default: ./guard.yaml, then the user’s, then the system’s)')
    .option('--json', 'write one event a line on stdout')
    .addHelpText('after', help)
    .action(async (remotes: readonly string[], options: AgentOptions) => {
      call.exit(await agentOf(call.context, remotes, options));
    });
};

const agentOf = async (context: Context, remotes: readonly string[], options: AgentOptions): Promise<number> => {
  const reached = await reachAll(context, remotes, options.project ?? [null]);
  if (!reached.ok) return endWith(context, options.json ?? false, reached.error);
  const { version, clock, interrupter, stdout, stderr } = context;
  const tell = createAgentLog({ stdout, stderr, json: options.json ?? false, clock });
  await runAgent(reached.value.map(placeOf), {
    version,
    clock,
    tell,
    lookAtHolder,
    signal: interrupter.signal,
    settings: ({ instance, remote }) => settingsNow(context, { name: instance, remote }, options),
    run: (place, instance, order) => runTransaction(context, tell, place, instance, order),
  });
  await closeAll(reached.value);
  return 0;
};

/** Read anew each time: what is changed in guard.yaml holds for the next transaction. */
const settingsNow = async (
  context: Context,
  name: InstanceName,
  { config }: AgentOptions,
): Promise<Result<Settings, string>> => {
  const settings = await settingsOf(context, name, config === undefined ? {} : { config }, false);
  if (settings.ok) return settings;
  const { error } = settings;
  return err('refusal' in error ? `guard.yaml on the host: ${error.refusal.says}` : error.outcome);
};

/** Every remote with every project. All or none. */
const reachAll = async (
  context: Context,
  remotes: readonly string[],
  projects: readonly (string | null)[],
): Promise<Result<Reached[], Outcome>> => {
  const reached: Reached[] = [];
  for (const remote of remotes.length === 0 ? [''] : remotes)
    for (const project of projects) {
      const one = await context.reach(
        remote === '' ? anyInstance : `${remote.replace(/:$/, '')}:${anyInstance}`,
        project,
      );
      if (!one.ok) {
        await closeAll(reached);
        return err({ outcome: 'refused', refusal: one.error });
      }
      reached.push(one.value);
    }
  return ok(reached);
};

/** An address names an instance; here only what stands before it counts. */
const anyInstance = 'any';

const closeAll = async (reached: readonly Reached[]): Promise<void> => {
  for (const one of reached) await one.close();
};

const placeOf = ({ incus, project, remote }: Reached): Place => ({ incus, project, remote });
