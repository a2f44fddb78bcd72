import type { Outcome } from '../event.ts';
import { inspectHolder, isOfEarlierBoot } from '../journal/holder.ts';
import { openJournal } from '../journal/journal.ts';
import { unfinishedRuns } from '../journal/run-index.ts';
import type { RunRecord } from '../journal/runs.ts';
import { removeProxyFolders } from '../rehearsal/package-proxy.ts';
import { recoverCopy } from '../rehearsal/recover-copy.ts';
import { createView } from '../report/view.ts';
import { createRecorder } from '../run/recorder.ts';
import { busy, refused } from '../run/refusal.ts';
import { neutralise } from '../text.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { buildPlan } from './build-plan.ts';
import { reportOutcome } from './report-outcome.ts';
import { about } from './reports.ts';
import type { RunOptions } from './run-options.ts';
import type { Session } from './session.ts';

/** A copy is still there, or may be: the same status as for a lock that could not be freed. */
const copyLeftStatus = 21;

/** Whether somebody still works on a rehearsal. Its copy has no lease: where this host cannot see its process a person has to say. */
export function workOn({ started, ended }: RunRecord): 'over' | 'alive' | 'unknown' {
  // The end is recorded after the copy was removed: it is left for a recovery, whoever lives.
  if (started === null || ended !== null || isOfEarlierBoot(started.holder)) return 'over';
  const holder = inspectHolder(started.holder);
  if (holder === 'elsewhere') return 'unknown';
  return holder === 'alive' ? 'alive' : 'over';
}

type RehearsalRecoveryOptions = RunOptions & { readonly takeOver?: boolean };

/** Removes the copy of a rehearsal whose guard died, and ends its record. Returns the exit status. */
export async function recoverRehearsal(
  context: Context,
  { reached, settings }: Session,
  record: RunRecord,
  options: RehearsalRecoveryOptions,
): Promise<number> {
  const { started, run } = record;
  if (started?.rehearsal === undefined) return 0;
  const refusal = (await refuseOtherServer(reached, record)) ?? requireOver(record, options.takeOver ?? false);
  if (refusal !== null) return reportOutcome(context, options.json ?? false, refusal);
  const { copy } = started.rehearsal;
  const target = { instance: started.instance, command: started.command, rehearsal: true } as const;
  const here = await about(context, target, record.events);
  const view = createView({
    ...here,
    json: options.json ?? false,
    quiet: options.quiet ?? false,
    history: record.events,
  });
  const recorder = createRecorder({
    run,
    clock: context.clock,
    openStore: () => openJournal({ stateDirectory: stateDirectoryOf(context), run }),
    listener: view.listener,
  });
  await recorder.resume();
  const { limits } = buildPlan({ run, version: context.version, reached, words: ['true'], settings, name: null });
  const tools = { platform: reached.platform, clock: context.clock, recorder };
  const removed = await recoverCopy(tools, { run, copy, outcome: record.ended?.outcome ?? null, limits });
  await removeProxyFolders(run);
  await recorder.close();
  return removed ? 0 : copyLeftStatus;
}

function requireOver(record: RunRecord, takeOver: boolean): Outcome | null {
  if (takeOver || workOn(record) === 'over') return null;
  const { host = '' } = record.started?.holder ?? {};
  return busy(
    `Rehearsal ${record.run} of host ${neutralise(host)} may still be running.`,
    'Wait until it ends. If it is certainly dead, pass --take-over.',
  );
}

/** Another server has no such copy, and that says nothing of the one that has. Null on the server of the record, also where the record names none. */
async function refuseOtherServer(
  { platform, instance }: Session['reached'],
  { run, started }: RunRecord,
): Promise<Outcome | null> {
  if (started?.server === undefined) return null;
  const server = await platform.serverId();
  if (server === started.server) return null;
  if (server === null)
    return refused(
      `The server does not tell whether it has the copy of "${neutralise(instance)}": its certificate could not be read.`,
      'Try again.',
    );
  return refused(
    `Rehearsal ${run} was made on another server.`,
    `Recover it with the INCUS_DIR, INCUS_SOCKET or remote of that server. If the server is gone, remove the record: guard forget ${run} -y`,
  );
}

/** Removes what guards of this host left of rehearsals of this instance. Returns the exit status; null where there was nothing. */
export async function recoverRehearsalsOf(
  context: Context,
  session: Session,
  options: RehearsalRecoveryOptions,
): Promise<number | null> {
  const { instance, project, remote } = session.reached;
  const left = (await unfinishedRuns(stateDirectoryOf(context))).filter((record) => {
    const { started } = record;
    const isOfIt = started?.instance === instance && started.project === project && started.remote === remote;
    return isOfIt && started.rehearsal !== undefined && workOn(record) !== 'alive';
  });
  let worst: number | null = null;
  for (const record of left) worst = Math.max(worst ?? 0, await recoverRehearsal(context, session, record, options));
  return worst;
}
