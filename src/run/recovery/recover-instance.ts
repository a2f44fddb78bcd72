import { remainingMs } from '../../deadline.ts';
import type { Outcome, RunStarted } from '../../event.ts';
import type { Baseline } from '../../health/baseline.ts';
import { isOfInstance, type InstanceIdentity } from '../../journal/instance-identity.ts';
import { isFinished } from '../../journal/run-summary.ts';
import { isLost, type RunRecord } from '../../journal/runs.ts';
import type { LifecycleCommands } from '../../lifecycle-command.ts';
import { retryTransient } from '../../platform/retry.ts';
import { err, ok, type Result } from '../../result.ts';
import { neutralise } from '../../text.ts';
import { findWaiting, type WaitingMarker, type WaitRecords } from '../confirmation/waiting.ts';
import { identityOf, recordedIdentity } from '../instance-identity.ts';
import { newLease } from '../lock/in-flight.ts';
import { keepLease, lossBehind, settleMs, takeLease, type LeaseHandle } from '../lock/lease.ts';
import { markerKey } from '../lock/marker.ts';
import { removeMarker, takeMarker } from '../lock/marker-changes.ts';
import { quiesceKey } from '../lock/quiesce-marker.ts';
import type { Plan } from '../plan.ts';
import { warner, type Recorder } from '../recorder.ts';
import { refused, refusedBecause } from '../refusal.ts';
import { pruneRestorePoints } from '../restore-point/retention.ts';
import type { ConfirmationTools, RunTools } from '../tools.ts';
import { findLeftovers, recover, settledOf, withMarkerOfNow, type RunLeftovers } from './recover.ts';
import { describeRemoved, repairLeftovers, type RepairResult } from './repair-leftovers.ts';
import { isLeftoverOf, refuseUnreadable, requireDeadHolder, type HolderEnd } from './takeover.ts';

/** What a recovery needs: the server, and the records of this host. */
export interface RecoveryTools extends Pick<
  RunTools,
  'platform' | 'clock' | 'holder' | 'inspectHolder' | 'keptRestorePoints'
> {
  readonly readClocks: ConfirmationTools['readClocks'];
  readonly waits: WaitRecords;
  /** Records the present name of the instance of a run. Returns the record with it; null where this host has none. */
  readonly recordRename: (run: string, instance: string) => Promise<RunRecord | null>;
  /** The record of a run; null where this host has none. */
  readonly readRecord: (run: string) => Promise<RunRecord | null>;
  /** The baseline in the files of a record; null where it has none. */
  readonly readBaseline: (record: RunRecord) => Promise<Baseline | null>;
  /** The records of this host without an end, oldest first. */
  readonly unfinishedRuns: () => Promise<readonly RunRecord[]>;
  /** The recorder of a run, for what is recorded of it already. It is not opened yet. */
  readonly recorderOf: (run: string, record: RunRecord | null) => Promise<Recorder>;
  /** Tells the user why it takes long, in a sentence. */
  readonly report: (text: string) => Promise<void>;
}

/** What to recover, and how. */
export interface RecoveryRequest {
  /** Its instance and its limits; nothing of it is executed. Its run names a run that is not known here. */
  readonly plan: Plan;
  /** The run, where that is known already. */
  readonly known: RunRecord | null;
  /** Keep the change if the instance is as healthy as before. */
  readonly keepIfHealthy: boolean;
  /** The user is sure that nobody works on the run any more. */
  readonly takeOver: boolean;
}

/** How the recovery of an instance ended. */
export type RecoveryEnd =
  /** Nothing was changed. */
  | { readonly kind: 'refused'; readonly outcome: Outcome }
  /** The change of this run waits for a confirmation, and its deadline has not passed. */
  | { readonly kind: 'waits'; readonly marker: WaitingMarker }
  /** There was nothing to recover; `removed` names restore points without data that a killed server had left. */
  | { readonly kind: 'nothing-left'; readonly removed: readonly string[] }
  /** The run has its end in the record. `isLocked`: its restore point in flight could not be released. */
  | { readonly kind: 'finished'; readonly outcome: Outcome; readonly isLocked: boolean };

