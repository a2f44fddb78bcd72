import { formatDuration } from '../../duration.ts';
import { takeBaseline, type Baseline } from '../../health/baseline.ts';
import { judgeAlone } from '../../health/verdict.ts';
import { watch } from '../../health/watch/watch.ts';
import type { RestorePoint, Verdict } from '../../event.ts';
import type { LifecycleCommands } from '../../lifecycle-command.ts';
import { type PlatformFailure, describeFailure, isTransient } from '../../platform/failure.ts';
import type { Instance, Snapshot } from '../../platform/platform.ts';
import { err, ok, type Result } from '../../result.ts';
import { driftSince, describeDrift } from './drift.ts';
import { describeLoss, lossBehind, underLease, type LeaseHandle, type LeaseLoss } from '../lock/lease.ts';
import { newerInTheWay } from '../restore-point/newer-snapshots.ts';
import { isRecent, timePointOf, type TimePoint } from '../recency.ts';
import { repeatTransient } from '../../platform/retry.ts';
import type { Limits } from '../plan.ts';
import { bringUp, stop } from '../power.ts';
import { resumeByMarker } from '../lock/quiesce-marker.ts';
import { inPhase } from '../recorder.ts';
import { clearStaleLocks } from './stale-locks.ts';
import type { RunTools } from '../tools.ts';
import { isInconsistencyFailure } from '../restore-point/inconsistent-snapshots.ts';
import { restoreVolumePoints } from '../restore-point/volumes.ts';

/** What to roll back, and how. */
export interface RollbackPlan {
  readonly instance: string;
  readonly project: string;
  readonly remote: string | null;
  readonly restorePoint: RestorePoint;
  /** Whether the instance ran when the restore point was taken, or was started by the run to be asked. */
  readonly start: boolean;
  /** Null if there is no baseline (a recovery without a journal). Then guard only verifies that commands run. */
  readonly baseline: Baseline | null;
  /** Disks outside the restore point are attached: a graceful stop lets the instance write them. */
  readonly stopGracefully: boolean;
  readonly lease: LeaseHandle;
  /** What lets go on the host, where the restore point was taken of an instance that was held still. */
  readonly hooks: LifecycleCommands;
  /** The restore point was, or may have been, taken while a package manager worked: its lock goes (F24). */
  readonly clearLocks: boolean;
  readonly limits: Limits;
}

/** How a rollback ended. `failed` says what could not be done; the restore point is then still there, if it ever was. */
export type RollbackEnd =
  | { readonly end: 'well' }
  | { readonly end: 'not-well'; readonly verdict: Verdict }
  /** Another guard has taken the run over, or may have: nothing more was touched. */
  | { readonly end: 'lost'; readonly loss: LeaseLoss }
  | {
      readonly end: 'failed';
      readonly message: string;
      /** Commands for a person that remove what a killed daemon left and what blocks every restore. */
      readonly first?: readonly string[];
    };

type RollbackTools = Pick<RunTools, 'platform' | 'clock' | 'recorder'>;

/** What is known before anything is stopped. */
export interface Survey {
  readonly at: TimePoint;
  /** The exact snapshot, or a sentence. */
  readonly there: Result<Snapshot, string>;
  readonly now: Result<Instance, PlatformFailure>;
  /** Snapshots that block the restore. */
  readonly newer: readonly string[];
}

/** Checks that the exact snapshot exists (F2, F3) and nothing blocks it (F4). Changes nothing. */
export async function survey(plan: RollbackPlan, tools: RollbackTools): Promise<Survey> {
  const at = timePointOf(tools.clock);
  const [there, now, newer] = await Promise.all([
    findRestorePoint(plan, tools),
    tools.platform.getInstance(plan.instance),
    newerInTheWay(tools.platform, plan.instance, plan.restorePoint),
  ]);
  return { at, there, now, newer };
}

/**
 * Stops the instance, restores it, starts it, and verifies it against the baseline. Every step can be repeated:
 * the run, `guard recover` and `guard rollback` all call this, at whatever point the last attempt died.
 * Signals do not stop it. `surveyed`: the survey, where it was made beforehand; it is made again unless that was just now.
 */
