import { Option, type Command } from 'commander';
import type { Outcome } from '../event.ts';
import type { Baseline } from '../health/baseline.ts';
import { currentHolder, inspectHolder } from '../journal/holder.ts';
import { openJournal } from '../journal/journal.ts';
import { keptRestorePoints, type KeptRestorePoint } from '../journal/kept-restore-points.ts';
import { newRunId } from '../journal/run-id.ts';
import { unfinishedRuns } from '../journal/run-index.ts';
import { readBaseline, readRun, type RunRecord } from '../journal/runs.ts';
import { readWaitingNote } from '../journal/waiting-runs.ts';
import type { Target } from '../report/run-report.ts';
import { createView } from '../report/view.ts';
import { writeLines } from '../report/write.ts';
import { err, ok, type Result } from '../result.ts';
import { mayBeSettledLater } from '../run/confirmation/settlement.ts';
import { exitStatusOf } from '../run/outcome.ts';
import type { Plan } from '../run/plan.ts';
import { newLease } from '../run/lock/in-flight.ts';
import { keepLease, lossBehind, settleMs, takeLease, type LeaseHandle } from '../run/lock/lease.ts';
import { removeMarker, takeMarker } from '../run/lock/marker-changes.ts';
import { isLeftoverOf, requireDeadHolder, type HolderEnd, refuseUnreadable } from '../run/recovery/takeover.ts';
import { pruneRestorePoints } from '../run/restore-point/retention.ts';
import { findLeftovers, recover, settledOf, withMarkerOfNow, type RunLeftovers } from '../run/recovery/recover.ts';
import { refused, refusedBecause } from '../run/refusal.ts';
import { repairLeftovers, describeRemoved, type RepairResult } from '../run/recovery/repair-leftovers.ts';
import { createRecorder, type Recorder, warner } from '../run/recorder.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { buildPlan } from './build-plan.ts';
import type { Call } from './call.ts';
import { waitingNote } from './confirmation-tools.ts';
import { armDeadline } from './deadline-keeper.ts';
import {
  describeWait,
  refuseWaiting,
  settlementRefusal,
  settleWaiting,
  timeLeft,
  waitingRunOf,
} from './waiting-run.ts';
import { recoverRehearsal, recoverRehearsalsOf } from './recover-rehearsal.ts';
import { recoverSeparately, untilInterrupted, type Unfinished } from './recoveries.ts';
import { about, withReports } from './reports.ts';
import { addCommonOptions, addReportOption, type RunOptions } from './run-options.ts';
import { withInstance, type Session, type ToleratedMistakes } from './session.ts';

interface RecoverOptions extends RunOptions, ToleratedMistakes {
  readonly keepIfHealthy?: boolean;
  readonly takeOver?: boolean;
}

const help = `
Exit status:
    0  every interrupted run is finished: kept or rolled back
   20  restored, but unhealthy: a person must act
   21  the rollback failed, and guard printed the commands to finish it; or the lock could not be released
   30  refused
   31  the run is still in progress
  130  interrupted by INT, 143 by TERM, 129 by HUP: run guard recover again to finish the rest`;

/** `guard recover`: finish what an interrupted run left. */
export function defineRecover(program: Command, call: Call): void {
  const command = program
    .command('recover')
    .description('finish interrupted runs: keep or roll back their changes')
    .argument('[instance]', 'name or remote:name (default: every interrupted run that this host recorded)')
    .option('--keep-if-healthy', 'keep the change if the instance is as healthy as before, instead of rolling back')
    .addOption(
      new Option(
        '--take-over',
        'finish the run at once, even if it may still be running; only if its host is lost, or if the run hangs',
      ),
    )
    .addHelpText('after', help);
  addReportOption(addCommonOptions(command)).action(async (instance: string | undefined, options: RecoverOptions) => {
    const unfinished: Unfinished = new Set(instance === undefined ? [] : [instance]);
    const recovering = (): Promise<number> =>
      withReports(call.context, options, [], (context) =>
        instance === undefined
          ? recoverAll(context, options, unfinished)
          : recoverInstance(context, instance, options, null),
      );
    call.exit(await untilInterrupted(call.context, options, unfinished, recovering));
  });
}