/** Finishes the run that was interrupted on an instance. It can be interrupted at any point and repeated. */
export async function recoverInstance(request: RecoveryRequest, tools: RecoveryTools): Promise<RecoveryEnd> {
  const { plan, known } = request;
  const found = await findLeftovers(tools, plan);
  if (!found.ok) return refusal(found.error);
  // What could not be read a moment ago, or has begun to wait since then, is not rolled back before its deadline.
  const waiting = await waitingNow(plan, tools);
  if (!waiting.ok) return refusal(waiting.error);
  if (waiting.value !== null) return { kind: 'waits', marker: waiting.value };
  const server = await tools.platform.serverId();
  const identity = identityOf(plan, { instance: found.value.instance, server });
  // Another guard may have finished it since it was read.
  const now = known === null ? null : ((await tools.readRecord(known.run)) ?? known);
  if (now?.ended != null && isFinished({ ...now, fingerprint: null }))
    return finishedMeanwhile(now.run, now.ended.outcome, tools);
  const named = now ?? (await namedRecord(identity, tools, found.value));
  const own = named === null ? ok(null) : await ownRecord(plan, named, tools, found.value);
  return own.ok ? recoverFound(request, tools, identity, found.value, own.value) : refusal(own.error);
}

/** `record` is of the run that left what was found on the instance, or that was to be recovered. */
async function recoverFound(
  request: RecoveryRequest,
  tools: RecoveryTools,
  identity: InstanceIdentity,
  found: RunLeftovers,
  record: RunRecord | null,
): Promise<RecoveryEnd> {
  const { plan, takeOver } = request;
  const isIdle = record === null && !hasLeftovers(found);
  const elsewhere = isIdle ? (await unfinishedRunsOf(identity, tools)).elsewhere.at(-1) : undefined;
  if (elsewhere !== undefined) return refusal(refuseOtherServer(elsewhere));
  // What another run has there by now is not this one's: of that nothing is left.
  if (record !== null && !isLeftoverOf(found, record))
    return finish(request, tools, {
      identity,
      record,
      holderEnd: 'dead',
      leftovers: nothingOf(found),
      removed: [],
    });
  const readable = refuseUnreadable(plan, found, record, tools.platform.commands);
  if (!readable.ok) return refusal(readable.error);
  const isFree = isIdle || hasMakerLeft(found, record);
  const policy = { leaseMs: plan.limits.leaseMs, takeOver };
  const holderEnd = isFree
    ? ok(record !== null && isLost(record) ? ('given-up' as const) : ('dead' as const))
    : await requireDeadHolder(tools, found, record, policy);
  if (!holderEnd.ok) return refusal(holderEnd.error);
  const repaired = await repairLeftovers(plan, tools, found, await tools.keptRestorePoints(identity));
  if (!repaired.ok) return refusal(repaired.error);
  const { leftovers, removed } = repaired.value;
  const isCleared = record === null && (await clearMarkerAlone(tools, plan, leftovers));
  if (isIdle || isCleared) return { kind: 'nothing-left', removed };
  return finish(request, tools, { identity, record, holderEnd: holderEnd.value, leftovers, removed });
}

/** The end of a run whose instance was deleted, or that another server has: the records of a host may name several servers. */
export async function closeWithoutInstance(
  where: 'gone' | 'other-server',
  record: RunRecord,
  tools: RecoveryTools,
): Promise<RecoveryEnd> {
  return where === 'gone' ? closeGone(record, tools) : refusal(refuseOtherServer(record));
}

async function finishedMeanwhile(run: string, outcome: Outcome, { report }: RecoveryTools): Promise<RecoveryEnd> {
  await report(`Another guard has finished run ${run} meanwhile.`);
  return { kind: 'finished', outcome, isLocked: false };
}

