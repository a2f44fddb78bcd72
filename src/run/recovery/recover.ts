import type { Cause, Outcome, RestorePoint } from '../../event.ts';
import type { LifecycleCommands } from '../../lifecycle-command.ts';
import type { Baseline } from '../../health/baseline.ts';
import { watch } from '../../health/watch/watch.ts';
import type { Instance, Operation, Platform, Snapshot } from '../../platform/platform.ts';
import type { RunRecord } from '../../journal/runs.ts';
import { formatDuration } from '../../duration.ts';
import { err, ok, type Result } from '../../result.ts';
import { neutralise } from '../../text.ts';
import { manualRecoveryCommands, resumeCommands } from '../manual-recovery.ts';
import { isWaitOpen, unconfirmedWithoutPoint } from '../confirmation/known-wait.ts';
import { classifyDisks, type Disks } from '../restore-point/disks.ts';
import { saveEvidence } from '../evidence/evidence.ts';
import { runFinalLifecycleCommands } from '../lifecycle-commands.ts';
import { endLeftovers } from '../command/leftovers.ts';
import { keptKey, readMarker, rolledBackKey, type RunMarker } from '../lock/marker.ts';
import { noteRolledBack, removeMarker } from '../lock/marker-changes.ts';
import { retryTransient } from '../../platform/retry.ts';
import type { Limits, Plan } from '../plan.ts';
import { bringUp, returnToStopped, stop } from '../power.ts';
import { inPhase } from '../recorder.ts';
import { recoveryStep, type RecoveryStep } from './recovery.ts';
import { refused, refusedBecause } from '../refusal.ts';
import { resumeByMarker, readQuiesceMarker, type QuiesceMarker } from '../lock/quiesce-marker.ts';
import { explainMissing } from '../missing-instance.ts';
import { release, type Release } from '../restore-point/release.ts';
import { inFlightName, leaseOf, type Lease } from '../lock/in-flight.ts';
import { describeLoss, lockLost, lossOf, type LeaseHandle } from '../lock/lease.ts';
import { thaw } from '../thaw.ts';
import { rollBack, type RollbackEnd } from '../rollback/rollback.ts';
import type { RunTools } from '../tools.ts';
import { inspectProcesses, waitForTransaction } from '../changes/transaction-end.ts';
import { findVolumePoints } from '../restore-point/volumes.ts';

/** What to recover, and how. */
export interface RecoverPlan {
  readonly run: string;
  readonly instance: string;
  readonly project: string;
  readonly remote: string | null;
  readonly limits: Limits;
  /** The record of the run, where this host has it. */
  readonly record: RunRecord | null;
  readonly baseline: Baseline | null;
  /** Keep the change if the instance is as healthy as before, although the result of the command is unknown. */
  readonly keepIfHealthy: boolean;
  /** Those of the run, otherwise those that are configured now. */
  readonly hooks: LifecycleCommands;
  /** What was settled about a change that waited for its confirmation; null where it did not wait, or still waits. */
  readonly settled: 'confirmed' | 'refused' | 'expired' | null;
  /** Of this recovery; null where nothing is in flight, or its restore point could not be given one. */
  readonly lease: LeaseHandle | null;
  /** Let a package manager that still works come to its end first. */
  readonly waitForManager: boolean;
}

type RecoverTools = Pick<RunTools, 'platform' | 'clock' | 'recorder'>;

/** What a run left on the server. */
export interface RunLeftovers {
  readonly instance: Instance;
  readonly disks: Disks;
  readonly inFlight: RestorePoint | null;
  /** The lease of the restore point in flight; null for an older guard. */
  readonly lease: Lease | null;
  /** Whether the instance ran before the run. */
  readonly wasRunning: boolean;
  readonly marker: RunMarker | null;
  /** The run has quiesced the instance, or a restored snapshot contains such a marker. */
  readonly quiesceMarker: QuiesceMarker | null;
}

