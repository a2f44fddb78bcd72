import type { Command } from 'commander';
import type { Outcome } from '../event.ts';
import { newRunId } from '../journal/run-id.ts';
import { askShell } from '../rehearsal/inside-copy.ts';
import { managerOf, managerScript, upgradeCommand } from '../rehearsal/pending-upgrade.ts';
import { refused } from '../run/refusal.ts';
import type { Call } from './call.ts';
import { commandIo } from './command-io.ts';
import { commandWords } from './command-words.ts';
import type { Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { buildPlan } from './build-plan.ts';
import { surveyPushes } from './pushes.ts';
import { refuseUnwritableRecords } from './records.ts';
import { runRehearsal } from './rehearsal.ts';
import { withReports } from './reports.ts';
import {
  addRehearsalCopyOptions,
  addReportOption,
  addRunOptions,
  addTraceOption,
  type RunOptions,
} from './run-options.ts';
import { withExisting, type Session } from './session.ts';
import { withTrace } from './tracing.ts';
import { UsageMistake } from './usage.ts';

const help = `
Exit status:
    0  the copy survived the change and a restart
   30  refused; guard prints the reason
   31  busy: another run, another rehearsal, or a copy that was kept
   33  the copy did not survive
   34  the rehearsal could not be carried out or judged
  130  interrupted by INT, 143 by TERM, 129 by HUP: the copy is removed
The instance itself is not changed, whatever the outcome.

Examples:
  guard rehearse web -- apt-get -y full-upgrade
  guard rehearse web               the pending upgrades of its package manager
  guard rehearse web -- true       would it survive a reboot today?`;

/** `guard rehearse`: the run on an isolated copy, which is restarted, judged and removed. */
export function defineRehearse(program: Command, call: Call): void {
  const command = program
    .command('rehearse')
    .description('make the run on an isolated copy of the instance, check the copy and remove it')
    .usage('[options] <instance> [-- <command> [arguments…]]')
    .argument('[instance]', 'name or remote:name, as in the incus or lxc command')
    .addHelpText('after', help);
  addTraceOption(addReportOption(addRehearsalCopyOptions(addRunOptions(command)))).action(
    async (instance: string | undefined, options: RunOptions) => {
      if (instance === undefined)
        throw new UsageMistake('No instance is named.', 'Write: guard rehearse <instance> [-- <command> [arguments…]]');
      const words = call.words === null ? null : commandWords([instance], call.words, 'guard rehearse');
      const target = { instance, command: words ?? [], rehearsal: true } as const;
      const status = await withReports(call.context, options, [target], (context) =>
        withTrace(context, options, (traced) => rehearseInstance(traced, instance, words, options)),
      );
      call.exit(status);
    },
  );
}

/** `words` null: what the package manager has pending. */
export async function rehearseInstance(
  context: Context,
  instance: string,
  words: readonly [string, ...string[]] | null,
  options: RunOptions,
): Promise<number> {
  const json = options.json ?? false;
  const unwritable = await refuseUnwritableRecords(context, json);
  if (unwritable !== null) return unwritable;
  const pushes = await surveyPushes(context, options);
  if (!pushes.ok) return reportOutcome(context, json, pushes.error);
  const io = commandIo(context, json);
  return withExisting(context, { instance, options, withTerminal: io.terminal !== null }, async (session) => {
    const command = words ?? (await pendingUpgrade(session));
    if (command === null) return reportOutcome(context, json, await withoutManager(session.reached, instance));
    const run = newRunId(context.clock.now());
    const plan = buildPlan({
      pushes: pushes.value,
      run,
      version: context.version,
      reached: session.reached,
      words: command,
      settings: session.settings,
      name: null,
    });
    return (await runRehearsal(context, { plan, io, session, options, instance, before: null })).status;
  });
}

/** Why no package manager of the instance was found; `written` is how the user wrote its name. */
export async function withoutManager({ platform, instance }: Session['reached'], written: string): Promise<Outcome> {
  const command = `guard rehearse ${written} -- <command>`;
  const seen = await platform.getInstance(instance);
  return seen.ok && seen.value.status !== 'Running'
    ? refused(
        `"${instance}" is not running (${seen.value.status.toLowerCase()}), so guard cannot ask it for its package manager.`,
        `Start it, or rehearse a command, also while it is stopped: ${command}`,
      )
    : refused(`guard could not detect the package manager of "${instance}".`, `Rehearse a command instead: ${command}`);
}

/** The command that installs what is pending; null where the instance does not run, or has no known manager. */
export async function pendingUpgrade({ reached }: Session): Promise<readonly [string, ...string[]] | null> {
  const manager = managerOf(await askShell(reached, reached.instance, managerScript, []));
  return manager === null ? null : upgradeCommand(manager);
}
