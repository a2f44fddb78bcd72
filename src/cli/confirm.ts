import { Option, type Command } from 'commander';
import { timeLimits } from '../config/limits.ts';
import { findRunId, isRunId } from '../journal/run-id.ts';
import { listRunIds, readRun, type RunRecord } from '../journal/runs.ts';
import { listWaiting, readWaitingNote } from '../journal/waiting-runs.ts';
import { inFlightName } from '../run/lock/in-flight.ts';
import { readMarker } from '../run/lock/marker.ts';
import { explainMissing } from '../run/missing-instance.ts';
import { refused } from '../run/refusal.ts';
import { ok } from '../result.ts';
import type { Call } from './call.ts';
import { keepDeadlines } from './confirmation-keeper.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { addCommonOptions, type RunOptions } from './run-options.ts';
import { withInstanceOfRun } from './present-name.ts';
import type { Session } from './session.ts';
import { confirmationOf, reportConfirmed, settleAndFinish } from './settle-waiting.ts';
import { UsageMistake } from './usage.ts';
import { duration } from './values.ts';
import { waitingRunOf } from './waiting-run.ts';

interface ConfirmOptions extends RunOptions {
  readonly extend?: number;
  readonly keepDeadline?: string;
}

const help = `
Exit status:
    0  the change is kept, or its deadline was moved
   14  the change was rolled back: somebody rolled it back at the same moment
   30  no change waits for a confirmation, or its deadline has passed
   64  the command line is wrong
   78  guard.yaml is wrong`;

/** `guard confirm`: keep a change that waits for a confirmation. */
export function defineConfirm(program: Command, call: Call): void {
  const command = program
    .command('confirm')
    .description('keep a change that waits for a confirmation (--confirm)')
    .argument('[run-or-instance]', "id of the waiting run, its beginning, or 'last'; or the instance")
    .addOption(
      new Option('--extend <time>', 'do not confirm yet: set the deadline to this time from now').argParser(
        duration(timeLimits.extend),
      ),
    )
    .addOption(new Option('--keep-deadline <run>', 'wait for the deadline of this run and act on it').hideHelp())
    .addHelpText('after', help);
  addCommonOptions(command).action(async (wanted: string | undefined, options: ConfirmOptions) => {
    if (options.keepDeadline !== undefined) {
      await keepDeadlines(call.context, { only: options.keepDeadline, signal: call.context.interrupter.signal });
      call.exit(0);
      return;
    }
    if (wanted === undefined)
      throw new UsageMistake('guard confirm needs a run or an instance.', 'See `guard runs` for the runs that wait.');
    call.exit(await confirm(call.context, wanted, options));
  });
}

async function confirm(context: Context, wanted: string, options: ConfirmOptions): Promise<number> {
  const target = await targetOf(context, wanted, options);
  if (target.record === null && !target.isNoted) {
    const confirmed = options.extend === undefined ? await confirmedRun(context, wanted) : null;
    if (confirmed !== null) return reportConfirmed(context, options, confirmed);
    const ended = await endedRun(context, wanted);
    if (ended !== null)
      return reportOutcome(context, options.json ?? false, refused(ended, 'See `guard runs` for how the runs ended.'));
  }
  const request = { instance: target.instance, options: target.options, withTerminal: false };
  return withInstanceOfRun(context, request, target.record, (session, record) =>
    confirmOn(context, session, record?.run ?? null, target.options),
  );
}

async function confirmOn(
  context: Context,
  session: Session,
  run: string | null,
  options: ConfirmOptions,
): Promise<number> {
  const json = options.json ?? false;
  const { platform, instance } = session.reached;
  const seen = await platform.getInstance(instance);
  if (!seen.ok) return reportOutcome(context, json, await explainMissing(platform, session.reached, seen.error));
  const waiting = await waitingRunOf(context, session, run);
  if (!waiting.ok) return reportOutcome(context, json, waiting.error);
  if (waiting.value !== null && (run === null || waiting.value.run === run)) {
    const { extend } = options;
    const action = extend === undefined ? ({ kind: 'confirm' } as const) : ({ kind: 'extend', ms: extend } as const);
    return settleAndFinish(context, session, waiting.value, action, options);
  }
  const confirmed = options.extend === undefined ? await confirmedNow(context, session, run) : null;
  if (confirmed !== null) return reportConfirmed(context, options, confirmed);
  return reportOutcome(context, json, refused(await describeNoWait(session, run), noWaitAdvice));
}