/** Reads what the run left on the server. Changes nothing. */
export async function findLeftovers(
  tools: Pick<RunTools, 'platform' | 'clock'>,
  plan: Pick<Plan, 'instance' | 'project' | 'remote' | 'limits'>,
): Promise<Result<RunLeftovers, Outcome>> {
  const name = plan.instance;
  const instance = await retryTransient(tools.platform, plan.limits.readyMs).getInstance(name);
  if (!instance.ok) return err(await explainMissing(tools.platform, plan, instance.error));
  const snapshot = await tools.platform.getSnapshot(name, inFlightName);
  if (!snapshot.ok && snapshot.error.kind !== 'not-found') return err(refusedBecause(snapshot.error));
  const disks = await classifyDisks(tools.platform, instance.value);
  if (!disks.ok) return err(refusedBecause(disks.error));
  const volumes = await findVolumePoints(tools.platform, disks.value.own, inFlightName);
  if (!volumes.ok) return err(refusedBecause(volumes.error));
  const marker = readMarker(instance.value);
  const quiesceMarker = readQuiesceMarker(instance.value);
  const ranWhenCopied = snapshot.ok ? snapshot.value.wasRunning : true;
  return ok({
    instance: instance.value,
    marker,
    quiesceMarker,
    disks: disks.value,
    inFlight: snapshot.ok ? { name: inFlightName, createdAt: snapshot.value.createdAt, volumes: volumes.value } : null,
    lease: snapshot.ok ? leaseOf(snapshot.value.expiresAt) : null,
    // An instance that was stopped for its restore point was running before.
    wasRunning: marker?.wasRunning ?? quiesceMarker?.wasRunning ?? (snapshotQuiesceMarker(snapshot) || ranWhenCopied),
  });
}

/** The leftovers with the marker of now: somebody may have confirmed or kept the change before the lease was taken. */
export async function withMarkerOfNow(
  platform: Platform,
  leftovers: RunLeftovers,
  run: string,
  limitMs: number,
): Promise<Result<RunLeftovers, Outcome>> {
  const { marker } = leftovers;
  const seen = await retryTransient(platform, limitMs).getInstance(leftovers.instance.name);
  // What cannot be read may be a confirmation.
  if (!seen.ok) return err(refusedBecause(seen.error));
  const now = readMarker(seen.value);
  if (now === null && seen.value.metadata[keptKey] === run)
    return ok({ ...leftovers, instance: seen.value, marker: null });
  // A confirmation writes a marker that somebody removed again.
  const isOwn = now?.run === run && (marker !== null || now.confirmation !== undefined);
  return ok(isOwn ? { ...leftovers, marker: now } : leftovers);
}

/**
 * What was settled about a change that waited for a confirmation. One that still waits is recovered only after its deadline; so
 * is one that waits by its record although somebody removed its marker.
 */
export function settledOf(
  { instance, inFlight, marker }: RunLeftovers,
  record: RunRecord | null,
): RecoverPlan['settled'] {
  const isOpen = record !== null && isWaitOpen(record);
  const isOfRun = marker !== null && (record === null || marker.run === record.run);
  const state = isOfRun && (inFlight !== null || isOpen) ? marker.confirmation?.state : undefined;
  if (state !== undefined) return state === 'waiting' ? 'expired' : state;
  if (!isOpen || inFlight === null) return null;
  if (instance.metadata[keptKey] !== record.run) return 'expired';
  // A change that waits is kept only after its confirmation.
  return marker === null ? 'confirmed' : null;
}

/** The snapshot of a quiesced instance contains the quiesce marker, even if the instance no longer does. */
function snapshotQuiesceMarker(snapshot: Result<Snapshot, unknown>): boolean {
  return snapshot.ok && (readQuiesceMarker(snapshot.value)?.wasRunning ?? false);
}

/**
 * Finishes an interrupted run: the change is kept or rolled back, and the lock is released last. Can be
 * interrupted and repeated. Returns the outcome of the run.
 */
