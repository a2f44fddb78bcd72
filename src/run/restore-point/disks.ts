import type { Incus } from '../../incus/client.ts';
import type { Instance } from '../../incus/instance.ts';
import { getVolume } from '../../incus/volume.ts';

/** What the instance's disks are, beside its root: its own snapshot covers none of them. */
export interface Disks {
  /** Custom volumes that nobody else uses: they get a snapshot with the instance's, and go back with it. */
  readonly own: readonly OwnVolume[];
  /** What no restore point covers. */
  readonly uncovered: readonly UncoveredDisk[];
}

export interface OwnVolume {
  readonly device: string;
  readonly pool: string;
  readonly volume: string;
  /** Where it is inside. */
  readonly path: string;
}

export interface UncoveredDisk {
  readonly device: string;
  /** Where it is inside. */
  readonly path: string;
  /** Why it is not covered, e.g. `a folder of the host (/srv/data)`. */
  readonly message: string;
}

/** Sorts the disks of an instance, profiles included. A volume that cannot be looked at is not covered. */
export async function classifyDisks(
  incus: Incus,
  instance: Pick<Instance, 'name' | 'expandedDevices'>,
): Promise<Disks> {
  const disks = Object.entries(instance.expandedDevices).filter(
    ([, keys]) => keys['type'] === 'disk' && keys['path'] !== '/',
  );
  const sorted = await Promise.all(disks.map(([device, keys]) => classify(incus, instance.name, device, keys)));
  return {
    own: sorted.flatMap((disk) => (disk !== null && 'volume' in disk ? [disk] : [])),
    uncovered: sorted.flatMap((disk) => (disk !== null && 'message' in disk ? [disk] : [])),
  };
}

/** Null for what holds no data of its own: Incus makes the drive of cloud-init anew at each start. */
async function classify(
  incus: Incus,
  instance: string,
  device: string,
  keys: Readonly<Record<string, string>>,
): Promise<OwnVolume | UncoveredDisk | null> {
  const source = keys['source'] ?? '';
  const path = keys['path'] ?? device;
  if (/^(cloud-init|agent):/.test(source)) return null;
  const pool = keys['pool'];
  if (pool === undefined) {
    const message = source.startsWith('/') ? `a folder of the host (${source})` : `outside of Incus' pools (${source})`;
    return { device, path, message };
  }
  // A part of a volume is written `volume/folder`.
  const [volume = ''] = source.split('/');
  const found = await getVolume(incus, pool, volume);
  if (!found.ok) return { device, path, message: `volume ${volume} of pool ${pool}, which cannot be looked at` };
  const isOwn = found.value.others === 0 && found.value.instances.every((name) => name === instance);
  if (isOwn) return { device, pool, volume, path };
  return { device, path, message: `volume ${volume} of pool ${pool}, which others use as well` };
}
