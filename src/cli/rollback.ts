import type { Command } from 'commander';
import type { Outcome } from '../event.ts';
import type { Baseline } from '../health/baseline.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import { keptRestorePoints, type KeptRestorePoint } from '../journal/kept-restore-points.ts';
import { newRunId } from '../journal/run-id.ts';
import { readBaseline, readRun } from '../journal/runs.ts';
import { createView } from '../report/view.ts';
import { err, ok, type Result } from '../result.ts';
import type { RollbackTarget, Plan } from '../run/plan.ts';
import { refused } from '../run/refusal.ts';
import { commandIo } from './command-io.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { buildPlan } from './build-plan.ts';
import type { Call } from './call.ts';
import { about, withReports } from './reports.ts';
import { addCommonOptions, addReportOption, type RunOptions } from './run-options.ts';
import { runPlan } from './run.ts';
import { withInstance } from './session.ts';

const help = `
guard first takes a restore point of the present state, so that the rollback can be undone. It then stops, restores and starts
the instance and compares it with the baseline of the chosen run.

Exit status:
    0  rolled back, and as healthy as at the chosen restore point
   11  not as healthy as at the chosen restore point: the state before this command was restored
   20  the state before this command was restored, but is unhealthy: a person must act
   21  the rollback failed; guard printed the commands to finish it
   30  refused, and why (no such restore point, a storage driver that cannot, …)
   31  another run holds the instance`;

/** `guard rollback`: back to a kept restore point, with the same care. */
export function defineRollback(program: Command, call: Call): void {
  const command = program
    .command('rollback')
    .description('roll back to a kept restore point')
    .argument('<instance>', 'name or remote:name')
    .argument('[run]', 'the run that took the restore point, or the start of its id (default: the newest)')
    .addHelpText('after', help);
  addReportOption(addCommonOptions(command)).action(
    async (instance: string, run: string | undefined, options: RunOptions) => {
      const target = { instance, command: ['guard', 'rollback', instance, ...(run === undefined ? [] : [run])] };
      const status = await withReports(call.context, options, [target], async (context) =>
        rollBackTo(await about(context, target), instance, run ?? null, options),
      );
      call.exit(status);
    },
  );
}

function rollBackTo(context: Context, instance: string, run: string | null, options: RunOptions): Promise<number> {
  return withInstance(context, { instance, options, withTerminal: false }, async (session) => {
    const json = options.json ?? false;
    const target = await targetOf(context, session.reached, run);
    if (!target.ok) return reportOutcome(context, json, target.error);
    const plan: Plan = {
      ...buildPlan({
        run: newRunId(context.clock.now()),
        version: context.version,
        reached: session.reached,
        words: ['guard', 'rollback', instance, target.value.run],
        settings: session.settings,
        name: null,
      }),
      change: { kind: 'return', to: target.value },
      // The present state is the reason for the rollback, so it may be unhealthy.
      allowUnhealthy: true,
    };
    const view = createView({ ...context, json, quiet: options.quiet ?? false, history: [] });
    const io = { ...commandIo(context, json), terminal: null, stdin: null };
    return runPlan(context, { plan, io, view, reached: session.reached, notify: session.settings.notify }, false);
  });
}

async function targetOf(
  context: Context,
  reached: InstanceConnection,
  wanted: string | null,
): Promise<Result<RollbackTarget, Outcome>> {
  const state = stateDirectoryOf(context);
  const kept = await keptRestorePoints(state, reached);
  const point = kept.find(({ run }) => wanted === null || run.startsWith(wanted));
  if (point === undefined) return err(noSuchPoint(reached.instance, wanted, kept));
  const record = await readRun(state, point.run);
  const baseline = record === null ? null : ((await readBaseline(record)) as Baseline | null);
  const { name, createdAt, volumes } = point;
  return ok({ run: point.run, baseline, restorePoint: { name, createdAt, volumes } });
}

function noSuchPoint(instance: string, wanted: string | null, kept: readonly KeptRestorePoint[]): Outcome {
  return refused(
    wanted === null
      ? `No run on this host has left a restore point on "${instance}".`
      : `No run "${wanted}" has left a restore point on "${instance}".`,
    kept.length === 0
      ? 'See `guard runs`; snapshots that guard did not take are restored with `incus snapshot restore`.'
      : `There are those of: ${kept
          .map(({ run }) => run)
          .slice(0, 5)
          .join(', ')}`,
  );
}