export async function recover(plan: RecoverPlan, tools: RecoverTools, leftovers: RunLeftovers): Promise<Outcome> {
  const began = tools.clock.monotonic();
  // Kept restore points are found and pruned only through the record.
  if (leftovers.inFlight && !plan.record?.restorePoint)
    await tools.recorder.record({ type: 'restore-point-created', restorePoint: leftovers.inFlight });
  if (plan.settled !== null) {
    const by = leftovers.marker?.confirmation?.settledBy;
    await tools.recorder.record({
      type: 'confirmation-settled',
      state: plan.settled,
      ...(by === undefined ? {} : { by }),
    });
  }
  await thaw(tools, plan, leftovers.instance.status);
  const isNotedKept = leftovers.instance.metadata[keptKey] === plan.run;
  const step = recoveryStep({ ...leftovers, record: plan.record, isNotedKept });
  // A rollback resumes the instance after the restore; everything else resumes it first.
  const resumed = step.step === 'roll-back' ? ok(undefined) : await endQuiesce(plan, tools, leftovers);
  // Somebody restored an old restore point manually. Its run ended long ago.
  const onlyQuiet = leftovers.inFlight === null && leftovers.quiesceMarker !== null && plan.record?.ended != null;
  if (onlyQuiet && resumed.ok) return { outcome: 'kept' };
  const outcome = resumed.ok ? await doStep(plan, tools, leftovers, step) : resumed.error;
  await tools.recorder.record({ type: 'run-ended', outcome, ms: tools.clock.monotonic() - began });
  return outcome;
}

/** Resumes what the run had quiesced, if anything. */
async function endQuiesce(
  plan: RecoverPlan,
  tools: RecoverTools,
  { quiesceMarker }: RunLeftovers,
): Promise<Result<void, Outcome>> {
  if (quiesceMarker === null) return ok(undefined);
  if (quiesceMarker.wasRunning && !(await runsOn(plan, tools))) {
    const up = await inPhase(
      tools,
      'start',
      () => bringUp({ ...tools, lease: plan.lease }, plan.instance, plan.limits),
      (result) => ({ ok: result.ok, message: result.ok ? 'running' : result.error }),
    );
    if (!up.ok) return err(stillQuiesced(plan, tools, up.error));
  }
  const resumed = await resumeByMarker(plan, tools);
  return resumed.ok ? resumed : err(stillQuiesced(plan, tools, resumed.error));
}

/** Whether it runs after a stop of the run has ended, which the server continues on its own. */
async function runsOn({ instance, limits }: RecoverPlan, { platform, clock }: RecoverTools): Promise<boolean> {
  const giveUpAt = clock.monotonic() + limits.stopMs + limits.readyMs;
  while ((await isStopping(platform, instance)) && clock.monotonic() < giveUpAt) await clock.sleep(200);
  // A hanging stop blocks everything (docs/internals/incus.md, Graceful stop).
  if (await isStopping(platform, instance)) await stop({ platform, clock }, instance, limits, false);
  const seen = await retryTransient(platform, limits.readyMs).getInstance(instance);
  return seen.ok && seen.value.status === 'Running';
}

async function isStopping(platform: Platform, instance: string): Promise<boolean> {
  const operations = await platform.listOperations();
  const isStop = ({ activity, isRunning, instances }: Operation): boolean =>
    activity === 'stop' && isRunning && instances.includes(instance);
  return operations.ok && operations.value.some(isStop);
}

function stillQuiesced(plan: RecoverPlan, tools: RecoverTools, message: string): Outcome {
  return {
    outcome: 'rollback-failed',
    cause: causeOf(plan),
    message: `${message} The instance may still be quiesced.`,
    manualRecovery: resumeCommands(tools.platform.commands, plan),
  };
}

