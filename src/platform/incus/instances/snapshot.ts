import { err, ok, type Result } from '../../../result.ts';
import { call, usualLimitMs, type Incus } from '../http/client.ts';
import { failureOf } from '../http/failure.ts';
import type { PlatformFailure } from '../../failure.ts';
import { configurationOf, metadataOf } from './config.ts';
import { listOf, numberOf, objectOf, textMapsOf, textOf, textsOf } from '../http/json.ts';
import { listOperations, operate } from '../http/operations.ts';
import { expiryOf, formatExpiry } from './expiry.ts';
import type { Limit, Snapshot } from '../../platform.ts';

/**
 * Takes a snapshot and reads it back: a success means that the server lists it. A name that exists is `name-taken`, also
 * when somebody else is taking it at this moment: the end of that is waited for.
 * `expiresAt: null` is sent as "never", so that `snapshots.expiry` of the instance does not apply.
 */
export async function createSnapshot(
  incus: Incus,
  instance: string,
  wanted: { readonly name: string; readonly expiresAt: Date | null },
  limit: Limit,
): Promise<Result<Snapshot, PlatformFailure>> {
  const purpose = `take the snapshot ${wanted.name} of ${instance}`;
  // An empty name would not be refused: the server would choose one.
  if (wanted.name === '') return err(failureOf('invalid', { purpose, project: incus.project }, 'it has no name'));
  const body = { name: wanted.name, expires_at: formatExpiry(wanted.expiresAt), stateful: false };
  const request = { method: 'POST', path: ['instances', instance, 'snapshots'], body, purpose, instance } as const;
  const ended = await retryWhileBusy(incus, limit, (limitMs) => operate(incus, { ...request, limitMs }));
  if (!ended.ok) return ended;
  const snapshot = await getSnapshot(incus, instance, wanted.name);
  return snapshot.ok || snapshot.error.kind !== 'not-found' ? snapshot : err({ ...snapshot.error, purpose });
}

/** All snapshots of the instance, oldest first. */
export async function listSnapshots(incus: Incus, instance: string): Promise<Result<Snapshot[], PlatformFailure>> {
  const reply = await call(incus, {
    method: 'GET',
    path: ['instances', instance, 'snapshots'],
    query: { recursion: '1' },
    purpose: `list the snapshots of ${instance}`,
    instance,
  });
  if (!reply.ok) return reply;
  const snapshots = listOf(reply.value.metadata).map((json) => snapshotOf(json, ''));
  return ok(snapshots.toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt)));
}

/** Reads one snapshot by its exact name. */
export async function getSnapshot(
  incus: Incus,
  instance: string,
  name: string,
): Promise<Result<Snapshot, PlatformFailure>> {
  const purpose = `read the snapshot ${name} of ${instance}`;
  const reply = await call(incus, { method: 'GET', path: pathOf(instance, name), purpose, instance });
  return reply.ok ? ok(snapshotOf(reply.value.metadata, reply.value.etag)) : reply;
}

/** Renames a snapshot; `createdAt` stays. A name that exists is `name-taken`. */
export async function renameSnapshot(
  incus: Incus,
  instance: string,
  from: string,
  to: string,
  limit: Limit,
): Promise<Result<void, PlatformFailure>> {
  const purpose = `rename the snapshot ${from} of ${instance} to ${to}`;
  const path = pathOf(instance, from);
  return withoutValue(await operate(incus, { method: 'POST', path, body: { name: to }, purpose, instance, ...limit }));
}

/**
 * Sets when the server removes the snapshot by itself; null means never. With a `revision`, only if the expiry is still the one
 * that was read with it; else the failure is `changed`.
 */
export async function setSnapshotExpiry(
  incus: Incus,
  instance: string,
  name: string,
  expiresAt: Date | null,
  revision?: string,
): Promise<Result<void, PlatformFailure>> {
  const purpose = `set the expiry of the snapshot ${name} of ${instance}`;
  const body = { expires_at: formatExpiry(expiresAt) };
  const path = pathOf(instance, name);
  const etagPart = revision === undefined ? {} : { etag: revision };
  const request = { method: 'PATCH', path, body, purpose, instance, ...etagPart } as const;
  return withoutValue(await operate(incus, { ...request, limitMs: usualLimitMs }));
}