async function recoverAll(context: Context, options: RecoverOptions, unfinished: Unfinished): Promise<number> {
  const runs = await unfinishedRuns(stateDirectoryOf(context));
  // Whether one of another boot, or of this host under another name, lives its lease tells.
  const dead = runs.filter(({ started }) => started !== null && inspectHolder(started.holder) !== 'alive');
  if (dead.length === 0) await reportNothingToDo(context, options, null);
  return recoverSeparately(context, dead, unfinished, (own, name, record) =>
    recoverInstance(own, name, { ...options, project: record.started?.project ?? 'default' }, record),
  );
}

/** One instance; `known` is the run to finish where that is known already. Returns the exit status. */
export async function recoverInstance(
  context: Context,
  instance: string,
  options: RecoverOptions,
  known: RunRecord | null,
): Promise<number> {
  if (known?.started?.rehearsal !== undefined)
    return withInstance(context, { instance, options, withTerminal: false }, (session) =>
      recoverRehearsal(context, session, known, options),
    );
  const here = await about(context, { instance, command: known?.started?.command ?? [] });
  return withInstance(here, { instance, options, withTerminal: false }, async (session) => {
    const waits = await endWhileWaiting(here, session, options);
    if (waits !== null) return waits;
    const over = known === null ? null : await endWithoutInstance(here, session, options, known);
    if (over !== null) return over;
    const rehearsals = known === null ? await recoverRehearsalsOf(context, session, options) : null;
    return Math.max(rehearsals ?? 0, await recoverReached(here, session, options, known));
  });
}

async function recoverReached(
  context: RecoverySession,
  session: Session,
  options: RecoverOptions,
  known: RunRecord | null,
): Promise<number> {
  const plan = buildPlan({
    run: known?.run ?? newRunId(context.clock.now()),
    version: context.version,
    reached: session.reached,
    // Nothing is run: only the limits of this plan are used.
    words: ['true'],
    settings: session.settings,
    name: null,
  });
  const { platform } = session.reached;
  const tools = { platform, clock: context.clock };
  const found = await leftoversToFinish(context, tools, plan);
  if (!found.ok) return reportOutcome(context, options.json ?? false, found.error);
  const record = known ?? (await recordOf(context, session, found.value));
  const isIdle = record === null && !hasLeftovers(found.value);
  const elsewhere = isIdle ? await unfinishedElsewhere(context, session) : null;
  if (elsewhere !== null) return reportOutcome(context, options.json ?? false, otherServer(elsewhere));
  // What another run has there by now is not this one's: of that nothing is left.
  if (record !== null && !isLeftoverOf(found.value, record))
    return finish(
      context,
      session,
      { plan, record, holderEnd: 'dead', leftovers: nothingOf(found.value), removed: [] },
      options,
    );
  const unreadable = refuseUnreadable(plan, found.value, record, platform.commands);
  if (unreadable !== null) return reportOutcome(context, options.json ?? false, unreadable);
  const care = { leaseMs: session.settings.leaseMs, takeOver: options.takeOver ?? false };
  const tell = (text: string): Promise<void> => reportWait(context, options, text);
  const isFree = isIdle || hasMakerLeft(found.value, record);
  const holderEnd = await requireFree(isFree, { ...tools, inspectHolder, report: tell }, found.value, record, care);
  if (!holderEnd.ok) return reportOutcome(context, options.json ?? false, holderEnd.error);
  const own = await keptRestorePoints(stateDirectoryOf(context), session.reached);
  const leftovers = await repairLeftovers(plan, tools, found.value, own);
  if (!leftovers.ok) return reportOutcome(context, options.json ?? false, leftovers.error);
  const isCleared = record === null && (await clearMarkerAlone(tools, plan, leftovers.value.leftovers));
  if (isIdle || isCleared) return reportNothingToDo(context, options, plan.instance, leftovers.value.removed);
  return finish(context, session, { plan, record, holderEnd: holderEnd.value, ...leftovers.value }, options);
}

async function leftoversToFinish(
  context: Context,
  tools: Parameters<typeof findLeftovers>[0],
  plan: Plan,
): Promise<Result<RunLeftovers, Outcome>> {
  const found = await findLeftovers(tools, plan);
  const waits = found.ok ? refuseWaiting(context, found.value) : null;
  return waits === null ? found : err(waits);
}

/**
 * A change that waits for its confirmation is no leftover before its deadline: 0, and its keeper, which a reboot ends, is
 * looked for again. After the deadline it is settled as expired, by compare-and-swap against a confirmation at the same moment.
 * Null where there is something to recover.
 */
