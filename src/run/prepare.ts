import type { Outcome, PushSummary, RunEvent, RunStarted } from '../event.ts';
import type { ServerIdentity } from '../platform/platform.ts';
import { describeTested } from '../platform/tested-version.ts';
import { err, ok, type Result } from '../result.ts';
import { establishBaseline, type BaselineRequest } from './baseline.ts';
import { resumeAdvice } from './manual-recovery.ts';
import type { FirstObservation } from './first-observation.ts';
import { inspect, describeUncovered } from './inspect.ts';
import { identityOf, recordedIdentity } from './instance-identity.ts';
import { inFlightName } from './lock/in-flight.ts';
import { describeLoss } from './lock/lease.ts';
import type { RunMarker } from './lock/marker.ts';
import { describeScheduled } from './restore-point/newer-snapshots.ts';
import type { RunPlan } from './changes/change.ts';
import type { Plan } from './plan.ts';
import type { Inspection, PreparedRun, RunningState } from './prepared-run.ts';
import type { PushPlan } from './plan.ts';
import { bringUp, returnToStopped } from './power.ts';
import { refuseRepeat } from './quarantine.ts';
import { resumeByMarker, type QuiesceMarker } from './lock/quiesce-marker.ts';
import { inPhase } from './recorder.ts';
import { mustQuiesce } from './restore-point/quiesce.ts';
import { refused } from './refusal.ts';
import { release } from './restore-point/release.ts';
import { describePause, type SnapshotCopy } from './restore-point/free-space.ts';
import {
  abandonOwn,
  takeEarly,
  takeRestorePoint,
  type AcquiredLock,
  type EarlySnapshots,
  type RestorePointRequest,
} from './restore-point/restore-point.ts';
import type { RunTools } from './tools.ts';

/** The lock, before the baseline is known. */
type LockedInstance = Pick<PreparedRun, 'inspected' | 'restorePoint' | 'lease'>;

/**
 * Takes the baseline of a running instance first. A stopped one is started only under the lock, so that two runs never conflict,
 * and so that its restore point is the stopped instance itself.
 */
export async function prepare(
  plan: RunPlan,
  tools: RunTools,
  inspected: Inspection,
  first: FirstObservation | null,
): Promise<Result<PreparedRun, Outcome>> {
  await tools.recorder.begin(runStarted(plan, tools, inspected));
  const writable = tools.recorder.writable();
  if (!writable.ok) return err(refusedRecord(writable.error));
  if (Object.keys(plan.hooks).length > 0)
    await tools.recorder.record({ type: 'lifecycle-commands-planned', commands: plan.hooks });
  if (plan.uncovered === 'warn') await warnOfUncovered(tools, inspected);
  const resumed = await resumeLeftover(plan, tools, inspected.staleQuiesceMarker);
  if (!resumed.ok) return resumed;
  const scheduled = describeScheduled(inspected.pool, inspected.instance);
  if (scheduled !== null) await tools.recorder.record({ type: 'notice', level: 'warning', message: scheduled });
  if (inspected.untestedServer !== null) await tools.recorder.record(untestedNotice(inspected.untestedServer));
  if (inspected.instance.startProtected) await tools.recorder.record(startNotice(plan));
  const early = earlyPoint(plan, tools, inspected);
  const beginning = { first: usable(first, inspected), justStarted: false, whenIdle: early.begin };
  const asked = inspected.wasRunning ? await admit(plan, tools, inspected, beginning) : null;
  const { taken, wasBusy } = await early.end();
  if (asked?.ok === false) {
    if (taken !== null) await abandonOwn(plan, tools, taken);
    return asked;
  }
  const held = await takePoint(plan, tools, inspected, taken);
  if (!held.ok) return held;
  const { restorePoint, lease, waited, restarted } = held.value;
  if (waited || wasBusy || isLockedByAnother(inspected))
    return startOver(plan, tools, { inspected, restorePoint, lease }, restarted);
  // It was stopped for its restore point. Failures of that restart are not caused by the command.
  if (restarted || asked === null) return observeUnderLock(plan, tools, { inspected, restorePoint, lease }, restarted);
  return allClear(plan, tools, { inspected, ...asked.value, restorePoint, lease });
}

/** A baseline taken while the instance was quiesced does not describe normal operation. */
function usable(first: FirstObservation | null, inspected: Inspection): FirstObservation | null {
  return inspected.wasRunning && inspected.staleQuiesceMarker === null && !isLockedByAnother(inspected) ? first : null;
}

/** Another run was in progress when the observation started, and this run waits for its end. */
function isLockedByAnother({ snapshots }: Inspection): boolean {
  return snapshots.some(({ name }) => name === inFlightName);
}

