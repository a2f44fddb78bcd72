import type { Result } from '../result.ts';
import type { Incus, Limit } from './client.ts';
import type { IncusFailure } from './failure.ts';
import type { Devices } from './instance.ts';

/** A snapshot of an instance. */
export interface Snapshot {
  readonly name: string;
  /** RFC 3339, as the server writes it. With the name it identifies the exact snapshot. */
  readonly createdAt: string;
  /** RFC 3339; null means never. */
  readonly expiresAt: string | null;
  readonly stateful: boolean;
  /** Local config at the time of the snapshot, `volatile.*` included. */
  readonly config: Readonly<Record<string, string>>;
  readonly devices: Devices;
  readonly expandedDevices: Devices;
}

/**
 * Takes a snapshot and reads it back: a success means that the server lists it. A name that exists is `name-taken`.
 * `expiresAt: null` is sent as "never", so that `snapshots.expiry` of the instance does not apply.
 */
export const createSnapshot = (
  incus: Incus,
  instance: string,
  wanted: { readonly name: string; readonly expiresAt: Date | null },
  limit: Limit,
): Promise<Result<Snapshot, IncusFailure>> => notYet(incus, instance, wanted, limit);

/** All snapshots of the instance, oldest first. */
export const listSnapshots = (incus: Incus, instance: string): Promise<Result<Snapshot[], IncusFailure>> =>
  notYet(incus, instance);

/** Reads one snapshot by its exact name. */
export const getSnapshot = (incus: Incus, instance: string, name: string): Promise<Result<Snapshot, IncusFailure>> =>
  notYet(incus, instance, name);

/** Renames a snapshot; `createdAt` stays. A name that exists is `name-taken`. */
export const renameSnapshot = (
  incus: Incus,
  instance: string,
  from: string,
  to: string,
  limit: Limit,
): Promise<Result<void, IncusFailure>> => notYet(incus, instance, from, to, limit);

/** Sets when the server removes the snapshot by itself; null means never. */
export const setSnapshotExpiry = (
  incus: Incus,
  instance: string,
  name: string,
  expiresAt: Date | null,
): Promise<Result<void, IncusFailure>> => notYet(incus, instance, name, expiresAt);

/**
 * Removes one snapshot by its exact name. Refused as `busy` while a restore of the instance is under way: on the `dir`
 * driver that destroys the root file system, and the server has no lock between the two.
 */
export const deleteSnapshot = (
  incus: Incus,
  instance: string,
  name: string,
  limit: Limit,
): Promise<Result<void, IncusFailure>> => notYet(incus, instance, name, limit);

/**
 * Puts the instance back to the snapshot. A running instance is killed, restored and started again; a stopped one stays
 * stopped. After ANY failure the instance may be stopped: read its state again.
 */
export const restoreSnapshot = (
  incus: Incus,
  instance: string,
  name: string,
  limit: Limit,
): Promise<Result<void, IncusFailure>> => notYet(incus, instance, name, limit);

const notYet = (..._all: unknown[]): never => {
  throw new Error('not written yet');
};