async function endWhileWaiting(
  context: RecoverySession,
  session: Session,
  options: RecoverOptions,
): Promise<number | null> {
  const seen = await waitingRunOf(session);
  const waiting = seen.ok ? seen.value : null;
  if (waiting?.confirmation.state !== 'waiting') return null;
  const { run, confirmation } = waiting;
  if (timeLeft(context, confirmation) <= 0) {
    const expired = await settleWaiting(context, session, run, { kind: 'expire' });
    if (expired.ok) return null;
    const isExtended = expired.error.kind === 'conflict' && expired.error.conflict === 'not-due';
    if (isExtended) return endWhileWaiting(context, session, options);
    // Somebody may confirm it as long as the marker may still change.
    return mayBeSettledLater(expired.error)
      ? reportOutcome(context, options.json ?? false, settlementRefusal(run, expired.error))
      : null;
  }
  const isOfThisHost = (await readRun(stateDirectoryOf(context), run)) !== null;
  const note = readWaitingNote(stateDirectoryOf(context), run) ?? waitingNote(context, session.reached, null);
  const armed = isOfThisHost ? await armDeadline(context, run, note) : ok(undefined);
  await reportWait(context, options, describeWait(waiting));
  if (!armed.ok) await reportWait(context, options, `${armed.error} Start \`guard agent\`.`);
  return 0;
}

/** The exit status where this server has nothing of the run, or is another one; null where there is something to recover. */
async function endWithoutInstance(
  context: RecoverySession,
  session: Session,
  options: RecoverOptions,
  record: RunRecord,
): Promise<number | null> {
  const elsewhere = await refuseOtherServer(session, record);
  if (elsewhere !== null) return reportOutcome(context, options.json ?? false, elsewhere);
  return (await isGone(session, record)) ? closeGone(context, options, record) : null;
}

/** The records of a host may name several servers, which may have instances of the same name. */
async function refuseOtherServer({ reached }: Session, { run, started }: RunRecord): Promise<Outcome | null> {
  const server = started?.server ?? null;
  const here = server === null ? null : await reached.fleet.serverId();
  return here === null || here === server ? null : otherServer({ run });
}

function otherServer({ run }: Pick<RunRecord, 'run'>): Outcome {
  return refused(
    `Run ${run} was made on another server.`,
    `Recover it with the INCUS_DIR, INCUS_SOCKET or remote of that server. If the server is gone, remove the record: guard forget ${run} -y`,
  );
}

/** Only a server that is known to be the same can say that an instance is gone. */
async function isGone({ reached }: Session, { started }: RunRecord): Promise<boolean> {
  if (started?.server === undefined || (await reached.fleet.serverId()) !== started.server) return false;
  const seen = await reached.platform.getInstance(reached.instance);
  return !seen.ok && seen.error.kind === 'not-found';
}

/** Somebody deleted the instance: nothing is left to finish, and the next boot must not complain about it again. */
async function closeGone(context: RecoverySession, options: RecoverOptions, record: RunRecord): Promise<number> {
  const recorder = await recorderOf(context, record.run, options, record);
  await recorder.resume();
  if (record.restorePoint !== null && record.released === null)
    await recorder.record({ type: 'released', restorePoint: null });
  const outcome = { outcome: 'instance-gone' } as const;
  await recorder.record({ type: 'run-ended', outcome, ms: 0 });
  await recorder.close();
  return exitStatusOf(outcome);
}

/** Which instance it is about is known. */
type RecoverySession = Context & { readonly target: Target };

/** Finishes the run and reports it like any run. */
async function finish(
  context: RecoverySession,
  session: Session,
  {
    plan,
    record,
    holderEnd,
    leftovers,
    removed,
  }: { readonly plan: Plan; readonly record: RunRecord | null; readonly holderEnd: HolderEnd } & RepairResult,
  options: RecoverOptions,
): Promise<number> {
  const { platform } = session.reached;
  const run = record?.run ?? (leftovers.marker ?? leftovers.quiesceMarker)?.run ?? plan.run;
  const recorder = await recorderOf(context, run, options, record);
  await (record === null ? recorder.begin(startedElsewhere(context, session, leftovers, run)) : recorder.resume());
  for (const name of removed)
    await recorder.record({ type: 'notice', level: 'warning', message: describeRemoved(name) });
  const { instance, project, remote, limits } = plan;
  const baseline = record === null ? null : ((await readBaseline(record)) as Baseline | null);
  const { keepIfHealthy = false } = options;
  const lease = await leaseFor({ ...session, plan, holderEnd }, recorder, context.clock, leftovers);
  if (!lease.ok) {
    await recorder.close();
    return reportOutcome(context, options.json ?? false, lease.error);
  }
  const hooks = record !== null && Object.keys(record.hooks).length > 0 ? record.hooks : session.settings.hooks;
  const now = await withMarkerOfNow(platform, leftovers);
  const settled = settledOf(now);
  const outcome = await recover(
    {
      run,
      instance,
      project,
      remote,
      limits,
      record,
      baseline,
      keepIfHealthy: keepIfHealthy && settled === null,
      hooks,
      settled,
      lease: lease.value,
      waitForManager: options.takeOver !== true,
    },
    { platform, clock: context.clock, recorder },
    now,
  );
  await lease.value?.stop();
  if (outcome.outcome === 'kept') await pruneAfterConfirmation(context, session, plan, recorder, record);
  await recorder.close();
  const status = recoveredStatus(outcome);
  return status === 0 && (await isStillLocked(session, leftovers)) ? stillLockedStatus : status;
}

