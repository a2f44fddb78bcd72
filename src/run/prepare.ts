import type { Outcome, Pushed, RestorePoint, RunStarted, TransactionStart } from '../event.ts';
import type { Baseline } from '../health/baseline.ts';
import { getInstance } from '../incus/instance.ts';
import { err, ok, type Result } from '../result.ts';
import { establishBaseline, type Beginning } from './baseline.ts';
import { letGoAdvice } from './by-hand.ts';
import type { BootMark } from './command/command.ts';
import type { FirstLook } from './first-look.ts';
import { inspect, sayUncovered, type Inspected } from './inspect.ts';
import { inFlightName } from './hold/in-flight.ts';
import { sayLost, type HeldLease } from './hold/lease.ts';
import type { Mark } from './hold/mark.ts';
import { sayScheduled } from './restore-point/newer-snapshots.ts';
import type { Plan } from './plan.ts';
import type { PushPlan } from './push/source.ts';
import { bringUp, returnToStopped } from './power.ts';
import { refuseRepeat } from './quarantine.ts';
import { letGoByKey, type Quiet } from './hold/quiet.ts';
import { inPhase } from './recorder.ts';
import { needsStillness } from './hold/stillness.ts';
import { refused } from './refusal.ts';
import { release } from './restore-point/release.ts';
import { sayPause, type Copy } from './restore-point/room.ts';
import {
  abandonOwn,
  takeEarly,
  takeRestorePoint,
  type Held,
  type Taken,
  type Wanted,
} from './restore-point/restore-point.ts';
import type { RunTools } from './tools.ts';

/** What was asked of an instance that runs. */
interface Asked {
  readonly baseline: Baseline;
  /** Null where the server did not tell. */
  readonly boot: BootMark | null;
}

/** An instance that is asked, has a way back, and is this run's alone. */
export interface Prepared extends Asked {
  readonly inspected: Inspected;
  readonly restorePoint: RestorePoint;
  readonly lease: HeldLease;
}

/** What is held before the baseline is known. */
type HeldInstance = Pick<Prepared, 'inspected' | 'restorePoint' | 'lease'>;

/**
 * A running instance is asked first. A stopped one is started only under the lock, so that two runs never fight over it,
 * and so that its restore point is the stopped instance itself.
 */
export async function prepare(
  plan: Plan,
  tools: RunTools,
  inspected: Inspected,
  first: FirstLook | null,
): Promise<Result<Prepared, Outcome>> {
  await tools.recorder.begin(runStarted(plan, tools, inspected));
  if (Object.keys(plan.hooks).length > 0) await tools.recorder.record({ type: 'hooks-planned', hooks: plan.hooks });
  if (plan.uncovered === 'warn') await warnOfUncovered(tools, inspected);
  const left = inspected.staleQuiet === null ? null : await letGoOfLeft(plan, tools, inspected.staleQuiet);
  if (left !== null) return err(left);
  const scheduled = sayScheduled(inspected.pool, inspected.instance);
  if (scheduled !== null) await tools.recorder.record({ type: 'notice', level: 'warning', says: scheduled });
  const early = earlyPoint(plan, tools, inspected);
  const beginning = { first: usable(first, inspected), justStarted: false, whenCalm: early.begin };
  const asked = inspected.wasRunning ? await admit(plan, tools, inspected, beginning) : null;
  const { taken, wasBusy } = await early.end();
  if (asked?.ok === false) {
    if (taken !== null) await abandonOwn(plan, tools, taken);
    return asked;
  }
  const held = await takePoint(plan, tools, inspected, taken);
  if (!held.ok) return held;
  const { restorePoint, lease, waited, restarted } = held.value;
  if (waited || wasBusy || isHeldByAnother(inspected))
    return startOver(plan, tools, { inspected, restorePoint, lease }, restarted);
  // It was stopped for its restore point: what does not come back from that is not the command's fault.
  if (restarted || asked === null) return askUnderLock(plan, tools, { inspected, restorePoint, lease }, restarted);
  return allClear(plan, tools, { inspected, ...asked.value, restorePoint, lease });
}

/** What was held still when the look began says nothing of the instance at work. */
function usable(first: FirstLook | null, inspected: Inspected): FirstLook | null {
  return inspected.wasRunning && inspected.staleQuiet === null && !isHeldByAnother(inspected) ? first : null;
}

/** Another run was at work when this one began to look, and this one waits for its end. */
function isHeldByAnother({ snapshots }: Inspected): boolean {
  return snapshots.some(({ name }) => name === inFlightName);
}

