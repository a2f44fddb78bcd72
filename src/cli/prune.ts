import type { Command } from 'commander';
import { settingTable } from '../config/settings.ts';
import type { InstanceIdentity } from '../journal/instance-identity.ts';
import { keptRestorePoints, type WantedPoints } from '../journal/kept-restore-points.ts';
import { newRunId } from '../journal/run-id.ts';
import { createView } from '../report/view.ts';
import { writeLines } from '../report/write.ts';
import { createRecorder } from '../run/recorder.ts';
import { refusedBecause } from '../run/refusal.ts';
import { pruneRestorePoints, restorePointsToPrune } from '../run/restore-point/retention.ts';
import { recordedTargets } from './recorded-targets.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { buildPlan } from './build-plan.ts';
import type { Call } from './call.ts';
import { addressOf, identityOfReached, withRecorded, type SeenServers } from './identity.ts';
import { addCommonOptions, type RunOptions } from './run-options.ts';
import { withExisting, type Session, type withInstance } from './session.ts';
import { optionOf } from './setting-option.ts';

const help = `
Removes only restore points that guard took, identified by the exact name and creation time in its record. The newest one of
each instance, and those named with --name, always stay.

Exit status:
    0  all old restore points are removed
    1  at least one could not be removed
   30  the instance could not be inspected`;

/** `guard prune`: remove old restore points that guard took. */
export function definePrune(program: Command, call: Call): void {
  const command = program
    .command('prune')
    .description('remove old restore points that guard took')
    .argument('[instance]', 'name or remote:name (default: every instance that this host has records of)')
    .addOption(
      optionOf(settingTable.keep, {
        help: 'how many restore points to keep for each instance',
        defaultHelp: 'as configured, else 3',
      }),
    )
    .option('--dry-run', 'only list what would be removed')
    .addHelpText('after', help);
  addCommonOptions(command).action(async (instance: string | undefined, options: RunOptions) => {
    const { context } = call;
    if (instance !== undefined) return call.exit(await pruneOne(context, instance, options, withExisting));
    const servers: SeenServers = new Map();
    let worst = 0;
    for (const target of await recordedTargets(stateDirectoryOf(context))) {
      const own = { ...options, project: target.project };
      const reaching: typeof withInstance = (_context, wanted, work) =>
        // One that was deleted since has nothing left to prune.
        withRecorded(
          context,
          wanted,
          target,
          async (session, { kind }) => (kind === 'gone' ? 0 : work(session)),
          servers,
        );
      worst = Math.max(worst, await pruneOne(context, addressOf(target), own, reaching));
    }
    call.exit(worst);
  });
}

function pruneOne(
  context: Context,
  instance: string,
  options: RunOptions,
  reaching: typeof withInstance,
): Promise<number> {
  return reaching(context, { instance, options, withTerminal: false }, async ({ reached, settings }) => {
    const run = newRunId(context.clock.now());
    const plan = buildPlan({ run, version: context.version, reached, words: ['true'], settings, name: null });
    const state = stateDirectoryOf(context);
    if (options.dryRun === true) return listOld(context, reached, plan.restorePoint.keep, options.json ?? false);
    const removed: string[] = [];
    const view = createView({ ...context, json: options.json ?? false, quiet: options.quiet ?? false, history: [] });
    const recorder = createRecorder({
      run,
      clock: context.clock,
      // Told, not recorded: it is no run. Whether a restore point still exists the server knows.
      openStore: () => Promise.resolve({ ok: false, error: 'prune keeps no record' }),
      listener: (event) => {
        if (event.type === 'restore-point-pruned') removed.push(event.name);
        return view.listener(event);
      },
    });
    const { platform } = reached;
    const tools = {
      platform,
      clock: context.clock,
      recorder,
      keptRestorePoints: (of: InstanceIdentity, wanted?: WantedPoints) => keptRestorePoints(state, of, wanted),
    };
    const stayed = await pruneRestorePoints(plan, tools, await identityOfReached(reached));
    if (options.json !== true && options.quiet !== true)
      await writeLines(context.stdout, [
        `${reached.instance}: ${removed.length} removed${removed.length === 0 ? '' : ` (${removed.join(', ')})`}${stayed > 0 ? `, ${stayed} could not be removed` : ''}`,
      ]);
    return stayed > 0 ? 1 : 0;
  });
}

async function listOld(context: Context, reached: Session['reached'], keep: number, json: boolean): Promise<number> {
  const existing = await reached.platform.listSnapshots(reached.instance);
  if (!existing.ok) return reportOutcome(context, json, refusedBecause(existing.error));
  const kept = await keptRestorePoints(stateDirectoryOf(context), await identityOfReached(reached));
  const old = restorePointsToPrune(kept, existing.value, keep).map(({ name }) => name);
  await writeLines(
    context.stdout,
    json
      ? old.map((name) => JSON.stringify({ instance: reached.instance, restorePoint: name }))
      : [`${reached.instance}: ${old.length} would be removed${old.length === 0 ? '' : ` (${old.join(', ')})`}`],
  );
  return 0;
}
