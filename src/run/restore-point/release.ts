import type { VolumePoint } from '../../event.ts';
import { describeFailure, isTransient, platformFailure, type PlatformFailure } from '../../platform/failure.ts';
import type { Snapshot } from '../../platform/platform.ts';
import { err, ok, type Result } from '../../result.ts';
import { describeLoss, lossBehind, underLease, type LeaseHandle, type LeaseLoss } from '../lock/lease.ts';
import { removeMarker } from '../lock/marker-changes.ts';
import { repeatTransient, retryTransient } from '../../platform/retry.ts';
import type { Plan } from '../plan.ts';
import { inFlightName } from '../lock/in-flight.ts';
import type { RunTools } from '../tools.ts';
import { keepVolumePoints, removeVolumePoints } from './volumes.ts';

/** What to do with a restore point at the end of its run. `change`: whether the instance keeps the change of the run. */
export type Release = { readonly change?: 'kept' } &
  /** It gets its final name, and goes `expiresMs` milliseconds after the server made it; null for never. */
  ({ readonly keep: true; readonly name: string; readonly expiresMs: number | null } | { readonly keep: false });

/** A restore point in flight, and the right to release it. */
export interface ReleaseSubject {
  readonly instance: string;
  /** Over a remote a request may arrive at any later time. */
  readonly remote: string | null;
  readonly lease: LeaseHandle;
  /** The server's `created_at`: with it a snapshot under another name is known to be the same. */
  readonly createdAt: string;
  readonly volumes: readonly VolumePoint[];
  readonly limitMs: number;
}

type ReleaseTools = Pick<RunTools, 'platform' | 'clock' | 'recorder'>;

/**
 * Frees the lock: the restore point gets its final name, or is removed. Returns the name under which it is kept, or null.
 * Safe to repeat. Each request is sent under a proof of its own. A failure leaves it in flight for `guard recover`.
 */
export async function releaseRestorePoint(
  tools: ReleaseTools,
  subject: ReleaseSubject,
  release: Release,
): Promise<Result<string | null, PlatformFailure>> {
  const { instance, lease, limitMs, createdAt } = subject;
  const { run } = tools.recorder;
  // First, because without the marker the change counts as decided, whatever is killed afterwards.
  const unmarked = await removeMarker(tools, instance, { run, lease, kept: release.change === 'kept' }, limitMs);
  if (!unmarked.ok && lossBehind(unmarked.error) === 'gone') return unmarkedWithoutPoint(tools, subject, release);
  if (!unmarked.ok) return unmarked;
  const expiresAt = release.keep ? expiryOf(createdAt, release.expiresMs) : null;
  // The lock is released last.
  const freed = await underLease(
    tools,
    lease,
    limitMs,
    () =>
      release.keep
        ? keepVolumePoints(tools.platform, subject.volumes, { name: release.name, expiresAt }, limitMs)
        : removeVolumePoints(tools.platform, subject.volumes, limitMs),
    isTransient,
  );
  if (!freed.ok) return freed;
  if (!release.keep) return removed(tools, subject);
  const name = await renamed(tools, subject, release.name);
  if (name.ok) await setExpiry(tools, subject, name.value, expiresAt);
  return name;
}

/** By the server's own clock: the client's may be wrong by any amount. */
function expiryOf(createdAt: string, expiresMs: number | null): Date | null {
  return expiresMs === null ? null : new Date(Date.parse(createdAt) + expiresMs);
}

/** Somebody removed the restore point by hand. The marker, which is still this run's, has to go all the same. */
async function unmarkedWithoutPoint(
  tools: ReleaseTools,
  { instance, limitMs }: ReleaseSubject,
  release: Release,
): Promise<Result<null, PlatformFailure>> {
  const kept = release.change === 'kept';
  const unmarked = await removeMarker(tools, instance, { run: tools.recorder.run, lease: null, kept }, limitMs);
  if (!unmarked.ok) return unmarked;
  if (release.keep)
    await tools.recorder.record({
      type: 'notice',
      level: 'warning',
      message: `${describeLoss('gone')} The change cannot be rolled back.`,
    });
  return ok(null);
}