/** An interrupted run, or a restored snapshot, left the instance quiesced. It must be resumed before the baseline. */
async function resumeLeftover(
  plan: Plan,
  tools: RunTools,
  quiesceMarker: QuiesceMarker | null,
): Promise<Result<void, Outcome>> {
  if (quiesceMarker === null) return ok(undefined);
  await tools.recorder.record({
    type: 'notice',
    level: 'warning',
    message: `Run ${quiesceMarker.run} had quiesced this instance for its restore point and was interrupted. guard resumes it now.`,
  });
  const resumed = await resumeByMarker(plan, tools);
  return resumed.ok
    ? resumed
    : err(refused(`${resumed.error} The instance may still be quiesced.`, resumeAdvice(tools.platform.commands, plan)));
}

function untestedNotice(server: ServerIdentity): RunEvent {
  const { product, version } = server;
  const message = `guard is not tested with ${product} ${version}, but with ${describeTested(server)}.`;
  return { type: 'notice', level: 'info', message };
}

function startNotice({ instance }: Plan): RunEvent {
  const message = `"${instance}" is protected from being started. If guard has to start it, it removes the protection for the start and restores it.`;
  return { type: 'notice', level: 'info', message };
}

/** Observations from before another run's change are outdated, so guard inspects and observes the instance again. */
async function startOver(
  plan: RunPlan,
  tools: RunTools,
  held: LockedInstance,
  restarted: boolean,
): Promise<Result<PreparedRun, Outcome>> {
  const inspected = await inspect(plan, tools);
  if (!inspected.ok) return err(await abandon(plan, tools, held, inspected.error));
  return observeUnderLock(plan, tools, { ...held, inspected: inspected.value }, restarted);
}

async function observeUnderLock(
  plan: RunPlan,
  tools: RunTools,
  held: LockedInstance,
  justStarted: boolean,
): Promise<Result<PreparedRun, Outcome>> {
  const { inspected } = held;
  const asked = inspected.wasRunning
    ? await admit(plan, tools, inspected, { ...freshStart, justStarted })
    : await startAndObserve(plan, tools, inspected);
  if (!asked.ok) return err(await abandon(plan, tools, held, asked.error));
  return allClear(plan, tools, { ...held, ...asked.value });
}

const freshStart = { first: null, whenIdle: () => {} } as const;

async function warnOfUncovered(tools: RunTools, { disks }: Inspection): Promise<void> {
  for (const disk of disks.uncovered)
    await tools.recorder.record({
      type: 'notice',
      level: 'warning',
      message: `The restore point does not cover ${describeUncovered(disk)}. A rollback does not restore it.`,
    });
}

/**
 * Whether the snapshot may be taken during the slow part of the baseline: it does not freeze the instance, the user has no
 * checks, which might write, and the remaining checks rarely refuse a run.
 */
function mayBeEarly(plan: Plan, { wasRunning, pool, disks }: Inspection): boolean {
  return (
    wasRunning &&
    plan.change.executesCommand &&
    plan.checks.length === 0 &&
    disks.own.length === 0 &&
    !mustQuiesce(plan, wasRunning) &&
    pool?.snapshotFreezesInstance === false
  );
}

/** Snapshots that may be started while the baseline is still in progress. */
function earlyPoint(plan: Plan, tools: RunTools, inspected: Inspection) {
  let begun: Promise<Result<EarlySnapshots, Outcome>> | null = null;
  return {
    begin: (): void => {
      if (mayBeEarly(plan, inspected)) begun = takeEarly(plan, tools, wantedFor(plan, tools, inspected));
    },
    /**
     * Ignores them if none were started or they failed: the failure is found again when they are needed. Another run
     * may have changed the instance in between.
     */
    end: async (): Promise<{ readonly taken: EarlySnapshots | null; readonly wasBusy: boolean }> => {
      const ended = await begun;
      return { taken: ended?.ok ? ended.value : null, wasBusy: ended?.ok === false && ended.error.outcome === 'busy' };
    },
  };
}

async function takePoint(
  plan: Plan,
  tools: RunTools,
  inspected: Inspection,
  early: EarlySnapshots | null,
): Promise<Result<AcquiredLock, Outcome>> {
  if (early === null && tools.interruption.by() !== null) return err(interruptedBefore(tools));
  if (inspected.copy !== null) await reportPause(plan, tools, inspected.copy);
  const taken = await inPhase(
    tools,
    'restore-point',
    () => takeRestorePoint(plan, tools, wantedFor(plan, tools, inspected), early),
    (result) => (result.ok ? { ok: true, message: plan.restorePoint.name } : { ok: false, message: 'not taken' }),
  );
  if (taken.ok) {
    await tools.recorder.record({ type: 'restore-point-created', restorePoint: taken.value.restorePoint });
    return taken;
  }
  // A signal ended the wait for another run.
  const gaveUp = taken.error.outcome === 'busy' && tools.interruption.by() !== null;
  return gaveUp ? err(interruptedBefore(tools)) : taken;
}

function wantedFor(plan: Plan, tools: RunTools, inspected: Inspection): RestorePointRequest {
  return {
    marker: markerFor(plan, tools),
    stale: [inspected.staleMarker, inspected.staleQuiesceMarker].flatMap((left) => (left === null ? [] : [left.run])),
    wasRunning: inspected.wasRunning,
    volumes: inspected.disks.own,
  };
}