async function requireFree(
  isFree: boolean,
  ...asked: Parameters<typeof requireDeadHolder>
): Promise<Result<HolderEnd, Outcome>> {
  return isFree ? ok('dead') : requireDeadHolder(...asked);
}

/**
 * The guard that made the change recorded that it leaves it waiting, and nobody has taken it over since. After a reboot its
 * process cannot be seen, and need not be waited for.
 */
function hasMakerLeft({ marker }: RunLeftovers, record: RunRecord | null): boolean {
  const isLeft = record?.ended?.outcome.outcome === 'waiting';
  return isLeft && marker !== null && marker.holder.id === record.started?.holder.id;
}

/** A confirmed change makes earlier restore points old, as one that is kept at once does. */
async function pruneAfterConfirmation(
  context: Context,
  { reached }: Session,
  plan: Plan,
  recorder: Recorder,
  record: RunRecord | null,
): Promise<void> {
  const keep = record?.retention?.keep;
  if (keep === undefined) return;
  const kept = (): Promise<KeptRestorePoint[]> => keptRestorePoints(stateDirectoryOf(context), reached);
  const tools = { platform: reached.platform, clock: context.clock, recorder, keptRestorePoints: kept };
  await pruneRestorePoints({ ...plan, restorePoint: { ...plan.restorePoint, keep } }, tools);
}

/**
 * Null where nothing is in flight. Where the server cannot write a lease the restore point is known by its time of creation
 * alone: a full pool must not stop a rollback.
 */
async function leaseFor(
  { reached, plan, holderEnd }: Session & { readonly plan: Plan; readonly holderEnd: HolderEnd },
  recorder: Recorder,
  clock: Context['clock'],
  { inFlight, lease: before }: RunLeftovers,
): Promise<Result<LeaseHandle | null, Outcome>> {
  if (inFlight === null) return ok(null);
  const { platform, instance } = reached;
  const { run } = recorder;
  const { createdAt } = inFlight;
  const { leaseMs, readyMs } = plan.limits;
  const lease = newLease();
  await recorder.record({ type: 'lease-acquired', lease: lease.base, holder: currentHolder() });
  const taken = await takeLease({ platform }, instance, { before, lease });
  if (!taken.ok && taken.error.kind === 'changed') return err(refusedBecause(taken.error));
  const held = keepLease(
    { platform, clock },
    { instance, run, lease: taken.ok ? lease : null, createdAt, leaseMs, report: warner(recorder) },
  );
  // What the former holder asked last may be on its way.
  if (holderEnd === 'given-up') await clock.sleep(settleMs);
  const marked = await takeMarker(
    { platform, clock },
    instance,
    { run, lease: held, holder: currentHolder() },
    readyMs,
  );
  const loss = marked.ok ? null : lossBehind(marked.error);
  if (marked.ok || loss === null) return ok(held);
  await held.stop();
  return err(refusedBecause(marked.error));
}

/** The marker of another host's run whose restore point is gone: nothing is left to finish. Whether there was one. */
async function clearMarkerAlone(
  tools: { readonly platform: Session['reached']['platform']; readonly clock: Context['clock'] },
  { instance, limits }: Plan,
  { marker, inFlight, quiesceMarker }: RunLeftovers,
): Promise<boolean> {
  if (marker === null || inFlight !== null || quiesceMarker !== null) return false;
  await removeMarker(tools, instance, { run: marker.run, lease: null }, limits.readyMs);
  return true;
}

function hasLeftovers({ inFlight, quiesceMarker, marker }: RunLeftovers): boolean {
  return inFlight !== null || quiesceMarker !== null || marker !== null;
}

