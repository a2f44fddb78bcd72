import type { Result } from '../result.ts';
import type { Incus } from './client.ts';
import type { IncusFailure } from './failure.ts';
import type { Devices, Instance } from './instance.ts';

/** A storage pool. */
export interface Pool {
  readonly name: string;
  /** `btrfs`, `dir`, `zfs`, `lvm`, `ceph`, … */
  readonly driver: string;
  readonly config: Readonly<Record<string, string>>;
}

/** Space of a pool, in bytes. */
export interface PoolSpace {
  readonly usedBytes: number;
  readonly totalBytes: number;
}

/** The device that holds the instance's root file system, with its pool; null when there is none. */
export const rootDisk = (
  instance: Pick<Instance, 'expandedDevices'>,
): { readonly device: string; readonly pool: string } | null => rootOf(instance.expandedDevices);

/** Reads a pool. */
export const getPool = (incus: Incus, name: string): Promise<Result<Pool, IncusFailure>> => notYet(incus, name);

/** How full the pool is. */
export const poolSpace = (incus: Incus, name: string): Promise<Result<PoolSpace, IncusFailure>> => notYet(incus, name);

const rootOf = (devices: Devices): { device: string; pool: string } | null => {
  for (const [device, keys] of Object.entries(devices))
    if (keys['type'] === 'disk' && keys['path'] === '/') return { device, pool: keys['pool'] ?? '' };
  return null;
};

const notYet = (..._all: unknown[]): never => {
  throw new Error('not written yet');
};
