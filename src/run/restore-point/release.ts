import type { VolumePoint } from '../../event.ts';
import { type PlatformFailure, describeFailure } from '../../platform/failure.ts';
import { ok, type Result } from '../../result.ts';
import { lostLockMessage, type HeldLease } from '../lock/lease.ts';
import { removeMarker } from '../lock/marker.ts';
import type { Platform } from '../../platform/platform.ts';
import { retryTransient } from '../../platform/retry.ts';
import type { Plan } from '../plan.ts';
import { inFlightName } from '../lock/in-flight.ts';
import type { RunTools } from '../tools.ts';
import { keepVolumePoints, removeVolumePoints } from './volumes.ts';

/** What to do with a restore point at the end of its run. */
export type Release =
  /** It gets its final name; `expiresAt` null means never. */
  { readonly keep: true; readonly name: string; readonly expiresAt: Date | null } | { readonly keep: false };

/**
 * Releases the lock: the restore point gets its final name or is removed. Returns the final name, or null.
 * Safe to repeat. A failure leaves it in flight for `guard recover`.
 */
export async function releaseRestorePoint(
  tools: Pick<RunTools, 'platform' | 'clock' | 'recorder'>,
  instance: string,
  release: Release,
  volumes: readonly VolumePoint[],
  limitMs: number,
): Promise<Result<string | null, PlatformFailure>> {
  const platform = retryTransient(tools.platform, limitMs);
  // First, because without the marker the change counts as decided, whatever is killed afterwards.
  const unmarked = await removeMarker(platform, instance);
  if (!unmarked.ok) return unmarked;
  // The lock is released last.
  const freed = await (release.keep
    ? keepVolumePoints(platform, volumes, release, limitMs)
    : removeVolumePoints(platform, volumes, limitMs));
  if (!freed.ok) return freed;
  if (!release.keep) return removed(platform, instance, limitMs);
  const expiry = await platform.setSnapshotExpiry(instance, inFlightName, release.expiresAt);
  if (!expiry.ok) return expiry.error.kind === 'not-found' ? ok(release.name) : expiry;
  return renamed({ platform, recorder: tools.recorder }, instance, release.name, limitMs);
}

async function removed(platform: Platform, instance: string, limitMs: number): Promise<Result<null, PlatformFailure>> {
  const deleted = await platform.deleteSnapshot(instance, inFlightName, { limitMs });
  return deleted.ok || deleted.error.kind === 'not-found' ? ok(null) : deleted;
}

async function renamed(
  { platform, recorder }: Pick<RunTools, 'platform' | 'recorder'>,
  instance: string,
  name: string,
  limitMs: number,
): Promise<Result<string, PlatformFailure>> {
  const rename = (to: string) => platform.renameSnapshot(instance, inFlightName, to, { limitMs });
  const done = await rename(name);
  if (done.ok) return ok(name);
  // A repetition after a lost answer: it may already have its name, or only its data if the daemon was killed.
  if (done.error.kind === 'not-found') return (await platform.getSnapshot(instance, inFlightName)).ok ? done : ok(name);
  const other = `guard-${recorder.run}`;
  if (name === other) return done;
  await recorder.record({
    type: 'notice',
    level: 'warning',
    message: `The restore point could not be named "${name}" and is kept as "${other}". ${describeFailure(done.error)}`,
  });
  const second = await rename(other);
  return second.ok ? ok(other) : second;
}

/** Releases and records it. If that fails the outcome stays, and `guard recover` releases the lock later. */
export async function release(
  plan: Pick<Plan, 'instance' | 'limits'>,
  tools: Pick<RunTools, 'platform' | 'clock' | 'recorder'>,
  how: Release,
  volumes: readonly VolumePoint[],
  lease: HeldLease | null,
): Promise<string | null> {
  // A later renewal would overwrite the expiry of the kept restore point.
  await lease?.stop();
  if (await lease?.isLost()) {
    await tools.recorder.record({ type: 'notice', level: 'warning', message: lostLockMessage });
    return null;
  }
  const released = await releaseRestorePoint(tools, plan.instance, how, volumes, plan.limits.restoreMs);
  if (released.ok) {
    await tools.recorder.record({ type: 'released', restorePoint: released.value });
    return released.value;
  }
  await tools.recorder.record({
    type: 'notice',
    level: 'warning',
    message: `The restore point is still in flight. Release it with \`guard recover\`. ${describeFailure(released.error)}`,
  });
  return null;
}