/** The instance, without what is there of another run. */
function nothingOf(leftovers: RunLeftovers): RunLeftovers {
  return { ...leftovers, marker: null, quiesceMarker: null, inFlight: null, lease: null };
}

async function reportWait(context: Context, options: RecoverOptions, text: string): Promise<void> {
  if (options.json !== true && options.quiet !== true) await writeLines(context.stderr, [`guard: ${text}`]);
}

const stillLockedStatus = 21;

/** The outcome stays. A lock that could not be released was reported and remains for the next recovery. */
async function isStillLocked({ reached }: Session, { inFlight }: RunLeftovers): Promise<boolean> {
  if (inFlight === null) return false;
  const snapshot = await reached.platform.getSnapshot(reached.instance, inFlight.name);
  return snapshot.ok && snapshot.value.createdAt === inFlight.createdAt;
}

/** The run whose mark is on the instance; else the last one that this host left unfinished there. */
async function recordOf(context: Context, session: Session, leftovers: RunLeftovers): Promise<RunRecord | null> {
  const known = leftovers.marker ?? leftovers.quiesceMarker;
  if (known !== null) return readRun(stateDirectoryOf(context), known.run);
  const { here } = await unfinishedNamedSo(context, session);
  return here.findLast((record) => isLeftoverOf(leftovers, record)) ?? null;
}

/** The last run that this host left unfinished on an instance of the same name on another server. */
async function unfinishedElsewhere(context: Context, session: Session): Promise<RunRecord | null> {
  return (await unfinishedNamedSo(context, session)).elsewhere.at(-1) ?? null;
}

/** The unfinished runs whose record has the name of this instance: of this server, and of others. */
async function unfinishedNamedSo(
  context: Context,
  { reached }: Session,
): Promise<{ readonly here: readonly RunRecord[]; readonly elsewhere: readonly RunRecord[] }> {
  const server = await reached.fleet.serverId();
  const named = (await unfinishedRuns(stateDirectoryOf(context))).filter(
    ({ started }) =>
      started !== null &&
      started.rehearsal === undefined &&
      started.instance === reached.instance &&
      started.project === reached.project &&
      started.remote === reached.remote,
  );
  const isElsewhere = ({ started }: RunRecord): boolean =>
    server !== null && started?.server != null && started.server !== server;
  return { here: named.filter((record) => !isElsewhere(record)), elsewhere: named.filter(isElsewhere) };
}

async function recorderOf(
  context: RecoverySession,
  run: string,
  options: RecoverOptions,
  record: RunRecord | null,
): Promise<Recorder> {
  const history = record?.events ?? [];
  const here = await about(context, { ...context.target, command: record?.started?.command ?? [] }, history);
  return createRecorder({
    run,
    clock: context.clock,
    openStore: () => openJournal({ stateDirectory: stateDirectoryOf(context), run }),
    listener: createView({ ...here, json: options.json ?? false, quiet: options.quiet ?? false, history }).listener,
  });
}

function startedElsewhere(context: Context, { reached }: Session, leftovers: RunLeftovers, run: string) {
  return {
    type: 'run-started' as const,
    version: context.version,
    instance: reached.instance,
    project: reached.project,
    remote: reached.remote,
    // What another host ran is not known here.
    command: [],
    wasRunning: leftovers.wasRunning,
    restorePointName: leftovers.marker?.restorePointName ?? `guard-${run}`,
    named: false,
    holder: currentHolder(),
  };
}

/** A recovery has done its work when nothing is left in between, however the run ended. */
export function recoveredStatus(outcome: Outcome): number {
  switch (outcome.outcome) {
    case 'kept':
    case 'kept-unhealthy':
    case 'kept-unchanged':
    case 'instance-gone':
    case 'rolled-back':
    case 'interrupted':
    case 'refused':
      return 0;
    default:
      return exitStatusOf(outcome);
  }
}

async function reportNothingToDo(
  context: Context,
  options: RecoverOptions,
  instance: string | null,
  removed: readonly string[] = [],
): Promise<number> {
  if (context.target) await context.reports?.drop(context.target);
  if (options.json !== true && options.quiet !== true)
    await writeLines(context.stderr, [
      ...removed.map((name) => `guard: ${describeRemoved(name)}`),
      `guard: there is nothing to recover${instance === null ? ' in the records of this host' : ` on ${instance}`}.`,
    ]);
  return 0;
}