async function doStep(
  plan: RecoverPlan,
  tools: RecoverTools,
  leftovers: RunLeftovers,
  step: RecoveryStep,
): Promise<Outcome> {
  switch (step.step) {
    case 'close':
      return close(plan, tools, leftovers, step.because);
    case 'release-unchanged':
      if (!leftovers.wasRunning) await returnToStopped({ ...tools, lease: plan.lease }, plan.instance, plan.limits);
      await releasePoint(plan, tools, leftovers, { keep: false });
      return closed(plan, 'never-began');
    case 'release-kept':
      // Without the marker, which goes first, only the record says that it was confirmed.
      if (plan.record?.decided?.decision !== 'keep')
        await tools.recorder.record({ type: 'decided', decision: 'keep', cause: null });
      await afterKeep(plan, tools);
      if (!leftovers.wasRunning) await returnToStopped({ ...tools, lease: plan.lease }, plan.instance, plan.limits);
      if (leftovers.inFlight === null) await freeWithoutPoint(plan, tools);
      return releaseKept(plan, tools, leftovers);
    case 'release-rolled-back':
      return releaseRolledBack(plan, tools, leftovers, step.well);
    case 'release-unknown':
      return releaseUnknown(plan, tools, leftovers);
    case 'roll-back': {
      const manager = await awaitManager(plan, tools, leftovers);
      const loss = plan.lease === null ? null : await lossOf(plan.lease);
      if (loss !== null) return lockLost(causeOf(plan), loss);
      return (await keptBecauseHealthy(plan, tools, leftovers, manager)) ?? backToRestorePoint(plan, tools, leftovers);
    }
  }
}

/** Nothing is in flight any more. */
async function close(
  plan: RecoverPlan,
  tools: RecoverTools,
  leftovers: RunLeftovers,
  because: Extract<RecoveryStep, { step: 'close' }>['because'],
): Promise<Outcome> {
  const { marker } = leftovers;
  // A mark without a restore point means nothing, but would be shown to people.
  if (marker !== null) {
    const kept = because === 'kept' && marker.run === plan.run;
    const of = { run: marker.run, lease: plan.lease, kept };
    await removeMarker(tools, plan.instance, of, plan.limits.readyMs);
  }
  if (plan.record !== null && (plan.record.restorePoint !== null || plan.record.damaged) && !plan.record.released)
    await tools.recorder.record({ type: 'released', restorePoint: await keptAs(plan, tools) });
  return closed(plan, because === 'restore-point-gone' ? await endElsewhere(plan, tools, leftovers) : because);
}

/** Somebody removed the restore point of a change that was then confirmed. */
async function freeWithoutPoint({ run, instance, limits }: RecoverPlan, tools: RecoverTools): Promise<void> {
  await removeMarker(tools, instance, { run, lease: null, kept: true }, limits.readyMs);
  await tools.recorder.record({ type: 'released', restorePoint: null });
  await tools.recorder.record({
    type: 'notice',
    level: 'warning',
    message: `${describeLoss('gone')} The change cannot be rolled back.`,
  });
}

/** What is known of the package manager of a transaction: it survives guard, so that its result can be verified. */
type ManagerEnd =
  | 'ended'
  /** It was not waited for any longer. */
  | 'runs'
  /** The instance was stopped or restarted, perhaps in the middle of its work. */
  | 'cut';

/** Null where the change is no transaction, or is decided. */
async function awaitManager(
  plan: RecoverPlan,
  tools: RecoverTools,
  leftovers: RunLeftovers,
): Promise<ManagerEnd | null> {
  const { record, instance, limits } = plan;
  const transaction = record?.started?.transaction;
  if (record === null || transaction === undefined || record.decided !== null) return null;
  if (wasRestarted(leftovers)) return 'cut';
  const seen = await inspectProcesses(tools, instance, [transaction.pid]);
  const runs = !seen.ok || seen.value.has(transaction.pid);
  if (!plan.waitForManager) return runs ? 'runs' : 'ended';
  const limitMs = timeLeftOf(record, limits, tools.clock.now());
  if (runs)
    await tools.recorder.record({
      type: 'notice',
      level: 'info',
      message: `${neutralise(transaction.manager)} still works in ${instance} (process ${transaction.pid}). Waiting up to ${formatDuration(limitMs)} for its end. To roll back without waiting, run \`guard recover --take-over\`.`,
    });
  const wait = { pids: () => [transaction.pid], settleMs: 0, limitMs, readyMs: limits.readyMs };
  const end = await waitForTransaction(tools, instance, wait, plan.lease?.signal);
  if (end === 'limit' || end === 'aborted') return 'runs';
  return end === 'ended' ? 'ended' : 'cut';
}