/**
 * Removes one snapshot by its exact name. Refused as `busy` while a restore of the instance is under way: on the `dir`
 * driver that destroys the root file system, and the server has no lock between the two (a restore that somebody else
 * starts in the few milliseconds after guard looked is not seen).
 */
export async function deleteSnapshot(
  incus: Incus,
  instance: string,
  name: string,
  limit: Limit,
): Promise<Result<void, PlatformFailure>> {
  const purpose = `remove the snapshot ${name} of ${instance}`;
  const operations = await listOperations(incus);
  if (!operations.ok) return err({ ...operations.error, purpose });
  const restore = operations.value.find(
    (operation) =>
      operation.statusCode < 200 &&
      operation.instances.includes(instance) &&
      operation.description.startsWith('Restoring'),
  );
  if (restore) return err(failureOf('busy', { purpose, project: incus.project, instance }, 'a restore is in progress'));
  const removes = { kind: 'snapshot', instance, snapshot: name } as const;
  return withoutValue(await operate(incus, { removes, purpose, instance, ...limit }));
}

/**
 * Puts the instance back to the snapshot. A running instance is killed, restored and started again; a stopped one stays
 * stopped. After ANY failure the instance may be stopped: read its state again. With the `revision` of the instance, only if that
 * has not changed since; else the failure is `changed`.
 */
export async function restoreSnapshot(
  incus: Incus,
  instance: string,
  name: string,
  { revision, ...limit }: Limit & { readonly revision?: string },
): Promise<Result<void, PlatformFailure>> {
  const purpose = `restore ${instance} to the snapshot ${name}`;
  const etag = revision === undefined ? {} : { etag: revision };
  const request = { method: 'PUT', path: ['instances', instance], body: { restore: name }, ...etag } as const;
  return withoutValue(await operate(incus, { ...request, purpose, instance, ...limit }));
}

/** While a snapshot is taken or removed, or a key is written, others are refused as busy, before the server looks at their names. */
async function retryWhileBusy<T>(
  incus: Incus,
  limit: Limit,
  work: (limitMs: number) => Promise<Result<T, PlatformFailure>>,
): Promise<Result<T, PlatformFailure>> {
  const deadline = incus.clock.monotonic() + limit.limitMs;
  for (;;) {
    const ended = await work(deadline - incus.clock.monotonic());
    if (ended.ok || !/busy running a "(create|update|delete)"/.test(ended.error.detail)) return ended;
    // A try that has hardly any time left would only turn a certain end into an unknown one.
    if (deadline - incus.clock.monotonic() < 10 * pollMs) return ended;
    await incus.clock.sleep(pollMs);
  }
}

const pollMs = 50;

function pathOf(instance: string, name: string): string[] {
  return ['instances', instance, 'snapshots', name];
}

function withoutValue(ended: Result<unknown, PlatformFailure>): Result<void, PlatformFailure> {
  return ended.ok ? ok(undefined) : ended;
}

function snapshotOf(json: unknown, etag: string): Snapshot {
  const snapshot = objectOf(json);
  const config = textsOf(snapshot['config']);
  return {
    // Older servers write instance/snapshot.
    name: textOf(snapshot['name']).split('/').at(-1) ?? '',
    createdAt: textOf(snapshot['created_at']),
    expiresAt: expiryOf(snapshot['expires_at']),
    revision: etag,
    metadata: metadataOf(config),
    configuration: configurationOf(config, textMapsOf(snapshot['devices'])),
    wasRunning: config['volatile.last_state.power'] === 'RUNNING',
    sizeBytes: sizeOf(snapshot['size']),
  };
}

/** Incus writes -1 if the driver does not know the size; LXD leaves it out. */
function sizeOf(value: unknown): number | null {
  const bytes = numberOf(value);
  return bytes > 0 ? bytes : null;
}
