import type { Command } from 'commander';
import { keptRestorePoints } from '../journal/kept-restore-points.ts';
import { listRunsOf } from '../journal/run-index.ts';
import { pointsTable, type PointRow } from '../report/points-table.ts';
import { writeLines } from '../report/write.ts';
import { ok, type Result } from '../result.ts';
import type { Outcome } from '../event.ts';
import { refusedBecause } from '../run/refusal.ts';
import type { Call } from './call.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { addressOf, identityOfReached, withRecorded, type SeenServers } from './identity.ts';
import { reportOutcome } from './report-outcome.ts';
import { recordedTargets } from './recorded-targets.ts';
import { addCommonOptions, type RunOptions } from './run-options.ts';
import { withExisting, type Session } from './session.ts';

const help = `
guard rollback <instance> <run> goes back to one of them; guard prune removes old ones. The size is shown if
the storage driver reports it.

Exit status:
    0  the restore points were listed, also if there are none
   30  there is no such instance, or the server could not be reached`;

/** `guard points`: the restore points that guard can go back to. */
export function definePoints(program: Command, call: Call): void {
  const command = program
    .command('points')
    .description("list guard's restore points, with age and size")
    .argument('[instance]', 'name or remote:name (default: every instance that this host has records of)')
    .addHelpText('after', help);
  addCommonOptions(command).action(async (instance: string | undefined, options: RunOptions) => {
    const { context } = call;
    const rows: PointRow[] = [];
    const status =
      instance === undefined
        ? await collectAll(context, options, rows)
        : await withExisting(context, { instance, options, withTerminal: false }, (session) =>
            collect(context, session, { isNamed: true, options }, rows),
          );
    if (status !== 0) return call.exit(status);
    const lines = options.json
      ? rows.map((row) => JSON.stringify(row))
      : pointsTable(rows, context.clock.now(), context.stdout);
    await writeLines(context.stdout, lines);
  });
}

/** Of every recorded instance, wherever it is by now. One that was deleted since has none. */
async function collectAll(context: Context, options: RunOptions, rows: PointRow[]): Promise<number> {
  const servers: SeenServers = new Map();
  for (const target of await recordedTargets(stateDirectoryOf(context))) {
    const own = { ...options, project: target.project };
    const status = await withRecorded(
      context,
      { instance: addressOf(target), options: own, withTerminal: false },
      target,
      async (session, { kind }) => (kind === 'gone' ? 0 : collect(context, session, { isNamed: false, options }, rows)),
      servers,
    );
    if (status !== 0) return status;
  }
  return 0;
}

async function collect(
  context: Context,
  session: Session,
  wanted: { readonly isNamed: boolean; readonly options: RunOptions },
  rows: PointRow[],
): Promise<number> {
  const points = await pointsOf(context, session, addressOf(session.reached));
  if (points.ok) rows.push(...points.value);
  else if (wanted.isNamed) return reportOutcome(context, wanted.options.json ?? false, points.error);
  return 0;
}

/** Those that the records name and the server still has, newest first. */
async function pointsOf(
  context: Context,
  { reached }: Session,
  instance: string,
): Promise<Result<PointRow[], Outcome>> {
  const state = stateDirectoryOf(context);
  const existing = await reached.platform.listSnapshots(reached.instance);
  if (!existing.ok) return { ok: false, error: refusedBecause(existing.error) };
  const identity = await identityOfReached(reached);
  const kept = await keptRestorePoints(state, identity);
  const runs = new Map((await listRunsOf(state, identity, 1000)).map((summary) => [summary.run, summary]));
  return ok(
    kept.flatMap(({ run, name, createdAt, volumes }) => {
      const snapshot = existing.value.find((one) => one.name === name && one.createdAt === createdAt);
      if (snapshot === undefined) return [];
      return [
        {
          instance,
          run,
          name,
          takenAt: Date.parse(createdAt),
          expiresAt: snapshot.expiresAt === null ? null : Date.parse(snapshot.expiresAt),
          command: runs.get(run)?.started?.command ?? [],
          volumes: volumes.length,
          sizeBytes: snapshot.sizeBytes,
        },
      ];
    }),
  );
}