/** By the marker and by the record of this host, as of now. A failed read is no sign that nothing waits. */
async function waitingNow(
  { instance, limits }: Plan,
  tools: RecoveryTools,
): Promise<Result<WaitingMarker | null, Outcome>> {
  const platform = retryTransient(tools.platform, limits.readyMs);
  const seen = await findWaiting({ ...tools, platform }, instance);
  if (!seen.ok || seen.value === null) return seen;
  const { state, deadline } = seen.value.confirmation;
  return ok(state === 'waiting' && remainingMs(deadline, tools.readClocks()) > 0 ? seen.value : null);
}

function refuseOtherServer({ run }: RunRecord): Outcome {
  return refused(
    `Run ${run} was made on another server.`,
    `Recover it with the INCUS_DIR, INCUS_SOCKET or remote of that server. If the server is gone, remove the record: guard forget ${run} -y`,
  );
}

/** Somebody deleted the instance: nothing is left to finish, and the next boot must not complain about it again. */
async function closeGone(record: RunRecord, tools: RecoveryTools): Promise<RecoveryEnd> {
  const recorder = await tools.recorderOf(record.run, record);
  await recorder.resume();
  if (record.restorePoint !== null && record.released === null)
    await recorder.record({ type: 'released', restorePoint: null });
  const outcome = { outcome: 'instance-gone' } as const;
  await recorder.record({ type: 'run-ended', outcome, ms: 0 });
  await recorder.close();
  return { kind: 'finished', outcome, isLocked: false };
}

function refusal(outcome: Outcome): RecoveryEnd {
  return { kind: 'refused', outcome };
}

/** What to finish, by whom nobody works on it any more. */
interface UnfinishedRun extends RepairResult {
  readonly identity: InstanceIdentity;
  readonly record: RunRecord | null;
  readonly holderEnd: HolderEnd;
}

async function finish(
  { plan, keepIfHealthy, takeOver }: RecoveryRequest,
  tools: RecoveryTools,
  { identity, record, holderEnd, leftovers, removed }: UnfinishedRun,
): Promise<RecoveryEnd> {
  const { platform, clock } = tools;
  const run = record?.run ?? (leftovers.marker ?? leftovers.quiesceMarker)?.run ?? plan.run;
  const recorder = await tools.recorderOf(run, record);
  await (record === null ? recorder.begin(startedElsewhere(plan, identity, tools, leftovers, run)) : recorder.resume());
  for (const name of removed)
    await recorder.record({ type: 'notice', level: 'warning', message: describeRemoved(name) });
  const lease = await leaseFor(plan, tools, recorder, holderEnd, leftovers);
  if (!lease.ok) {
    await recorder.close();
    return refusal(lease.error);
  }
  const { instance, project, remote, limits } = plan;
  const read = await withMarkerOfNow(platform, leftovers, run, limits.readyMs);
  if (!read.ok) {
    await lease.value?.stop();
    await recorder.close();
    return refusal(read.error);
  }
  const now = read.value;
  const settled = settledOf(now, record);
  const outcome = await recover(
    {
      run,
      instance,
      project,
      remote,
      limits,
      record,
      baseline: record === null ? null : await tools.readBaseline(record),
      keepIfHealthy: keepIfHealthy && settled === null,
      hooks: hooksOf(record, plan.hooks),
      settled,
      lease: lease.value,
      waitForManager: !takeOver,
    },
    { platform, clock, recorder },
    now,
  );
  await lease.value?.stop();
  if (outcome.outcome === 'kept') await pruneAfterConfirmation(plan, identity, tools, recorder, record);
  await recorder.close();
  return { kind: 'finished', outcome, isLocked: await isStillLocked(tools, instance, leftovers) };
}

function hooksOf(record: RunRecord | null, configured: LifecycleCommands): LifecycleCommands {
  return record !== null && Object.keys(record.hooks).length > 0 ? record.hooks : configured;
}

/**
 * The guard that made the change recorded that it leaves it waiting, and nobody has taken it over since. After a reboot its
 * process cannot be seen, and need not be waited for.
 */
