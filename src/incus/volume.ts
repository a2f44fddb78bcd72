import type { Result } from '../result.ts';
import type { Incus, Limit } from './client.ts';
import type { IncusFailure } from './failure.ts';

/** A custom storage volume. It is not part of an instance's snapshots. */
export interface Volume {
  readonly pool: string;
  readonly name: string;
  /** `filesystem`, `block` or `iso`. */
  readonly contentType: string;
  readonly config: Readonly<Record<string, string>>;
  /** API paths of all that use it, e.g. `/1.0/instances/web01?project=p`. */
  readonly usedBy: readonly string[];
  /** The names of the instances of this client's project among them; `others` says how many users are not. */
  readonly instances: readonly string[];
  readonly others: number;
}

/** A snapshot of a custom volume. */
export interface VolumeSnapshot {
  readonly name: string;
  /** RFC 3339, as the server writes it. */
  readonly createdAt: string;
  /** RFC 3339; null means never. */
  readonly expiresAt: string | null;
}

/** Reads a custom volume. */
export const getVolume = (incus: Incus, pool: string, volume: string): Promise<Result<Volume, IncusFailure>> =>
  notYet(incus, pool, volume);

/** Takes a snapshot of a custom volume (it may be in use) and reads it back. `expiresAt: null` means never. */
export const snapshotVolume = (
  incus: Incus,
  pool: string,
  volume: string,
  wanted: { readonly name: string; readonly expiresAt: Date | null },
  limit: Limit,
): Promise<Result<VolumeSnapshot, IncusFailure>> => notYet(incus, pool, volume, wanted, limit);

/** All snapshots of a custom volume, oldest first. */
export const listVolumeSnapshots = (
  incus: Incus,
  pool: string,
  volume: string,
): Promise<Result<VolumeSnapshot[], IncusFailure>> => notYet(incus, pool, volume);

/** Puts a custom volume back to its snapshot. Fails as `busy` while any running instance uses it. */
export const restoreVolume = (
  incus: Incus,
  pool: string,
  volume: string,
  snapshot: string,
  limit: Limit,
): Promise<Result<void, IncusFailure>> => notYet(incus, pool, volume, snapshot, limit);

/** Renames a snapshot of a custom volume. */
export const renameVolumeSnapshot = (
  incus: Incus,
  pool: string,
  volume: string,
  from: string,
  to: string,
  limit: Limit,
): Promise<Result<void, IncusFailure>> => notYet(incus, pool, volume, from, to, limit);

/** Sets when the server removes the volume's snapshot by itself; null means never. */
export const setVolumeSnapshotExpiry = (
  incus: Incus,
  pool: string,
  volume: string,
  snapshot: string,
  expiresAt: Date | null,
): Promise<Result<void, IncusFailure>> => notYet(incus, pool, volume, snapshot, expiresAt);

/** Removes one snapshot of a custom volume by its exact name. */
export const deleteVolumeSnapshot = (
  incus: Incus,
  pool: string,
  volume: string,
  snapshot: string,
  limit: Limit,
): Promise<Result<void, IncusFailure>> => notYet(incus, pool, volume, snapshot, limit);

const notYet = (..._all: unknown[]): never => {
  throw new Error('not written yet');
};