/** A run that died held the instance still, or an old snapshot brought that back: nothing may be asked of it so. */
async function letGoOfLeft(plan: Plan, tools: RunTools, quiet: Quiet): Promise<Outcome | null> {
  await tools.recorder.record({
    type: 'notice',
    level: 'warning',
    says: `Run ${quiet.run} held this instance still for its restore point and did not let go: that is done now.`,
  });
  const failure = await letGoByKey(plan, tools);
  return failure === null ? null : refused(`${failure} It may still be held still.`, letGoAdvice(plan));
}

/** What was seen before another run's change says nothing of the instance now: it is looked at and asked again. */
async function startOver(
  plan: Plan,
  tools: RunTools,
  held: HeldInstance,
  restarted: boolean,
): Promise<Result<Prepared, Outcome>> {
  const inspected = await inspect(plan, tools);
  if (!inspected.ok) return err(await abandon(plan, tools, held, inspected.error));
  return askUnderLock(plan, tools, { ...held, inspected: inspected.value }, restarted);
}

async function askUnderLock(
  plan: Plan,
  tools: RunTools,
  held: HeldInstance,
  justStarted: boolean,
): Promise<Result<Prepared, Outcome>> {
  const { inspected } = held;
  const asked = inspected.wasRunning
    ? await admit(plan, tools, inspected, { ...afresh, justStarted })
    : await startAndAsk(plan, tools, inspected);
  if (!asked.ok) return err(await abandon(plan, tools, held, asked.error));
  return allClear(plan, tools, { ...held, ...asked.value });
}

const afresh = { first: null, whenCalm: () => {} } as const;

async function warnOfUncovered(tools: RunTools, { disks }: Inspected): Promise<void> {
  for (const disk of disks.uncovered)
    await tools.recorder.record({
      type: 'notice',
      level: 'warning',
      says: `Not covered by the restore point is ${sayUncovered(disk)}. It does not go back with a rollback.`,
    });
}

/**
 * Whether the snapshot may be taken beside the slow part of the baseline: it does not make the instance stand still, nothing
 * that is asked meanwhile is of the user's own making, which might write, and what is left to know refuses hardly ever.
 */
function mayBeEarly(plan: Plan, { wasRunning, pool, disks }: Inspected): boolean {
  return (
    wasRunning &&
    plan.change.kind === 'command' &&
    plan.checks.length === 0 &&
    disks.own.length === 0 &&
    !needsStillness(plan, wasRunning) &&
    // All others freeze the instance meanwhile (incus.md section 3).
    (pool?.driver === 'btrfs' || pool?.driver === 'zfs')
  );
}

/** Snapshots that may be begun while the instance is still asked how it is. */
function earlyPoint(plan: Plan, tools: RunTools, inspected: Inspected) {
  let begun: Promise<Result<Taken, Outcome>> | null = null;
  return {
    begin: (): void => {
      if (mayBeEarly(plan, inspected)) begun = takeEarly(plan, tools, wantedFor(plan, tools, inspected));
    },
    /**
     * Without them where none were begun, or could not be had: why not is asked anew when they are needed. Whoever was there
     * may have changed the instance meanwhile.
     */
    end: async (): Promise<{ readonly taken: Taken | null; readonly wasBusy: boolean }> => {
      const ended = await begun;
      return { taken: ended?.ok ? ended.value : null, wasBusy: ended?.ok === false && ended.error.outcome === 'busy' };
    },
  };
}

async function takePoint(
  plan: Plan,
  tools: RunTools,
  inspected: Inspected,
  early: Taken | null,
): Promise<Result<Held, Outcome>> {
  if (early === null && tools.interruption.by() !== null) return err(interruptedBefore(tools));
  if (inspected.copy !== null) await tellPause(plan, tools, inspected.copy);
  const taken = await inPhase(
    tools,
    'restore-point',
    () => takeRestorePoint(plan, tools, wantedFor(plan, tools, inspected), early),
    (result) => (result.ok ? { ok: true, says: plan.restorePoint.name } : { ok: false, says: 'not taken' }),
  );
  if (taken.ok) {
    await tools.recorder.record({ type: 'restore-point-taken', restorePoint: taken.value.restorePoint });
    return taken;
  }
  // A signal ended the wait for another run.
  const gaveUp = taken.error.outcome === 'busy' && tools.interruption.by() !== null;
  return gaveUp ? err(interruptedBefore(tools)) : taken;
}

