import { formatDuration } from '../../duration.ts';
import type { Outcome } from '../../event.ts';
import type { Instance, InstanceAddress, InstanceState, Platform, Pool, PoolSpace } from '../../platform/platform.ts';
import { err, ok, type Result } from '../../result.ts';
import { measureDisks, type DiskUsage } from './disk-usage.ts';
import { rootDisk, type Disks, type RootDisk } from './disks.ts';
import { refused } from '../refusal.ts';

/** Free space for a restore point and a rollback. */
export interface FreeSpace {
  /** The pool of the root disk; null where it cannot be looked at. */
  readonly pool: Pool | null;
  readonly copy: SnapshotCopy | null;
}

/** What a driver without snapshots copies file by file while the instance is frozen. */
export interface SnapshotCopy {
  readonly driver: string;
  /** Null if the usage could not be determined. */
  readonly bytes: number | null;
}

/** What needs space. */
export interface SpaceRequest {
  /** Of the instance, for printed commands. */
  readonly address: InstanceAddress;
  readonly instance: Instance;
  readonly disks: Disks;
}

const mebibyte = 1024 * 1024;

/** The minimum free space in a pool for a run, in bytes: Incus itself fails on a full pool (docs/internals/incus.md, Free space). */
const leastInPool = 64 * mebibyte;

/** The same for a limit of the instance: Incus writes a file into its volume at each step. */
const leastInLimit = 16 * mebibyte;

/** Checks the limit of the root disk and every pool that the restore point needs. Changes nothing. */
export async function findFreeSpace(platform: Platform, wanted: SpaceRequest): Promise<Result<FreeSpace, Outcome>> {
  const root = rootDisk(wanted.instance);
  if (root === null) return ok({ pool: null, copy: null });
  const dependent = wanted.instance.disks.filter((disk) => disk.kind === 'dependent-volume');
  const names = [...new Set([root, ...wanted.disks.own, ...dependent].map(({ pool }) => pool))];
  const found = await Promise.all(names.map((name) => inspectPool(platform, name)));
  const pools = found.flatMap((pool) => (pool === null ? [] : [pool]));
  const limit = isLimited(wanted.instance, root, pools)
    ? await limitOf(platform, wanted.instance.name, root.device)
    : null;
  const used = needsMeasure(wanted, root.pool, limit, pools)
    ? await measureDisks(platform, wanted.instance.name, wanted.disks)
    : null;
  const { commands } = platform;
  const withinLimit = requireSpaceInLimit(wanted, commands.resizeDisk(wanted.address, root.device), limit, used);
  if (!withinLimit.ok) return withinLimit;
  for (const pool of pools) {
    const enough = requireSpaceInPool(wanted, pool, commands.showPool(pool.name), used);
    if (!enough.ok) return enough;
  }
  return ok({
    pool: pools.find(({ name }) => name === root.pool) ?? null,
    copy: copyOf(wanted, pools, root.pool, used),
  });
}

/** A pool with its space; null if it is unknown. */
interface PoolWithSpace extends Pool {
  readonly space: PoolSpace | null;
}

/** A restricted user may not read pools. The server then refuses at the snapshot. */
async function inspectPool(platform: Platform, name: string): Promise<PoolWithSpace | null> {
  const [pool, space] = await Promise.all([platform.getPool(name), platform.getPoolSpace(name)]);
  return pool.ok ? { ...pool.value, space: space.ok ? space.value : null } : null;
}

/** The usage and limit of the root disk, in bytes. */
type DiskLimit = InstanceState['disks'][string];

/** The state of the instance is read only if needed, because this is the slowest request here. */
function isLimited(instance: Instance, root: RootDisk, pools: readonly Pool[]): boolean {
  return root.sizeBytes !== null || pools.some((pool) => pool.name === root.pool && pool.defaultDiskBytes !== null);
}

async function limitOf(platform: Platform, instance: string, device: string): Promise<DiskLimit | null> {
  const state = await platform.getInstanceState(instance);
  return state.ok ? (state.value.disks[device] ?? null) : null;
}

/** Where the server leaves out what snapshots share, nobody knows without a measurement how much of the limit is left. */
function needsMeasure(
  { instance }: SpaceRequest,
  root: string,
  limit: DiskLimit | null,
  pools: readonly Pool[],
): boolean {
  return (
    instance.status === 'Running' &&
    pools.some((pool) => pool.snapshotCopies || (limit !== null && pool.name === root && pool.usageLeavesOutShared))
  );
}