/** Both times are of the server's own clock. */
function wasRestarted({ instance, inFlight }: RunLeftovers): boolean {
  const startedAt = Date.parse(instance.lastStartedAt ?? '');
  return inFlight !== null && startedAt > Date.parse(inFlight.createdAt);
}

/** The longest that a recovery waits where the command may run without a limit, in milliseconds. */
const withoutLimitMs = 3_600_000;

/** What is left of the time that the run gave its command. */
function timeLeftOf({ phases, started }: RunRecord, { commandMs }: Limits, now: number): number {
  const limitMs = commandMs ?? withoutLimitMs;
  const begunAt = phases.findLast(({ phase }) => phase === 'command')?.begunAt ?? started?.at ?? now;
  return Math.min(limitMs, Math.max(0, begunAt + limitMs - now));
}

function closed(plan: RecoverPlan, because: 'never-began' | 'kept' | 'rolled-back' | 'restore-point-gone'): Outcome {
  const cause = plan.record?.decided?.cause ?? null;
  switch (because) {
    case 'never-began':
      return refused('guard was interrupted before the command started. Nothing was changed.', '');
    case 'kept':
      return keptOutcome(plan);
    case 'rolled-back':
      return { outcome: 'rolled-back', cause: causeOf(plan) };
    case 'restore-point-gone':
      if (isUnconfirmed(plan)) return unconfirmedWithoutPoint(plan.instance);
      return {
        outcome: 'rollback-failed',
        cause: cause ?? 'inconclusive',
        message:
          'The restore point of the run no longer exists, so it cannot be rolled back. Another guard finished the run, or somebody removed the restore point.',
        manualRecovery: [],
      };
  }
}

function isUnconfirmed({ settled }: RecoverPlan): boolean {
  return settled === 'refused' || settled === 'expired';
}

/** A killed run has no cause, because the result of its command is unknown. */
function causeOf(plan: RecoverPlan): Exclude<Cause, 'interrupted'> {
  const cause = plan.record?.decided?.cause ?? (isUnconfirmed(plan) ? 'not-confirmed' : 'inconclusive');
  return cause === 'interrupted' ? 'inconclusive' : cause;
}

function releasePoint(
  plan: RecoverPlan,
  tools: RecoverTools,
  { inFlight }: RunLeftovers,
  how: Release,
): Promise<unknown> | null {
  // Both are there, or neither is.
  return inFlight === null || plan.lease === null
    ? null
    : release(plan, tools, how, { createdAt: inFlight.createdAt, volumes: inFlight.volumes, lease: plan.lease });
}

function nameOf(plan: RecoverPlan): string {
  return plan.record?.started?.restorePointName ?? `guard-${plan.run}`;
}

/** The final name of the restore point if guard was killed after the renaming; null if it no longer exists. */
async function keptAs(plan: RecoverPlan, tools: RecoverTools): Promise<string | null> {
  for (const name of new Set([nameOf(plan), `guard-${plan.run}`])) {
    const snapshot = await tools.platform.getSnapshot(plan.instance, name);
    if (snapshot.ok && snapshot.value.createdAt === plan.record?.restorePoint?.createdAt) return name;
  }
  return null;
}

/** For a run that was killed before this, or before it was recorded. */
function afterKeep(plan: RecoverPlan, tools: RecoverTools): Promise<void> {
  const cause = plan.record?.decided?.cause ?? null;
  return runFinalLifecycleCommands(plan, tools, 'afterKeep', {
    outcome: cause === null ? 'kept' : 'kept-unhealthy',
    cause,
  });
}