function hasMakerLeft({ marker }: RunLeftovers, record: RunRecord | null): boolean {
  const isLeft = record !== null && (record.ended?.outcome.outcome === 'waiting' || isLost(record));
  return isLeft && marker !== null && marker.holder.id === record.started?.holder.id;
}

/** A confirmed change makes earlier restore points old, as one that is kept at once does. */
async function pruneAfterConfirmation(
  plan: Plan,
  identity: InstanceIdentity,
  tools: RecoveryTools,
  recorder: Recorder,
  record: RunRecord | null,
): Promise<void> {
  const keep = record?.retention?.keep;
  if (keep !== undefined)
    await pruneRestorePoints(
      { ...plan, restorePoint: { ...plan.restorePoint, keep } },
      { ...tools, recorder },
      identity,
    );
}

/**
 * Null where nothing is in flight. Where the server cannot write a lease the restore point is known by its time of creation
 * alone: a full pool must not stop a rollback.
 */
async function leaseFor(
  { instance, limits }: Plan,
  { platform, clock, holder }: RecoveryTools,
  recorder: Recorder,
  holderEnd: HolderEnd,
  { inFlight, lease: before }: RunLeftovers,
): Promise<Result<LeaseHandle | null, Outcome>> {
  if (inFlight === null) return ok(null);
  const { run } = recorder;
  const { createdAt } = inFlight;
  const { leaseMs, readyMs } = limits;
  const lease = newLease();
  await recorder.record({ type: 'lease-acquired', lease: lease.base, holder });
  const taken = await takeLease({ platform }, instance, { before, lease });
  if (!taken.ok && taken.error.kind === 'changed') return err(refusedBecause(taken.error));
  const held = keepLease(
    { platform, clock },
    { instance, run, lease: taken.ok ? lease : null, createdAt, leaseMs, report: warner(recorder) },
  );
  // What the former holder asked last may be on its way.
  if (holderEnd === 'given-up') await clock.sleep(settleMs);
  const marked = await takeMarker({ platform, clock }, instance, { run, lease: held, holder }, readyMs);
  const loss = marked.ok ? null : lossBehind(marked.error);
  if (marked.ok || loss === null) return ok(held);
  await held.stop();
  return err(refusedBecause(marked.error));
}

/** The marker of another host's run whose restore point is gone: nothing is left to finish. Whether there was one. */
async function clearMarkerAlone(
  tools: RecoveryTools,
  { instance, limits }: Plan,
  { marker, inFlight, quiesceMarker }: RunLeftovers,
): Promise<boolean> {
  if (marker === null || inFlight !== null || quiesceMarker !== null) return false;
  // The host of the run learns from the instance that its change was confirmed.
  const kept = marker.confirmation?.state === 'confirmed';
  await removeMarker(tools, instance, { run: marker.run, lease: null, kept }, limits.readyMs);
  return true;
}

function hasLeftovers({ inFlight, quiesceMarker, marker }: RunLeftovers): boolean {
  return inFlight !== null || quiesceMarker !== null || marker !== null;
}

/** The instance, without what is there of another run. */
function nothingOf(leftovers: RunLeftovers): RunLeftovers {
  return { ...leftovers, marker: null, quiesceMarker: null, inFlight: null, lease: null };
}

/** A lock that could not be released was reported and remains for the next recovery. */
async function isStillLocked(
  { platform }: RecoveryTools,
  instance: string,
  { inFlight }: RunLeftovers,
): Promise<boolean> {
  if (inFlight === null) return false;
  const snapshot = await platform.getSnapshot(instance, inFlight.name);
  return snapshot.ok && snapshot.value.createdAt === inFlight.createdAt;
}

/** The run whose marker is on the instance; else the last one that this host left unfinished there. */
async function namedRecord(
  identity: InstanceIdentity,
  tools: RecoveryTools,
  leftovers: RunLeftovers,
): Promise<RunRecord | null> {
  const owner = leftovers.marker ?? leftovers.quiesceMarker;
  if (owner !== null) return tools.readRecord(owner.run);
  const { here } = await unfinishedRunsOf(identity, tools);
  return here.findLast((record) => isLeftoverOf(leftovers, record)) ?? null;
}

