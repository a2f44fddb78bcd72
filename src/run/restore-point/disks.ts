import type { PlatformFailure, PlatformFailureKind } from '../../platform/failure.ts';
import type { Disk, Instance, Platform } from '../../platform/platform.ts';
import { ok, type Result } from '../../result.ts';

/** The disks that the snapshot of the instance does not contain. */
export interface Disks {
  /** Custom volumes that only this instance uses. guard takes snapshots of them and restores them with the instance. */
  readonly own: readonly OwnVolume[];
  /** Disks that the restore point does not cover. */
  readonly uncovered: readonly UncoveredDisk[];
}

export interface OwnVolume {
  readonly device: string;
  readonly pool: string;
  readonly volume: string;
  /** The path in the instance. */
  readonly path: string;
}

export interface UncoveredDisk {
  readonly device: string;
  /** The path in the instance. */
  readonly path: string;
  /** Why it is not covered, e.g. `a folder of the host (/srv/data)`. */
  readonly message: string;
}

/**
 * Sorts the disks of an instance, profiles included. A volume that this user may not inspect is not covered. Where the
 * server did not answer nothing is known of it: a rollback would leave it behind, so that is a failure.
 */
export async function classifyDisks(
  platform: Platform,
  { name, disks }: Pick<Instance, 'name' | 'disks'>,
): Promise<Result<Disks, PlatformFailure>> {
  const all = await Promise.all(disks.map((disk) => classify(platform, name, disk)));
  const failed = all.find((result) => !result.ok);
  if (failed !== undefined) return failed;
  const sorted = all.flatMap((result) => (result.ok ? [result.value] : []));
  return ok({
    own: sorted.flatMap((disk) => (disk !== null && 'volume' in disk ? [disk] : [])),
    uncovered: sorted.flatMap((disk) => (disk !== null && 'message' in disk ? [disk] : [])),
  });
}

/** Failures that stay: the user may not see the volume, or it is gone. */
const uninspectable: ReadonlySet<PlatformFailureKind> = new Set(['forbidden', 'restricted', 'not-found', 'invalid']);

/** Null for what the snapshot of the instance covers, and for what has nothing to restore. */
async function classify(
  platform: Platform,
  instance: string,
  disk: Disk,
): Promise<Result<OwnVolume | UncoveredDisk | null, PlatformFailure>> {
  const { device, path } = disk;
  switch (disk.kind) {
    case 'root':
    case 'dependent-volume':
    case 'memory':
      return ok(null);
    case 'host-path':
      return ok({ device, path, message: `a folder of the host (${disk.source})` });
    case 'other':
      return ok({ device, path, message: `outside of the server's pools (${disk.source})` });
    case 'volume': {
      const { pool, volume } = disk;
      const found = await platform.getVolume(pool, volume);
      if (!found.ok && !uninspectable.has(found.error.kind)) return found;
      if (!found.ok)
        return ok({ device, path, message: `volume ${volume} of pool ${pool}, which cannot be inspected` });
      const isOwn = found.value.otherUsers === 0 && found.value.instances.every((name) => name === instance);
      if (isOwn) return ok({ device, pool, volume, path });
      return ok({ device, path, message: `volume ${volume} of pool ${pool}, which other instances use` });
    }
  }
}

/** The disk that holds the instance's root file system; null where there is none. */
export function rootDisk({ disks }: Pick<Instance, 'disks'>): RootDisk | null {
  return disks.find((disk): disk is RootDisk => disk.kind === 'root') ?? null;
}

export type RootDisk = Extract<Disk, { kind: 'root' }>;