async function removed(tools: ReleaseTools, subject: ReleaseSubject): Promise<Result<null, PlatformFailure>> {
  const { instance, lease, limitMs } = subject;
  const { platform } = tools;
  const own = `guard-${tools.recorder.run}`;
  // A removal that is held up on its way must not meet the restore point of a later run.
  const name = subject.remote === null ? ok(inFlightName) : await renamed(tools, subject, own);
  if (!name.ok) return isMissing(name.error) ? ok(null) : name;
  const remove = (): Promise<Result<void, PlatformFailure>> =>
    platform.deleteSnapshot(instance, name.value, { limitMs });
  const deleted =
    name.value === inFlightName
      ? await underLease(tools, lease, limitMs, remove, isTransient)
      : await repeatTransient(tools.clock, limitMs, remove);
  await lease.stop();
  return deleted.ok || isMissing(deleted.error) ? ok(null) : deleted;
}

function isMissing(failure: PlatformFailure): boolean {
  return failure.kind === 'not-found' || lossBehind(failure) === 'gone';
}

async function renamed(
  tools: ReleaseTools,
  subject: ReleaseSubject,
  name: string,
): Promise<Result<string, PlatformFailure>> {
  const done = await renameOwn(tools, subject, name);
  const other = `guard-${tools.recorder.run}`;
  if (done.ok || done.error.kind !== 'name-taken' || name === other) return done;
  await tools.recorder.record({
    type: 'notice',
    level: 'warning',
    message: `The restore point could not be named "${name}" and is kept as "${other}". ${describeFailure(done.error)}`,
  });
  return renameOwn(tools, subject, other);
}

/** Gives it the name; where that was done already, or the answer was lost, the time of creation tells. */
async function renameOwn(
  tools: ReleaseTools,
  { instance, lease, createdAt, limitMs }: ReleaseSubject,
  name: string,
): Promise<Result<string, PlatformFailure>> {
  const { platform } = tools;
  const renamed = await underLease(
    tools,
    lease,
    limitMs,
    () => platform.renameSnapshot(instance, inFlightName, name, { limitMs }),
    isTransient,
  );
  if (renamed.ok || lossBehind(renamed.error) !== null || renamed.error.kind === 'not-found') {
    const there = await retryTransient(platform, limitMs).getSnapshot(instance, name);
    if (there.ok && there.value.createdAt === createdAt) {
      await lease.stop();
      return ok(name);
    }
    return renamed.ok ? err(notThere(name, instance)) : renamed;
  }
  return renamed;
}

function notThere(name: string, instance: string): PlatformFailure {
  return platformFailure('not-found', `rename the restore point of ${instance} to ${name}`, 'it is not there');
}

/** Under its final name nobody else works with it. Where this fails it stays for longer than it was to. */
async function setExpiry(
  { platform, clock, recorder }: ReleaseTools,
  { instance, createdAt, limitMs }: ReleaseSubject,
  name: string,
  expiresAt: Date | null,
): Promise<void> {
  const set = await repeatTransient(clock, Math.min(limitMs, expiryMs), async () => {
    const seen: Result<Snapshot, PlatformFailure> = await platform.getSnapshot(instance, name);
    if (!seen.ok) return seen;
    if (seen.value.createdAt !== createdAt) return ok(undefined);
    return platform.setSnapshotExpiry(instance, name, expiresAt, seen.value.revision);
  });
  if (!set.ok) await recorder.record({ type: 'notice', level: 'warning', message: describeFailure(set.error) });
}

const expiryMs = 60_000;

/** Releases, and records it. Where that fails the outcome stands, and `guard recover` frees the lock later. */
export async function release(
  plan: Pick<Plan, 'instance' | 'remote' | 'limits'>,
  tools: ReleaseTools,
  how: Release,
  point: Pick<ReleaseSubject, 'createdAt' | 'volumes' | 'lease'>,
): Promise<ReleaseEnd> {
  const { instance, remote, limits } = plan;
  const subject = { instance, remote, ...point, limitMs: limits.restoreMs };
  const released = await releaseRestorePoint(tools, subject, how);
  await point.lease.stop();
  if (released.ok) {
    await tools.recorder.record({ type: 'released', restorePoint: released.value });
    return { name: released.value, loss: null };
  }
  const loss = lossBehind(released.error);
  await tools.recorder.record({
    type: 'notice',
    level: 'warning',
    message:
      loss === null
        ? `The restore point is still in flight. Release it with \`guard recover\`. ${describeFailure(released.error)}`
        : describeLoss(loss),
  });
  return { name: null, loss: loss === 'gone' ? null : loss };
}

/** The name under which the restore point is kept, if it is; `loss`: the run is lost for good. */
export interface ReleaseEnd {
  readonly name: string | null;
  readonly loss: Exclude<LeaseLoss, 'gone'> | null;
}
