import type { Disk, Instance, Platform } from '../../platform/platform.ts';

/** The disks of the instance except its root disk. The snapshot of the instance does not contain them. */
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

/** Sorts the disks of an instance, profiles included. A volume that cannot be inspected is not covered. */
export async function classifyDisks(
  platform: Platform,
  { name, disks }: Pick<Instance, 'name' | 'disks'>,
): Promise<Disks> {
  const sorted = await Promise.all(disks.map((disk) => classify(platform, name, disk)));
  return {
    own: sorted.flatMap((disk) => (disk !== null && 'volume' in disk ? [disk] : [])),
    uncovered: sorted.flatMap((disk) => (disk !== null && 'message' in disk ? [disk] : [])),
  };
}

/** Null for the root disk. */
async function classify(platform: Platform, instance: string, disk: Disk): Promise<OwnVolume | UncoveredDisk | null> {
  const { device, path } = disk;
  switch (disk.kind) {
    case 'root':
      return null;
    case 'host-path':
      return { device, path, message: `a folder of the host (${disk.source})` };
    case 'other':
      return { device, path, message: `outside of the server's pools (${disk.source})` };
    case 'volume': {
      const { pool, volume } = disk;
      const found = await platform.getVolume(pool, volume);
      if (!found.ok) return { device, path, message: `volume ${volume} of pool ${pool}, which cannot be inspected` };
      const isOwn = found.value.otherUsers === 0 && found.value.instances.every((name) => name === instance);
      if (isOwn) return { device, pool, volume, path };
      return { device, path, message: `volume ${volume} of pool ${pool}, which other instances use` };
    }
  }
}

/** The disk that holds the instance's root file system; null where there is none. */
export function rootDisk({ disks }: Pick<Instance, 'disks'>): RootDisk | null {
  return disks.find((disk): disk is RootDisk => disk.kind === 'root') ?? null;
}

export type RootDisk = Extract<Disk, { kind: 'root' }>;
