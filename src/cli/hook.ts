import type { Command } from 'commander';
import {
  findHook,
  findManagers,
  installHook,
  removeHook,
  pingHook,
  type Installation,
  type PingResult,
} from '../package-hook/installation.ts';
import type { Inside } from '../package-hook/inside.ts';
import { knownManagers } from '../package-hook/parts.ts';
import type { PlatformFailure } from '../platform/failure.ts';
import { hookLines } from '../report/hook-text.ts';
import { writeLines } from '../report/write.ts';
import { err, ok, type Result } from '../result.ts';
import { refused, refusedBecause } from '../run/refusal.ts';
import type { Outcome } from '../event.ts';
import type { Call } from './call.ts';
import type { Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { addCommonOptions, type RunOptions } from './run-options.ts';
import { withExisting, type Session } from './session.ts';

const help = `
Exit status:
    0  done; with status: the hook is up to date, and the agent answers
    1  status: not installed, not up to date, or no agent answers
    3  status: the instance is stopped, so the agent was not tested
   30  refused, for example because there is no such instance or no supported package manager
   64  the command line is wrong
   78  guard.yaml is wrong`;

/** What a subcommand of `guard hook` has to tell. */
interface HookReport {
  readonly installation: Installation | null;
  readonly way: PingResult | null;
  /** Why package managers that are there cannot ask. */
  readonly unable?: readonly string[];
  readonly status: number;
}

/** `guard hook`: the part of guard inside an instance, with which package managers ask for a restore point. */
export function defineHook(program: Command, call: Call): void {
  const hook = program
    .command('hook')
    .description('install, remove or inspect the hook that takes restore points for package managers')
    .addHelpText('after', help);
  function define(
    name: string,
    description: string,
    work: (context: Context, session: Session, inside: Inside) => Promise<Result<HookReport, Outcome>>,
  ): void {
    const command = hook.command(name).description(description).argument('<instance>', 'name or remote:name');
    addCommonOptions(command).action(async (instance: string, options: RunOptions) => {
      const { context } = call;
      const status = await withExisting(context, { instance, options, withTerminal: false }, async (session) => {
        const { platform, instance: own } = session.reached;
        const done = await work(context, session, { platform, instance: own });
        if (!done.ok) return reportOutcome(context, options.json ?? false, done.error);
        const { installation, way, unable = [] } = done.value;
        if (options.json)
          await writeLines(context.stdout, [JSON.stringify({ instance: own, ...installation, way, unable })]);
        else if (!options.quiet) await writeLines(context.stdout, hookLines(own, installation, way, unable));
        return done.value.status;
      });
      call.exit(status);
    });
  }
  define('install', 'install or update the hook; the instance may be stopped', install);
  define('remove', 'remove the hook and everything it installed', remove);
  define('status', 'show what is installed, and test the connection to the agent', status);
}

/** An agent that runs notices a new hook by itself; this is how long it is waited for, in milliseconds. */
const noticeMs = 3000;

/** What the client waits longer than the agent, which has the better answer, in milliseconds. */
const aheadMs = 5000;

async function install(
  { clock, readHookPart }: Context,
  { settings }: Session,
  inside: Inside,
): Promise<Result<HookReport, Outcome>> {
  const found = await findManagers(inside);
  if (!found.ok) return failed(found.error);
  const { managers, unable } = found.value;
  if (managers.length === 0)
    return err(
      refused(
        `"${inside.instance}" has no package manager for which guard has a hook.`,
        unable[0] === undefined
          ? `guard has hooks for: ${knownManagers.map(({ name }) => name).join(', ')}.`
          : `${unable[0]}.`,
      ),
    );
  const { absent, timeoutMs } = settings.hook;
  const conf = { absent, limitSeconds: Math.ceil((timeoutMs + aheadMs) / 1000) };
  const installed = await installHook(inside, { readHookPart, managers, conf });
  if (!installed.ok) return failed(installed.error);
  const way = await pingHook(inside, clock, noticeMs);
  return way.ok ? ok({ installation: installed.value, way: way.value, unable, status: 0 }) : failed(way.error);
}

async function remove(_context: Context, _session: Session, inside: Inside): Promise<Result<HookReport, Outcome>> {
  const removed = await removeHook(inside);
  return removed.ok ? ok({ installation: removed.value, way: null, status: 0 }) : failed(removed.error);
}

async function status(
  { clock, readHookPart }: Context,
  _session: Session,
  inside: Inside,
): Promise<Result<HookReport, Outcome>> {
  const found = await findHook(inside, readHookPart);
  if (!found.ok) return failed(found.error);
  if (found.value === null) return ok({ installation: null, way: null, status: 1 });
  const way = await pingHook(inside, clock, 0);
  if (!way.ok) return failed(way.error);
  const isCurrent = found.value.parts.every(({ state }) => state === 'unchanged');
  const byWay = { answers: 0, silent: 1, stopped: 3 } as const;
  return ok({ installation: found.value, way: way.value, status: isCurrent ? byWay[way.value.kind] : 1 });
}

function failed(failure: PlatformFailure): Result<never, Outcome> {
  return err(refusedBecause(failure));
}