export async function rollBack(
  plan: RollbackPlan,
  tools: RollbackTools,
  surveyed: Survey | null = null,
): Promise<RollbackEnd> {
  const { lease } = plan;
  const known = surveyed !== null && isRecent(tools.clock, surveyed.at) ? surveyed : await survey(plan, tools);
  const { there, now, newer } = known;
  if (!there.ok) return { end: 'failed', message: there.error };
  if (now.ok) await reportDrift(tools, there.value, now.value);
  if (newer.length > 0)
    return {
      end: 'failed',
      message: describeNewer(newer),
      first: tools.platform.commands.removeSnapshots(plan, newer),
    };

  const stopped = await inPhase(
    tools,
    'stop',
    () => stop({ ...tools, lease }, plan.instance, plan.limits, plan.stopGracefully),
    told('stopped'),
  );
  if (!stopped.ok) return failedOrLost(stopped.error);

  const restored = await inPhase(tools, 'restore', () => restore(plan, tools, now), told(timeOf(plan.restorePoint)));
  if (!restored.ok) return failedOrLost(restored.error, await inTheWay(plan, tools, restored.error));
  if (plan.clearLocks) await clearStaleLocks(tools.platform, plan.instance);
  if (!plan.start) return { end: 'well' };

  const started = await inPhase(
    tools,
    'start',
    () => bringUp({ ...tools, lease }, plan.instance, plan.limits, familiesOf(plan.baseline)),
    (result) => ({ ok: result.ok, message: result.ok ? 'running' : result.error }),
  );
  if (!started.ok) {
    const proof = await lease.prove();
    return proof.ok ? { end: 'failed', message: started.error } : lostBy(proof.error);
  }
  // It came back as it was copied: perhaps held still.
  const resumed = await resumeByMarker({ run: tools.recorder.run, instance: plan.instance, hooks: plan.hooks }, tools);
  if (!resumed.ok)
    await tools.recorder.record({ type: 'notice', level: 'warning', message: `${resumed.error} ${mayBeBusy}` });
  return verifyAgain(plan, tools);
}

function failedOrLost(failure: PlatformFailure, first: readonly string[] = []): RollbackEnd {
  const loss = lossBehind(failure);
  return loss === null ? { end: 'failed', message: describeFailure(failure), first } : lostBy(loss);
}

function lostBy(loss: LeaseLoss): RollbackEnd {
  return loss === 'gone' ? { end: 'failed', message: describeLoss(loss) } : { end: 'lost', loss };
}

const mayBeBusy = 'The instance may still be quiesced.';

function told(message: string) {
  return (result: Result<unknown, PlatformFailure>): { ok: boolean; message: string } =>
    result.ok ? { ok: true, message } : { ok: false, message: describeFailure(result.error) };
}

async function findRestorePoint(plan: RollbackPlan, tools: RollbackTools): Promise<Result<Snapshot, string>> {
  const { name, createdAt } = plan.restorePoint;
  const look = () => tools.platform.getSnapshot(plan.instance, name);
  const first = await look();
  const isAway = !first.ok && isTransient(first.error);
  if (isAway)
    await tools.recorder.record({ type: 'notice', level: 'warning', message: describeGone(plan, first.error) });
  const snapshot = isAway ? await repeatTransient(tools.clock, plan.limits.restoreMs, look) : first;
  if (!snapshot.ok) return err(describeFailure(snapshot.error));
  if (snapshot.value.createdAt === createdAt) return snapshot;
  return err(
    `The snapshot "${name}" of ${plan.instance} is not the one that this run took. It was created at ${snapshot.value.createdAt}, not at ${createdAt}. Nothing was stopped.`,
  );
}

/** Otherwise nothing would be shown for up to a quarter of an hour. */
function describeGone({ limits }: RollbackPlan, failure: PlatformFailure): string {
  return `${describeFailure(failure)} The instance is unchanged since the command. guard keeps trying for ${formatDuration(limits.restoreMs)}.`;
}

/** A restore replaces the whole configuration (docs/internals/incus.md, Restore): later changes are reported (F22). */
async function reportDrift(tools: RollbackTools, snapshot: Snapshot, now: Instance): Promise<void> {
  const message = describeDrift(driftSince(snapshot, now));
  if (message !== null) await tools.recorder.record({ type: 'notice', level: 'warning', message });
}

function describeNewer(newer: readonly string[]): string {
  return `The storage can restore only the newest snapshot, and these are newer than the restore point: ${newer.map((name) => `"${name}"`).join(', ')}. guard did not take them and does not remove them. Nothing was stopped.`;
}

/** What a killed daemon left and what blocks every restore. */
async function inTheWay(plan: RollbackPlan, { platform }: RollbackTools, failure: PlatformFailure): Promise<string[]> {
  if (failure.repair.length > 0) return [...failure.repair];
  const instance = isInconsistencyFailure(failure) ? await platform.getInstance(plan.instance) : null;
  return instance?.ok
    ? platform.commands.repairSnapshots(plan, await platform.findInconsistentSnapshots(instance.value))
    : [];
}

async function restore(
  plan: RollbackPlan,
  tools: RollbackTools,
  before: Survey['now'],
): Promise<Result<void, PlatformFailure>> {
  const { clock, platform } = tools;
  const { lease } = plan;
  const { restoreMs } = plan.limits;
  const description = before.ok ? before : await platform.getInstance(plan.instance);
  const volumes = await underLease(
    tools,
    lease,
    restoreMs,
    () => restoreVolumePoints(platform, plan.restorePoint.volumes, restoreMs),
    restoreIsWorthRepeating,
  );
  if (!volumes.ok) return volumes;
  const restored = await repeatTransient(clock, restoreMs, () => restoreOnce(plan, tools), untilThen(clock));
  // Incus before 6.0.5 does not keep the description in a snapshot.
  if (restored.ok && description.ok && description.value.description !== '') {
    const patch = { description: description.value.description };
    await underLease(tools, lease, 0, () => platform.patchInstance(plan.instance, patch), restoreIsWorthRepeating);
  }
  return restored;
}