function reportPause(plan: Plan, tools: RunTools, copy: SnapshotCopy): Promise<void> {
  return tools.recorder.record({ type: 'notice', level: 'warning', message: describePause(plan.instance, copy) });
}

async function startAndObserve(
  plan: RunPlan,
  tools: RunTools,
  inspected: Inspection,
): Promise<Result<RunningState, Outcome>> {
  const up = await inPhase(
    tools,
    'start',
    () => bringUp(tools, plan.instance, plan.limits),
    (result) => ({ ok: result.ok, message: result.ok ? 'running' : result.error }),
  );
  if (!up.ok) return err(refused(`"${plan.instance}" could not be started for its baseline: ${up.error}`, ''));
  return admit(plan, tools, inspected, { ...freshStart, justStarted: true });
}

/** The instance is healthy, and this change has not failed here before. */
async function admit(
  plan: RunPlan,
  tools: RunTools,
  inspected: Inspection,
  beginning: BaselineRequest,
): Promise<Result<RunningState, Outcome>> {
  const { instance } = inspected;
  const baseline = await establishBaseline(plan, tools, instance, beginning);
  if (!baseline.ok) return baseline;
  const isNew = await refuseRepeat(plan, tools, identityOf(plan, inspected));
  if (!isNew.ok) return isNew;
  const now = beginning.justStarted ? await tools.platform.getInstance(plan.instance) : ok(instance);
  return ok({ baseline: baseline.value, boot: now.ok ? now.value : null });
}

/** The last point at which nothing has been changed. A record that cannot be written, a signal, or a rollout ends the run here. */
async function allClear(plan: Plan, tools: RunTools, prepared: PreparedRun): Promise<Result<PreparedRun, Outcome>> {
  const writable = tools.recorder.writable();
  if (!writable.ok) return err(await abandon(plan, tools, prepared, refusedRecord(writable.error)));
  if (tools.interruption.by() !== null) return err(await abandon(plan, tools, prepared, interruptedBefore(tools)));
  // While this run prepared, its rollout may have stopped, or another host may have taken it over and changed this instance.
  const denied = (await tools.permission?.ask()) ?? null;
  if (denied !== null) return err(await abandon(plan, tools, prepared, refused(denied, '')));
  const proof = await prepared.lease.prove();
  if (proof.ok) return beginChange(plan, tools, prepared);
  await prepared.lease.stop();
  return err(refused(describeLoss(proof.error), 'The change was not started. Run `guard recover` to clean up.'));
}

/** From here on the instance may be another: that is on the disk before the first request of the change, or there is none. */
async function beginChange(plan: Plan, tools: RunTools, prepared: PreparedRun): Promise<Result<PreparedRun, Outcome>> {
  await tools.recorder.record({ type: 'change-begun' });
  const writable = tools.recorder.writable();
  return writable.ok ? ok(prepared) : err(await abandon(plan, tools, prepared, refusedRecord(writable.error)));
}

function refusedRecord(unwritable: string): Outcome {
  return refused(
    `The run's record cannot be written: ${unwritable}`,
    'Free some space, or set GUARD_STATE_DIR to another folder.',
  );
}

function interruptedBefore(tools: RunTools): Outcome {
  return {
    outcome: 'interrupted',
    signal: tools.interruption.by() ?? 'SIGTERM',
  };
}

/** Returns the instance to its original state, before any command ran in it. */
async function abandon(
  plan: Plan,
  tools: RunTools,
  { inspected, restorePoint, lease }: LockedInstance,
  outcome: Outcome,
): Promise<Outcome> {
  if (!inspected.wasRunning) await returnToStopped({ ...tools, lease }, plan.instance, plan.limits);
  await release(plan, tools, { keep: false }, { ...restorePoint, lease });
  return outcome;
}

function runStarted(plan: RunPlan, tools: RunTools, inspected: Inspection): RunStarted {
  return {
    type: 'run-started',
    version: plan.version,
    ...recordedIdentity(identityOf(plan, inspected)),
    command: plan.command.words,
    wasRunning: inspected.wasRunning,
    restorePointName: plan.restorePoint.name,
    named: plan.restorePoint.named,
    ...(plan.rollout === undefined ? {} : { rollout: plan.rollout }),
    holder: tools.holder,
    ...plan.change.started,
    ...(plan.rehearsedBy === null ? {} : { rehearsedBy: plan.rehearsedBy }),
    ...(plan.pushes.length === 0 ? {} : { pushes: plan.pushes.map(pushSummaryOf) }),
  };
}

function markerFor(plan: Plan, tools: RunTools): Omit<RunMarker, 'wasRunning'> {
  return {
    v: 1,
    run: plan.run,
    holder: tools.holder,
    restorePointName: plan.restorePoint.name,
    leaseMs: plan.limits.leaseMs,
    at: tools.clock.now(),
  };
}

function pushSummaryOf({ local, inside, files, bytes }: PushPlan): PushSummary {
  return { local, inside, files, bytes };
}
