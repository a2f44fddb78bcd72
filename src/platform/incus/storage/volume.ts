import { ok, type Result } from '../../../result.ts';
import { call, usualLimitMs, type Incus } from '../http/client.ts';
import { expiryOf, formatExpiry } from '../instances/expiry.ts';
import type { PlatformFailure } from '../../failure.ts';
import { listOf, objectOf, textOf } from '../http/json.ts';
import { operate } from '../http/operations.ts';
import type { Limit, Volume, VolumeSnapshot } from '../../platform.ts';

/** Reads a custom volume. */
export async function getVolume(incus: Incus, pool: string, volume: string): Promise<Result<Volume, PlatformFailure>> {
  const purpose = `read the volume ${volume} of the pool ${pool}`;
  const reply = await call(incus, { method: 'GET', path: pathOf(pool, volume), purpose });
  return reply.ok ? ok(volumeOf(reply.value.metadata, pool, incus.project)) : reply;
}

/** Takes a snapshot of a custom volume (it may be in use) and reads it back. `expiresAt: null` means never. */
export async function snapshotVolume(
  incus: Incus,
  pool: string,
  volume: string,
  wanted: { readonly name: string; readonly expiresAt: Date | null },
  limit: Limit,
): Promise<Result<VolumeSnapshot, PlatformFailure>> {
  const purpose = `take the snapshot ${wanted.name} of the volume ${volume}`;
  const path = [...pathOf(pool, volume), 'snapshots'];
  const body = { name: wanted.name, expires_at: formatExpiry(wanted.expiresAt) };
  const ended = await operate(incus, { method: 'POST', path, body, purpose, ...limit });
  if (!ended.ok) return ended;
  const reply = await call(incus, { method: 'GET', path: [...path, wanted.name], purpose });
  return reply.ok ? ok(snapshotOf(reply.value.metadata)) : reply;
}

/** All snapshots of a custom volume, oldest first. */
export async function listVolumeSnapshots(
  incus: Incus,
  pool: string,
  volume: string,
): Promise<Result<VolumeSnapshot[], PlatformFailure>> {
  const purpose = `list the snapshots of the volume ${volume}`;
  const path = [...pathOf(pool, volume), 'snapshots'];
  const reply = await call(incus, { method: 'GET', path, query: { recursion: '1' }, purpose });
  if (!reply.ok) return reply;
  const snapshots = listOf(reply.value.metadata).map(snapshotOf);
  return ok(snapshots.toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt)));
}

/** Puts a custom volume back to its snapshot. Fails as `busy` while any running instance uses it. */
export async function restoreVolume(
  incus: Incus,
  pool: string,
  volume: string,
  snapshot: string,
  limit: Limit,
): Promise<Result<void, PlatformFailure>> {
  const purpose = `restore the volume ${volume} to its snapshot ${snapshot}`;
  const request = { method: 'PUT', path: pathOf(pool, volume), body: { restore: snapshot } } as const;
  return withoutValue(await operate(incus, { ...request, purpose, ...limit }));
}

/** Renames a snapshot of a custom volume. */
export async function renameVolumeSnapshot(
  incus: Incus,
  pool: string,
  volume: string,
  from: string,
  to: string,
  limit: Limit,
): Promise<Result<void, PlatformFailure>> {
  const purpose = `rename the snapshot ${from} of the volume ${volume} to ${to}`;
  const path = [...pathOf(pool, volume), 'snapshots', from];
  return withoutValue(await operate(incus, { method: 'POST', path, body: { name: to }, purpose, ...limit }));
}

/** Sets when the server removes the volume's snapshot by itself; null means never. */
export async function setVolumeSnapshotExpiry(
  incus: Incus,
  pool: string,
  volume: string,
  snapshot: string,
  expiresAt: Date | null,
): Promise<Result<void, PlatformFailure>> {
  const purpose = `set the expiry of the snapshot ${snapshot} of the volume ${volume}`;
  const path = [...pathOf(pool, volume), 'snapshots', snapshot];
  const body = { expires_at: formatExpiry(expiresAt) };
  return withoutValue(await operate(incus, { method: 'PATCH', path, body, purpose, limitMs: usualLimitMs }));
}

/** Removes one snapshot of a custom volume by its exact name. */
export async function deleteVolumeSnapshot(
  incus: Incus,
  pool: string,
  volume: string,
  snapshot: string,
  limit: Limit,
): Promise<Result<void, PlatformFailure>> {
  const purpose = `remove the snapshot ${snapshot} of the volume ${volume}`;
  const removes = { kind: 'volume-snapshot', pool, volume, snapshot } as const;
  return withoutValue(await operate(incus, { removes, purpose, ...limit }));
}

function pathOf(pool: string, volume: string): string[] {
  return ['storage-pools', pool, 'volumes', 'custom', volume];
}

function withoutValue(ended: Result<unknown, PlatformFailure>): Result<void, PlatformFailure> {
  return ended.ok ? ok(undefined) : ended;
}

function volumeOf(json: unknown, pool: string, project: string): Volume {
  const volume = objectOf(json);
  const usedBy = listOf(volume['used_by']).map(textOf);
  const instances = usedBy.map((path) => instanceUsing(path, project)).filter((name) => name !== null);
  return {
    pool,
    name: textOf(volume['name']),
    instances,
    otherUsers: usedBy.length - instances.length,
  };
}

/** `/1.0/instances/web01?project=p` → `web01` when p is ours; profiles and instances of other projects are null. */
function instanceUsing(path: string, project: string): string | null {
  const [resource, query] = path.split('?', 2);
  const theirs = new URLSearchParams(query).get('project') ?? 'default';
  return theirs === project ? (/^\/1\.0\/instances\/([^/]+)$/.exec(resource ?? '')?.[1] ?? null) : null;
}

function snapshotOf(json: unknown): VolumeSnapshot {
  const snapshot = objectOf(json);
  return {
    name: textOf(snapshot['name']).split('/').at(-1) ?? '',
    createdAt: textOf(snapshot['created_at']),
    expiresAt: expiryOf(snapshot['expires_at']),
  };
}