const noWaitAdvice = 'See `guard runs` for how the runs ended.';

/** A restore point in flight whose marker says nothing may be of a change that waits: only its own host can tell. */
async function describeNoWait({ reached }: Session, run: string | null): Promise<string> {
  if (run !== null) return `Run ${run} does not wait for a confirmation.`;
  const { platform, instance } = reached;
  const [seen, point] = await Promise.all([
    platform.getInstance(instance),
    platform.getSnapshot(instance, inFlightName),
  ]);
  const isUnexplained = seen.ok && point.ok && readMarker(seen.value) === null;
  return isUnexplained
    ? `A run holds "${instance}", and its marker is missing or cannot be read, so this host cannot tell whether a change waits for a confirmation. Confirm it on the host that made the change.`
    : `No change of "${instance}" waits for a confirmation.`;
}

/** The confirmation of a run that is named by its whole id. */
function confirmedRun(context: Context, wanted: string): ReturnType<typeof confirmationOf> {
  return isRunId(wanted) ? confirmationOf(context, wanted) : Promise.resolve(null);
}

/** How many of the last runs may have been confirmed while this command was starting. */
const lastRuns = 20;

/**
 * Somebody else has confirmed the change: what this command wants has happened. Where it names an instance, only a confirmation since this command
 * started is meant; an older one may be of an earlier change.
 */
async function confirmedNow(
  context: Context,
  { reached }: Session,
  run: string | null,
): Promise<Awaited<ReturnType<typeof confirmationOf>>> {
  const { clock } = context;
  const startedAt = clock.now() - clock.monotonic();
  const state = stateDirectoryOf(context);
  const runs = run === null ? (await listRunIds(state)).slice(0, lastRuns) : [run];
  for (const one of runs) {
    const started = (await readRun(state, one))?.started;
    const isHere =
      started?.instance === reached.instance &&
      started.project === reached.project &&
      started.remote === reached.remote;
    const confirmed = isHere ? await confirmationOf(context, one) : null;
    if (confirmed !== null && (run !== null || (confirmed.at != null && confirmed.at >= startedAt))) return confirmed;
  }
  return null;
}

/** Where a run is meant that does not wait: that, in a sentence. Null where an instance may be meant. */
async function endedRun(context: Context, wanted: string): Promise<string | null> {
  if (wanted === 'last') return 'No change that this host made waits for a confirmation.';
  const runs = await listRunIds(stateDirectoryOf(context));
  return runs.includes(wanted) ? `Run ${wanted} does not wait for a confirmation.` : null;
}

/** A run of this host, by its id; else an instance. `isNoted`: the record of the run cannot be read, and its note names the instance. */
async function targetOf(
  context: Context,
  wanted: string,
  options: ConfirmOptions,
): Promise<{
  readonly instance: string;
  readonly record: RunRecord | null;
  readonly isNoted: boolean;
  readonly options: ConfirmOptions;
}> {
  const state = stateDirectoryOf(context);
  const waiting = listWaiting(state) ?? [];
  const newest = wanted === 'last' ? waiting.at(-1) : undefined;
  const found = newest === undefined ? findRunId(waiting, wanted) : ok(newest);
  const record = found.ok ? await readRun(state, found.value) : null;
  const note = found.ok ? readWaitingNote(state, found.value) : null;
  const place = record?.started ?? note;
  if (place === null) return { instance: wanted, record: null, isNoted: false, options };
  const { instance, project, remote } = place;
  return {
    instance: remote === null ? instance : `${remote}:${instance}`,
    record: record?.started == null ? null : record,
    isNoted: record?.started == null,
    options: { ...options, project },
  };
}