function wantedFor(plan: Plan, tools: RunTools, inspected: Inspected): Wanted {
  return {
    mark: markFor(plan, tools),
    stale: [inspected.staleMark, inspected.staleQuiet].flatMap((left) => (left === null ? [] : [left.run])),
    wasRunning: inspected.wasRunning,
    volumes: inspected.disks.own,
  };
}

function tellPause(plan: Plan, tools: RunTools, copy: Copy): Promise<void> {
  return tools.recorder.record({ type: 'notice', level: 'warning', says: sayPause(plan.instance, copy) });
}

async function startAndAsk(plan: Plan, tools: RunTools, inspected: Inspected): Promise<Result<Asked, Outcome>> {
  const up = await inPhase(
    tools,
    'start',
    () => bringUp(tools, plan.instance, plan.limits),
    (result) => ({ ok: result.ok, says: result.ok ? 'running' : result.error }),
  );
  if (!up.ok) return err(refused(`"${plan.instance}" could not be started to be asked: ${up.error}`, ''));
  return admit(plan, tools, inspected, { ...afresh, justStarted: true });
}

/** It is well, and this change has not failed here before. */
async function admit(
  plan: Plan,
  tools: RunTools,
  { instance }: Inspected,
  beginning: Beginning,
): Promise<Result<Asked, Outcome>> {
  const baseline = await establishBaseline(plan, tools, instance, beginning);
  if (!baseline.ok) return baseline;
  const repeat = await refuseRepeat(plan, tools);
  if (repeat !== null) return err(repeat);
  const now = beginning.justStarted ? await getInstance(tools.incus, plan.instance) : ok(instance);
  return ok({ baseline: baseline.value, boot: now.ok ? now.value : null });
}

/** The last moment at which nothing has been changed: a record that cannot be written, or a signal, ends it here. */
async function allClear(plan: Plan, tools: RunTools, prepared: Prepared): Promise<Result<Prepared, Outcome>> {
  const unwritable = tools.recorder.failure();
  if (unwritable !== null)
    return err(
      await abandon(
        plan,
        tools,
        prepared,
        refused(
          `The run's record cannot be written: ${unwritable}`,
          'Make room, or name another folder with GUARD_STATE_DIR.',
        ),
      ),
    );
  if (tools.interruption.by() !== null) return err(await abandon(plan, tools, prepared, interruptedBefore(tools)));
  if (!(await prepared.lease.isLost(plan.run))) return ok(prepared);
  await prepared.lease.stop();
  return err(refused(sayLost, 'See `guard runs` there.'));
}

function interruptedBefore(tools: RunTools): Outcome {
  return {
    outcome: 'interrupted',
    signal: tools.interruption.by() ?? 'SIGTERM',
  };
}

/** Gives the instance back as it was found, before any command ran in it. */
async function abandon(
  plan: Plan,
  tools: RunTools,
  { inspected, restorePoint, lease }: HeldInstance,
  outcome: Outcome,
): Promise<Outcome> {
  if (!inspected.wasRunning) await returnToStopped(tools, plan.instance, plan.limits);
  await release(plan, tools, { keep: false }, restorePoint.volumes, lease);
  return outcome;
}

function runStarted(plan: Plan, tools: RunTools, inspected: Inspected): RunStarted {
  return {
    type: 'run-started',
    version: plan.version,
    instance: plan.instance,
    project: plan.project,
    remote: plan.remote,
    command: plan.command.words,
    wasRunning: inspected.wasRunning,
    restorePointName: plan.restorePoint.name,
    named: plan.restorePoint.named,
    holder: tools.holder,
    ...(plan.change.kind === 'return' ? { rolledBackTo: plan.change.to.run } : {}),
    ...(plan.pushes.length === 0 ? {} : { pushes: plan.pushes.map(pushedOf) }),
    ...(plan.change.kind === 'transaction' ? { transaction: startOf(plan.change.transaction) } : {}),
  };
}

function startOf({ manager, pid, packages }: TransactionStart): TransactionStart {
  return { manager, pid, packages };
}

function markFor(plan: Plan, tools: RunTools): Omit<Mark, 'wasRunning'> {
  return {
    v: 1,
    run: plan.run,
    holder: tools.holder,
    restorePointName: plan.restorePoint.name,
    at: tools.clock.now(),
  };
}

function pushedOf({ local, inside, files, bytes }: PushPlan): Pushed {
  return { local, inside, files, bytes };
}