/**
 * The record, under the present name of its instance, if it is of this one. A copy has the marker and the restore point of the
 * original as well: it is refused. Null where nothing is left on a second instance with the same uuid.
 */
async function ownRecord(
  plan: Plan,
  record: RunRecord,
  tools: RecoveryTools,
  leftovers: RunLeftovers,
): Promise<Result<RunRecord | null, Outcome>> {
  const { started } = record;
  const { uuid } = leftovers.instance;
  if (started?.uuid === undefined || uuid === null) return ok(record);
  if (started.uuid !== uuid) return err(refuseCopy(plan, record, leftovers, tools));
  const isHere = started.instance === plan.instance;
  const isElsewhere = started.project !== plan.project || started.remote !== plan.remote;
  if (!isHere && !isElsewhere) {
    // Imported twice from one backup: the name in the record decides.
    const former = await retryTransient(tools.platform, plan.limits.readyMs).getInstance(started.instance);
    if (!former.ok && former.error.kind !== 'not-found') return err(refusedBecause(former.error));
    if (former.ok && former.value.uuid === uuid)
      return hasLeftovers(leftovers) ? err(refuseCopy(plan, record, leftovers, tools)) : ok(null);
  }
  return ok((await tools.recordRename(record.run, plan.instance)) ?? record);
}

/** A recovery of the copy would use the record of the original, and write into it. */
function refuseCopy(
  plan: Plan,
  { run, started }: RunRecord,
  leftovers: RunLeftovers,
  { platform }: RecoveryTools,
): Outcome {
  const { marker, quiesceMarker, inFlight } = leftovers;
  const original = started?.instance ?? '';
  const message = `Run ${run} was made on another instance than "${plan.instance}" (its record names "${neutralise(original)}").`;
  if (!hasLeftovers(leftovers))
    return refused(message, `Recover that instance. If it was deleted, remove the record: guard forget ${run} -y`);
  const { removeMetadata, removeSnapshots } = platform.commands;
  const lines = [
    ...(marker === null ? [] : [removeMetadata(plan, markerKey)]),
    ...(quiesceMarker === null ? [] : [removeMetadata(plan, quiesceKey)]),
    ...(inFlight === null ? [] : removeSnapshots(plan, [inFlight.name])),
  ];
  return refused(
    `${message} Its marker and its restore point were copied with the instance.`,
    `Check "${plan.instance}": it may have the unfinished change. To remove what was copied, run ${lines.map((line) => `\`${line}\``).join('; ')}.`,
  );
}

/** The unfinished runs of this host on this instance, and those on instances of its names on other servers. */
async function unfinishedRunsOf(
  identity: InstanceIdentity,
  tools: RecoveryTools,
): Promise<{ readonly here: readonly RunRecord[]; readonly elsewhere: readonly RunRecord[] }> {
  const runs = (await tools.unfinishedRuns()).filter(({ started }) => started?.rehearsal === undefined);
  const { instance, project, remote, server } = identity;
  return {
    here: runs.filter(
      ({ started, restorePoint }) =>
        started !== null && isOfInstance(started, identity, restorePoint?.createdAt ?? null),
    ),
    elsewhere: runs.filter(
      ({ started }) =>
        started?.instance === instance &&
        started.project === project &&
        started.remote === remote &&
        server !== null &&
        started.server !== undefined &&
        started.server !== server,
    ),
  };
}

function startedElsewhere(
  plan: Plan,
  identity: InstanceIdentity,
  { holder }: RecoveryTools,
  leftovers: RunLeftovers,
  run: string,
): RunStarted {
  return {
    type: 'run-started',
    version: plan.version,
    ...recordedIdentity(identity),
    // What another host ran is not known here.
    command: [],
    wasRunning: leftovers.wasRunning,
    restorePointName: leftovers.marker?.restorePointName ?? `guard-${run}`,
    named: false,
    holder,
  };
}
