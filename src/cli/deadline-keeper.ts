import { access } from 'node:fs/promises';
import { isAgentRunning } from '../agent/agent-lock.ts';
import { isAgentKeeping } from '../agent/agent-socket.ts';
import type { Refusal } from '../event.ts';
import { noteWaiting, type WaitingNote } from '../journal/waiting-runs.ts';
import { err, ok, type Result } from '../result.ts';
import { stateDirectoryOf, type Context } from './context.ts';

/** Who rolls an unconfirmed change back at its deadline, even if the guard that made it has ended. */
export type DeadlineKeeper = 'agent' | 'systemd';

/** Finds a keeper on this host that is able to act now. An agent that is stopped or hangs is none. */
export async function findDeadlineKeeper(context: Context): Promise<Result<DeadlineKeeper, Refusal>> {
  const state = stateDirectoryOf(context);
  if (await isAgentKeeping(state, context.clock)) return ok('agent');
  if (process.getuid?.() === 0 && (await hasSystemd())) return ok('systemd');
  if (await isAgentRunning(state))
    return err({
      message: `Nothing on this host would roll the change back at its deadline: the guard agent of ${state} does not answer. It is stopped, hangs, or is of an older version.`,
      advice: 'Restart `guard agent`, or run guard as root on a host with systemd.',
    });
  return err({
    message:
      'Nothing on this host would roll the change back at its deadline: neither guard agent nor systemd is running.',
    advice: 'Start `guard agent`, or run guard as root on a host with systemd.',
  });
}

/** systemd says by this folder that it is the init of this machine (sd_booted(3)). */
function hasSystemd(): Promise<boolean> {
  return access('/run/systemd/system').then(
    () => true,
    () => false,
  );
}

/** Notes that the run waits, and makes sure that somebody keeps its deadline. The error is one sentence. */
export async function armDeadline(context: Context, run: string, note: WaitingNote): Promise<Result<void, string>> {
  const noted = await noteWaiting(stateDirectoryOf(context), run, note);
  if (!noted.ok) return noted;
  const keeper = await findDeadlineKeeper(context);
  if (!keeper.ok) return err(`${keeper.error.message} ${keeper.error.advice}`);
  return keeper.value === 'agent' ? ok(undefined) : startService(context, run);
}

/** Variables that say where the records, the configuration and the server are. */
const passedOn = /^(GUARD_|INCUS_|LXD_|LXC_REMOTE$|XDG_|HOME$|PATH$|NODE_)/;

/** A transient unit that is started again if it dies; `guard recover` at boot takes over after a reboot. */
async function startService({ environment }: Context, run: string): Promise<Result<void, string>> {
  const { execa } = await import('execa');
  const variables = Object.entries(environment).flatMap(([name, value]) =>
    passedOn.test(name) && value !== undefined ? [`--setenv=${name}=${value}`] : [],
  );
  const script = process.argv[1];
  const program = script === undefined || script === process.execPath ? [process.execPath] : [process.execPath, script];
  const started = await execa(
    'systemd-run',
    [
      `--unit=guard-confirm-${run}`,
      '--collect',
      '--quiet',
      // Only a program that could be started counts.
      '--property=Type=exec',
      '--property=Restart=on-failure',
      '--property=RestartSec=1',
      '--description=guard: roll an unconfirmed change back at its deadline',
      ...variables,
      '--',
      ...program,
      'confirm',
      '--keep-deadline',
      run,
    ],
    { reject: false, stdin: 'ignore' },
  );
  // It runs already where an earlier guard has started it.
  if (!started.failed || /already (exists|loaded)/.test(started.stderr)) return ok(undefined);
  return err(
    `systemd could not start the keeper of the deadline: ${started.stderr.trim() || started.originalMessage}.`,
  );
}
