import type { VolumePoint } from '../../event.ts';
import type { Platform } from '../../platform/platform.ts';
import type { PlatformFailure } from '../../platform/failure.ts';
import { err, ok, type Result } from '../../result.ts';
import type { OwnVolume } from './disks.ts';

/**
 * Takes a snapshot of every volume, or of none: if one fails, the others are removed. Only called while the
 * run holds the lock, so an existing snapshot of this name was left by an interrupted run.
 */
export async function takeVolumePoints(
  platform: Platform,
  volumes: readonly OwnVolume[],
  name: string,
  limitMs: number,
): Promise<Result<VolumePoint[], PlatformFailure>> {
  const taken: VolumePoint[] = [];
  for (const { pool, volume } of volumes) {
    const point = await takeAfresh(platform, { pool, volume }, name, limitMs);
    if (!point.ok) {
      // It may be there all the same, where the answer was lost.
      await settle(platform, point.error, limitMs);
      await removeVolumePoints(platform, [...taken, { pool, volume, snapshot: name }], limitMs);
      return point;
    }
    taken.push(point.value);
  }
  return ok(taken);
}

/** Waits for the end of what may still go on. */
async function settle(platform: Platform, { operation, purpose }: PlatformFailure, limitMs: number): Promise<void> {
  if (operation !== null) await platform.settle(operation, { purpose, limitMs });
}

async function takeAfresh(
  platform: Platform,
  { pool, volume }: { readonly pool: string; readonly volume: string },
  name: string,
  limitMs: number,
): Promise<Result<VolumePoint, PlatformFailure>> {
  const take = () => platform.snapshotVolume(pool, volume, { name, expiresAt: null }, { limitMs });
  let taken = await take();
  if (!taken.ok && taken.error.kind === 'name-taken') {
    await platform.deleteVolumeSnapshot(pool, volume, name, { limitMs });
    taken = await take();
  }
  return taken.ok ? ok({ pool, volume, snapshot: name, createdAt: taken.value.createdAt }) : taken;
}

/** The existing snapshots of this name, left by an interrupted run. */
export async function findVolumePoints(
  platform: Platform,
  volumes: readonly OwnVolume[],
  name: string,
): Promise<Result<VolumePoint[], PlatformFailure>> {
  const found: VolumePoint[] = [];
  for (const { pool, volume } of volumes) {
    const snapshots = await platform.listVolumeSnapshots(pool, volume);
    if (!snapshots.ok) return snapshots;
    const point = snapshots.value.find((snapshot) => snapshot.name === name);
    if (point !== undefined) found.push({ pool, volume, snapshot: name, createdAt: point.createdAt });
  }
  return ok(found);
}

/** Restores the volumes one after another. The instance must be stopped. Can be repeated. */
export async function restoreVolumePoints(
  platform: Platform,
  points: readonly VolumePoint[],
  limitMs: number,
): Promise<Result<void, PlatformFailure>> {
  for (const { pool, volume, snapshot } of points) {
    const restored = await platform.restoreVolume(pool, volume, snapshot, { limitMs });
    if (!restored.ok) return restored;
  }
  return ok(undefined);
}

/** Gives the snapshots of the volumes their final name and expiry. A missing or renamed one is not a failure. */
export async function keepVolumePoints(
  platform: Platform,
  points: readonly VolumePoint[],
  to: { readonly name: string; readonly expiresAt: Date | null },
  limitMs: number,
): Promise<Result<void, PlatformFailure>> {
  for (const { pool, volume, snapshot } of points) {
    const expiry = await platform.setVolumeSnapshotExpiry(pool, volume, snapshot, to.expiresAt);
    const renamed = expiry.ok
      ? await platform.renameVolumeSnapshot(pool, volume, snapshot, to.name, { limitMs })
      : expiry;
    if (!renamed.ok && renamed.error.kind !== 'not-found') return renamed;
  }
  return ok(undefined);
}

/** Removes the volumes' snapshots by their exact names; one that cannot be removed does not stop the rest (F16). */
export async function removeVolumePoints(
  platform: Platform,
  points: readonly Omit<VolumePoint, 'createdAt'>[],
  limitMs: number,
): Promise<Result<void, PlatformFailure>> {
  let failure: PlatformFailure | null = null;
  for (const { pool, volume, snapshot } of points) {
    const removed = await platform.deleteVolumeSnapshot(pool, volume, snapshot, { limitMs });
    if (!removed.ok && removed.error.kind !== 'not-found') failure ??= removed.error;
  }
  return failure === null ? ok(undefined) : err(failure);
}