function requireSpaceInLimit(
  { instance }: SpaceRequest,
  resize: string,
  limit: DiskLimit | null,
  used: DiskUsage | null,
): Result<void, Outcome> {
  if (limit === null || limit.totalBytes <= 0) return ok(undefined);
  const usedBytes = Math.max(limit.usedBytes, used?.root ?? 0);
  if (limit.totalBytes - usedBytes >= leastInLimit) return ok(undefined);
  return err(
    refused(
      `The root disk of "${instance.name}" is limited to ${formatMiB(limit.totalBytes)}, of which ${formatMiB(usedBytes)} are used: not enough for a restore point and a rollback (at least ${formatMiB(leastInLimit)}).`,
      `Free some space inside, or raise the limit: \`${resize}\`.`,
    ),
  );
}

function requireSpaceInPool(
  wanted: SpaceRequest,
  pool: PoolWithSpace,
  showUsage: string,
  used: DiskUsage | null,
): Result<void, Outcome> {
  if (pool.space === null) return ok(undefined);
  const { totalBytes, usedBytes } = pool.space;
  const free = totalBytes - usedBytes;
  const need = neededIn(wanted, pool, used);
  if (free >= need.bytes) return ok(undefined);
  return err(
    refused(
      `Pool "${pool.name}" has ${formatMiB(free)} free of ${formatMiB(totalBytes)}: not enough for a restore point of "${wanted.instance.name}" and a rollback (${need.message}).`,
      `Free some space first; \`${showUsage}\` shows the usage.`,
    ),
  );
}

function neededIn(
  wanted: SpaceRequest,
  pool: Pool,
  used: DiskUsage | null,
): { readonly bytes: number; readonly message: string } {
  const least = { bytes: leastInPool, message: `at least ${formatMiB(leastInPool)}` };
  const root = rootDisk(wanted.instance);
  if (pool.snapshotCopies) {
    const bytes = copiedIn(wanted, pool, used);
    return bytes === null
      ? least
      : {
          bytes: bytes + leastInPool,
          message: `the driver ${pool.driver} copies ${formatMiB(bytes)}, and ${formatMiB(leastInPool)} have to stay`,
        };
  }
  const reserved = pool.name === root?.pool ? reservedBy(wanted.instance, pool) : 0;
  return reserved === 0
    ? least
    : {
        bytes: reserved,
        message: `without a thin pool a snapshot takes the size of the whole disk, ${formatMiB(reserved)}`,
      };
}

/** What the restore point copies into the pool; null if it is unknown. */
function copiedIn({ instance, disks }: SpaceRequest, pool: Pool, used: DiskUsage | null): number | null {
  if (used === null) return null;
  const root = rootDisk(instance)?.pool === pool.name ? used.root : 0;
  const volumes = disks.own
    .filter((volume) => volume.pool === pool.name)
    .map(({ device }) => used.volumes[device] ?? 0);
  return root === null ? null : volumes.reduce((sum, bytes) => sum + bytes, root);
}

function copyOf(
  wanted: SpaceRequest,
  pools: readonly Pool[],
  root: string,
  used: DiskUsage | null,
): SnapshotCopy | null {
  const pool = pools.find(({ name }) => name === root);
  if (pool === undefined || wanted.instance.status !== 'Running' || !pool.snapshotCopies) return null;
  return { driver: pool.driver, bytes: used?.root ?? null };
}

/** What a snapshot of the root disk reserves in the pool, in bytes. */
export function reservedBy(instance: Pick<Instance, 'disks'>, pool: Pool): number {
  if (!pool.snapshotReservesDisk) return 0;
  return rootDisk(instance)?.sizeBytes ?? pool.defaultDiskBytes ?? 0;
}

/** How long the instance will be frozen, in a sentence (docs/internals/incus.md, Storage drivers). */
export function describePause(
  instance: string,
  { driver, bytes }: SnapshotCopy,
  wanted: 'restore point' | 'rehearsal' = 'restore point',
): string {
  return bytes === null
    ? `The pool's driver, ${driver}, copies every file for the ${wanted}. ${instance} is frozen meanwhile.`
    : `The pool's driver, ${driver}, copies ${formatMiB(bytes)} for the ${wanted}. ${instance} is frozen meanwhile, at 150 MiB/s for about ${formatDuration(bytes / bytesAMs)}.`;
}

const bytesAMs = (150 * mebibyte) / 1000;

/** Bytes for a person, in whole mebibytes. */
export function formatMiB(bytes: number): string {
  return `${Math.max(0, Math.round(bytes / mebibyte))} MiB`;
}