async function releaseKept(plan: RecoverPlan, tools: RecoverTools, leftovers: RunLeftovers): Promise<Outcome> {
  await releasePoint(plan, tools, leftovers, releaseOfKept(plan, leftovers));
  return closed(plan, 'kept');
}

/** A confirmed change is kept like any other. One that was decided before an interruption needs its restore point until a person has checked it. */
function releaseOfKept(plan: RecoverPlan, { marker }: RunLeftovers): Release {
  const known = plan.record?.retention ?? marker?.confirmation?.retention ?? null;
  const retention = plan.settled === 'confirmed' ? known : null;
  if (retention?.keep === 0 && plan.record?.started?.named !== true) return { change: 'kept', keep: false };
  return { change: 'kept', keep: true, name: nameOf(plan), expiresMs: retention?.expiresMs ?? null };
}

/**
 * Whether another host kept the change. The instance names the last one that was kept. Of an earlier change that waited for
 * its confirmation the restore point tells: one that stays for a person never expires.
 */
async function wasKept(plan: RecoverPlan, tools: RecoverTools, { instance }: RunLeftovers): Promise<boolean> {
  if (instance.metadata[keptKey] === plan.run) return true;
  const name = plan.record?.retention == null ? null : await keptAs(plan, tools);
  const snapshot = name === null ? null : await tools.platform.getSnapshot(plan.instance, name);
  return snapshot?.ok === true && snapshot.value.expiresAt !== null;
}

/** How another host ended the run, as far as the instance tells. */
async function endElsewhere(
  plan: RecoverPlan,
  tools: RecoverTools,
  leftovers: RunLeftovers,
): Promise<'kept' | 'rolled-back' | 'restore-point-gone'> {
  if (leftovers.instance.metadata[rolledBackKey] === plan.run) return 'rolled-back';
  return (await wasKept(plan, tools, leftovers)) ? 'kept' : 'restore-point-gone';
}

async function releaseUnknown(plan: RecoverPlan, tools: RecoverTools, leftovers: RunLeftovers): Promise<Outcome> {
  if (leftovers.wasRunning) {
    const up = await bringUp({ ...tools, lease: plan.lease }, plan.instance, plan.limits);
    if (!up.ok) return failed(plan, tools, leftovers, { message: up.error });
  } else await returnToStopped({ ...tools, lease: plan.lease }, plan.instance, plan.limits);
  await releasePoint(plan, tools, leftovers, { keep: true, name: nameOf(plan), expiresMs: null });
  return { outcome: 'kept' };
}

async function keptBecauseHealthy(
  plan: RecoverPlan,
  tools: RecoverTools,
  leftovers: RunLeftovers,
  manager: ManagerEnd | null,
): Promise<Outcome | null> {
  const mayBeKept = manager === 'ended' || (plan.keepIfHealthy && manager !== 'runs');
  if (!mayBeKept || plan.baseline === null || plan.record?.decided?.decision === 'rollback') return null;
  await endLeftovers(plan, tools);
  const limits = { limitMs: plan.limits.verifyMs, soakMs: plan.limits.soakMs };
  const { verdict, observations } = await watch(
    { platform: tools.platform, instance: plan.instance, clock: tools.clock },
    plan.baseline,
    limits,
    (waitingFor, healthyForMs) =>
      void tools.recorder.show({ type: 'watch-progress', waitingFor, healthyForMs, ...limits }),
  );
  await tools.recorder.record({ type: 'watch-observed', observations });
  await tools.recorder.record({ type: 'verdict', verdict, afterRollback: false });
  if (verdict.verdict !== 'healthy') return null;
  await tools.recorder.record({ type: 'decided', decision: 'keep', cause: null });
  await afterKeep(plan, tools);
  await releasePoint(plan, tools, leftovers, { change: 'kept', keep: true, name: nameOf(plan), expiresMs: null });
  return { outcome: 'kept' };
}