/** How long a failure that is not known to be transient is tried again, in milliseconds: others may be at the instance. */
const unknownMs = 30_000;

/** What is known to pass is repeated for as long as the restore may take, and anything else for a while. */
function untilThen(clock: RunTools['clock']): (failure: PlatformFailure) => boolean {
  const giveUpAt = clock.monotonic() + unknownMs;
  return (failure) => {
    if (restoreIsWorthRepeating(failure)) return true;
    const isFinal =
      lossBehind(failure) !== null ||
      failure.repair.length > 0 ||
      isInconsistencyFailure(failure) ||
      failure.kind === 'not-found' ||
      failure.kind === 'forbidden' ||
      failure.kind === 'restricted';
    return !isFinal && clock.monotonic() < giveUpAt;
  };
}

/** Under the revision that was read before the proof: whoever takes the run over after that changes it. */
async function restoreOnce(plan: RollbackPlan, tools: RollbackTools): Promise<Result<void, PlatformFailure>> {
  const { platform } = tools;
  const { instance, lease, limits, restorePoint } = plan;
  const seen = await platform.getInstance(instance);
  if (!seen.ok) return seen;
  // Somebody has started it since.
  if (seen.value.status !== 'Stopped') {
    const stopped = await stop({ ...tools, lease }, instance, limits, false);
    return stopped.ok ? err({ ...restarted, purpose: `restore ${instance}` }) : stopped;
  }
  const { revision } = seen.value;
  const { restoreMs } = limits;
  const once = (): Promise<Result<void, PlatformFailure>> =>
    platform.restoreSnapshot(instance, restorePoint.name, { limitMs: restoreMs, revision });
  const tried = await underLease(tools, lease, 0, once, () => false);
  return tried.ok || lossBehind(tried.error) !== null ? tried : settled(tools, restoreMs, tried.error);
}

const restarted = {
  kind: 'busy',
  detail: 'It was started again meanwhile.',
  code: null,
  advice: '',
  operation: null,
  repair: [],
} as const;

/** A restore whose answer was lost may still go on: it is never started a second time over itself (F7). */
async function settled(
  tools: RollbackTools,
  limitMs: number,
  failure: PlatformFailure,
): Promise<Result<void, PlatformFailure>> {
  if (failure.operation === null) return err(failure);
  const end = await tools.platform.settle(failure.operation, { limitMs, purpose: failure.purpose });
  if (!end.ok) return end;
  switch (end.value.kind) {
    case 'succeeded':
      return ok(undefined);
    case 'failed':
      return err(end.value.failure);
    case 'gone':
      // A restarted daemon forgot the operation and its result is unknown, so it is repeated.
      return err({ ...failure, kind: 'connection-lost' });
  }
}

/** A full pool becomes usable: btrfs frees the replaced subvolume late (docs/internals/incus.md, Restore). */
function restoreIsWorthRepeating(failure: PlatformFailure): boolean {
  return (
    isTransient(failure) ||
    failure.kind === 'no-space' ||
    // Somebody changed the instance since it was read.
    (failure.kind === 'changed' && lossBehind(failure) === null)
  );
}

/** "Rolled back" is only reported if this is `well`. */
async function verifyAgain(plan: RollbackPlan, tools: RollbackTools): Promise<RollbackEnd> {
  const verdict = await inPhase(
    tools,
    'verify-again',
    () => verdictOfRestored(plan, tools),
    (verdict) => ({ ok: verdict.verdict === 'healthy', message: verdict.verdict }),
  );
  await tools.recorder.record({ type: 'verdict', verdict, afterRollback: true });
  return verdict.verdict === 'healthy' ? { end: 'well' } : { end: 'not-well', verdict };
}

async function verdictOfRestored(plan: RollbackPlan, tools: RollbackTools): Promise<Verdict> {
  const context = { platform: tools.platform, instance: plan.instance, clock: tools.clock };
  if (plan.baseline === null) return judgeAlone(await takeBaseline(context, { definitions: [], automatic: false }));
  const limits = { limitMs: plan.limits.verifyMs, soakMs: 0 };
  const { verdict, observations } = await watch(
    context,
    plan.baseline,
    { ...limits, restarted: true },
    (waitingFor, healthyForMs) =>
      void tools.recorder.show({ type: 'watch-progress', waitingFor, healthyForMs, ...limits }),
  );
  await tools.recorder.record({ type: 'watch-observed', observations });
  return verdict;
}

function familiesOf(baseline: Baseline | null): (4 | 6)[] {
  const addresses = baseline?.facts?.network?.addresses ?? [];
  return ([4, 6] as const).filter((family) => addresses.some((address) => address.family === family));
}

/** Its name in flight is guard's own business: a person knows the time. */
function timeOf({ createdAt }: RestorePoint): string {
  return `as of ${createdAt.slice(0, 19).replace('T', ' ')} UTC`;
}