async function backToRestorePoint(plan: RecoverPlan, tools: RecoverTools, leftovers: RunLeftovers): Promise<Outcome> {
  if (leftovers.inFlight === null || plan.lease === null) return closed(plan, 'restore-point-gone');
  if (plan.record?.decided == null)
    await tools.recorder.record({ type: 'decided', decision: 'rollback', cause: causeOf(plan) });
  const record = plan.record;
  if (record !== null && isStillChanged(record))
    await saveEvidence(
      {
        instance: plan.instance,
        restorePoint: leftovers.inFlight,
        // The output of the command is lost.
        output: null,
        verdict: record.verdict?.verdict ?? null,
        factsBefore: plan.baseline?.facts ?? null,
        factsAfter: null,
      },
      tools,
    );
  await runFinalLifecycleCommands(plan, tools, 'beforeRollback', { cause: causeOf(plan) });
  const end = await rollBack(
    {
      instance: plan.instance,
      project: plan.project,
      remote: plan.remote,
      restorePoint: plan.record?.restorePoint ?? leftovers.inFlight,
      baseline: plan.baseline,
      start: true,
      stopGracefully: leftovers.disks.uncovered.length > 0,
      lease: plan.lease,
      hooks: plan.hooks,
      clearLocks: record?.started?.transaction !== undefined,
      limits: plan.limits,
    },
    tools,
  );
  if (end.end === 'failed') return failed(plan, tools, leftovers, end);
  if (end.end === 'lost') return lockLost(causeOf(plan), end.loss);
  return releaseRolledBack(plan, tools, leftovers, end.end === 'well');
}

async function releaseRolledBack(
  plan: RecoverPlan,
  tools: RecoverTools,
  leftovers: RunLeftovers,
  well: boolean,
): Promise<Outcome> {
  const outcome = well ? 'rolled-back' : 'rolled-back-not-well';
  await runFinalLifecycleCommands(plan, tools, 'afterRollback', { outcome, cause: causeOf(plan) });
  if (!leftovers.wasRunning) await returnToStopped({ ...tools, lease: plan.lease }, plan.instance, plan.limits);
  // Another host, whose record of the run ends before, learns it from the instance.
  if (well && plan.record?.commandBegan !== true && plan.lease !== null)
    await noteRolledBack(tools, plan.instance, { run: plan.run, lease: plan.lease }, plan.limits.readyMs);
  const keep = !well || (plan.record?.started?.named ?? false);
  const how: Release = keep ? { keep: true, name: nameOf(plan), expiresMs: null } : { keep: false };
  await releasePoint(plan, tools, leftovers, how);
  return { outcome: well ? 'rolled-back' : 'rolled-back-not-well', cause: causeOf(plan) };
}

/** If a rollback had started it may be finished, so observations are no evidence of the change. */
function isStillChanged({ evidence, phases }: RunRecord): boolean {
  return evidence === null && !phases.some(({ phase }) => phase === 'stop' || phase === 'restore');
}

function failed(
  plan: RecoverPlan,
  tools: RecoverTools,
  leftovers: RunLeftovers,
  { message, first = [] }: Pick<Extract<RollbackEnd, { end: 'failed' }>, 'message' | 'first'>,
): Outcome {
  return {
    outcome: 'rollback-failed',
    cause: causeOf(plan),
    message,
    manualRecovery: manualRecoveryCommands(tools.platform.commands, {
      ...plan,
      restorePoint: leftovers.inFlight ?? { name: inFlightName, volumes: [] },
      start: leftovers.wasRunning,
      startProtected: leftovers.instance.startProtected,
      first,
    }),
  };
}

/** What the run had decided before it was interrupted. */
function keptOutcome({ record }: RecoverPlan): Outcome {
  const cause = record?.decided?.cause ?? null;
  if (cause === null) return { outcome: 'kept' };
  return record?.decided?.nothingChanged === true
    ? { outcome: 'kept-unchanged', cause }
    : { outcome: 'kept-unhealthy', cause };
}
