import { Readable } from 'node:stream';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { boundedText } from '../../src/platform/bounded-text.ts';
import type { PlatformFailure } from '../../src/platform/failure.ts';
import type { InstanceEvent, Platform } from '../../src/platform/platform.ts';
import type { Result } from '../../src/result.ts';

/** A server with one running instance that the tests may do anything to. */
export interface Subject {
  readonly platform: Platform;
  readonly instance: string;
  /** A custom volume that is attached to the instance. */
  readonly volume: { readonly pool: string; readonly name: string };
  /** Whether the server gives instances a generation. Where it does not, followers alone are told of a restore. */
  readonly hasGenerations: boolean;
  readonly close: () => Promise<void>;
}

/** What the port promises: every platform has to show it. */
export function describeConformance(
  name: string,
  start: () => Promise<Subject>,
  has: { readonly volumesAndEvents: boolean } = { volumesAndEvents: true },
): void {
  describe(`${name} keeps the promises of the port`, () => {
    let subject: Subject;
    let platform: Platform;
    let instance: string;

    beforeAll(async () => {
      subject = await start();
      instance = subject.instance;
      platform = subject.platform;
    });
    afterAll(() => subject.close());

    it('knows its instances, and reports one that it does not know', async () => {
      expect(value(await platform.listInstanceNames())).toContain(instance);
      const known = value(await platform.getInstance(instance));
      expect(known).toMatchObject({ name: instance, status: 'Running', type: 'container', ephemeral: false });
      expect(known.revision).not.toBe('');
      expect(known.generation !== null).toBe(subject.hasGenerations);
      expect(known.uuid).toMatch(/./);
      expect(known.disks.find(({ kind }) => kind === 'root')).toMatchObject({ path: '/' });
      const listed = value(await platform.listInstances()).find((one) => one.name === instance);
      expect(listed).toEqual({ ...known, revision: '' });
      const unknown = failure(await platform.getInstance('no-such-instance'));
      expect(unknown).toMatchObject({ kind: 'not-found', code: 404, operation: null });
      expect(unknown.detail).toContain('Instance not found');
    });

    it('tells the instance from every other one, also after a restore, and the server from others', async () => {
      const before = value(await platform.getInstance(instance));
      expect(before.uuid).toMatch(/./);
      expect(Date.parse(before.createdAt ?? '')).toBeLessThanOrEqual(Date.now() + 60_000);
      value(await platform.createSnapshot(instance, { name: 'identity', expiresAt: null }, limit));
      value(await platform.restoreSnapshot(instance, 'identity', limit));
      value(await platform.deleteSnapshot(instance, 'identity', limit));
      value(await platform.startInstance(instance, limit));
      const { uuid, createdAt } = value(await platform.getInstance(instance));
      expect({ uuid, createdAt }).toEqual({ uuid: before.uuid, createdAt: before.createdAt });
      const server = value(await platform.identifyServer());
      expect(server).toMatchObject({ id: await platform.serverId(), version: expect.stringMatching(/^\d+\.\d+/) });
      expect(server.id).toMatch(/./);
      expect(await platform.inProject(platform.project).serverId()).toBe(await platform.serverId());
    });

    it('reports the pool of the root disk, and its space', async () => {
      const root = value(await platform.getInstance(instance)).disks.find(({ kind }) => kind === 'root');
      const pool = root?.kind === 'root' ? root.pool : '';
      expect(value(await platform.getPool(pool))).toMatchObject({ name: pool });
      const { usedBytes, totalBytes } = value(await platform.getPoolSpace(pool));
      expect(usedBytes).toBeLessThan(totalBytes);
      expect(failure(await platform.getPool('no-such-pool')).kind).toBe('not-found');
    });

    it('describes the server, with all pools', async () => {
      const { version, allowsSnapshots, pools } = value(await platform.describeServer());
      expect(version).toMatch(/^\d+\.\d+/);
      expect(allowsSnapshots).toBe(true);
      const root = value(await platform.getInstance(instance)).disks.find(({ kind }) => kind === 'root');
      const pool = root?.kind === 'root' ? root.pool : '';
      expect(pools?.find(({ name }) => name === pool)).toMatchObject(value(await platform.getPool(pool)));
    });

    it('reports the state of a running instance', async () => {
      expect(value(await platform.getInstanceState(instance)).status).toBe('Running');
      expect(failure(await platform.getInstanceState('no-such-instance')).kind).toBe('not-found');
    });

    it('takes, lists, renames, expires and removes snapshots', async () => {
      const taken = value(await platform.createSnapshot(instance, { name: 'k1', expiresAt: null }, limit));
      expect(taken).toMatchObject({ name: 'k1', expiresAt: null, wasRunning: true });
      expect(value(await platform.getSnapshot(instance, 'k1'))).toEqual(taken);
      expect(names(await platform.listSnapshots(instance))).toContain('k1');

      value(await platform.renameSnapshot(instance, 'k1', 'k2', limit));
      expect(failure(await platform.getSnapshot(instance, 'k1'))).toMatchObject({ kind: 'not-found', code: 404 });
      expect(value(await platform.getSnapshot(instance, 'k2')).createdAt).toBe(taken.createdAt);

      const expiry = new Date(Date.now() + 86_400_000);
      value(await platform.setSnapshotExpiry(instance, 'k2', expiry));
      const expiring = value(await platform.getSnapshot(instance, 'k2'));
      expect(Math.abs(Date.parse(expiring.expiresAt ?? '') - expiry.getTime())).toBeLessThan(1000);

      value(await platform.deleteSnapshot(instance, 'k2', limit));
      expect(names(await platform.listSnapshots(instance))).not.toContain('k2');
      expect(failure(await platform.deleteSnapshot(instance, 'k2', limit)).kind).toBe('not-found');
      expect(failure(await platform.renameSnapshot(instance, 'k2', 'k3', limit)).kind).toBe('not-found');
      expect(failure(await platform.setSnapshotExpiry(instance, 'k2', null)).kind).toBe('not-found');
    });

    it('lists snapshots oldest first, and finds nothing inconsistent among them', async () => {
      for (const name of ['first', 'second', 'third'])
        value(await platform.createSnapshot(instance, { name, expiresAt: null }, limit));
      expect(names(await platform.listSnapshots(instance)).slice(-3)).toEqual(['first', 'second', 'third']);
      const known = value(await platform.getInstance(instance));
      expect(await platform.findInconsistentSnapshots(known)).toEqual({ empty: [], nameless: [] });
      for (const name of ['first', 'second', 'third']) value(await platform.deleteSnapshot(instance, name, limit));
    });

    it('admits a name of a snapshot once', async () => {
      value(await platform.createSnapshot(instance, { name: 'once', expiresAt: null }, limit));
      value(await platform.createSnapshot(instance, { name: 'other', expiresAt: null }, limit));
      const again = await platform.createSnapshot(instance, { name: 'once', expiresAt: null }, limit);
      expect(failure(again)).toMatchObject({ kind: 'name-taken', operation: null });
      expect(failure(await platform.renameSnapshot(instance, 'other', 'once', limit)).kind).toBe('name-taken');
      value(await platform.deleteSnapshot(instance, 'once', limit));
      value(await platform.deleteSnapshot(instance, 'other', limit));
    });

    it('admits a name of a snapshot once, also at the same moment', async () => {
      const taken = await Promise.all(
        [1, 2, 3].map(() => platform.createSnapshot(instance, { name: 'race', expiresAt: null }, limit)),
      );
      expect(taken.filter(({ ok }) => ok)).toHaveLength(1);
      expect(taken.flatMap((one) => (one.ok ? [] : [one.error.kind]))).toEqual(['name-taken', 'name-taken']);
      value(await platform.deleteSnapshot(instance, 'race', limit));
    });

    it('compares the revision of a snapshot before it changes its expiry', async () => {
      const first = new Date(Date.UTC(2200, 0, 1));
      const { revision } = value(await platform.createSnapshot(instance, { name: 'lease', expiresAt: first }, limit));
      const second = new Date(first.getTime() + 1);
      value(await platform.setSnapshotExpiry(instance, 'lease', second, revision));
      const refused = failure(await platform.setSnapshotExpiry(instance, 'lease', first, revision));
      expect(refused.kind).toBe('changed');
      expect(Date.parse(value(await platform.getSnapshot(instance, 'lease')).expiresAt ?? '')).toBe(second.getTime());
      value(await platform.deleteSnapshot(instance, 'lease', limit));
    });

    it('reports that a snapshot to restore does not exist, and leaves the instance as it is', async () => {
      const before = value(await platform.getInstance(instance));
      const missing = failure(await platform.restoreSnapshot(instance, 'no-such-snapshot', limit));
      expect(missing.kind).toBe('not-found');
      expect(missing.detail).toContain('does not exist');
      expect(value(await platform.getInstance(instance))).toMatchObject({
        status: 'Running',
        generation: before.generation,
      });
    });

    it('keeps the description where only the metadata are changed', async () => {
      value(await platform.patchInstance(instance, { description: 'name servers' }));
      value(await platform.patchInstance(instance, { metadata: { any: 'thing' } }));
      expect(value(await platform.getInstance(instance)).description).toBe('name servers');
      value(await platform.patchInstance(instance, { metadata: { any: '' }, description: '' }));
      expect(value(await platform.getInstance(instance)).description).toBe('');
    });

    it('takes back in a restore what was changed after the snapshot, and has a new generation where there are any', async () => {
      const path = '/root/after the snapshot';
      value(await platform.patchInstance(instance, { metadata: { before: 'kept' } }));
      value(await platform.createSnapshot(instance, { name: 'back', expiresAt: null }, limit));
      value(await platform.patchInstance(instance, { metadata: { after: 'lost', before: 'changed' } }));
      value(await platform.pushFile(instance, path, 'new', limit));
      const before = value(await platform.getInstance(instance));
      value(await platform.restoreSnapshot(instance, 'back', limit));
      const after = value(await platform.getInstance(instance));
      expect(after.metadata).toMatchObject({ before: 'kept' });
      expect(after.metadata).not.toHaveProperty('after');
      expect(after.generation !== before.generation).toBe(subject.hasGenerations);
      expect(after.status).toBe('Running');
      expect(failure(await platform.pullFile(instance, path, { maxBytes: 10, ...limit })).kind).toBe('not-found');
      value(await platform.deleteSnapshot(instance, 'back', limit));
      value(await platform.patchInstance(instance, { metadata: { before: '' } }));
    });

    it('leaves a stopped instance stopped in a restore', async () => {
      value(await platform.createSnapshot(instance, { name: 'still', expiresAt: null }, limit));
      value(await platform.stopInstance(instance, { force: true, ...limit }));
      value(await platform.restoreSnapshot(instance, 'still', limit));
      expect(value(await platform.getInstance(instance)).status).toBe('Stopped');
      value(await platform.startInstance(instance, limit));
      value(await platform.deleteSnapshot(instance, 'still', limit));
    });

    it('compares the revision of an instance before it changes anything', async () => {
      const { revision } = value(await platform.getInstance(instance));
      value(await platform.patchInstance(instance, { metadata: { race: 'first' }, revision }));
      const second = failure(await platform.patchInstance(instance, { metadata: { race: 'second' }, revision }));
      expect(second).toMatchObject({ kind: 'changed', code: 412 });
      expect(value(await platform.getInstance(instance)).metadata['race']).toBe('first');
      value(await platform.patchInstance(instance, { metadata: { race: '' } }));
      expect(value(await platform.getInstance(instance)).metadata).not.toHaveProperty('race');
    });

    it('runs a command: input, both outputs, status', async () => {
      const command = ['sh', '-c', 'cat; echo problem >&2; exit 3'];
      const answer = value(await platform.query(instance, { command, stdin: 'input', ...bounds }));
      expect(answer).toEqual({ status: 3, stdout: 'input', stderr: 'problem\n', truncated: false });
    });

    it('distinguishes a command that does not exist, and one that cannot be executed, from one that fails', async () => {
      expect(await endOf(['no-such-command'])).toEqual({ kind: 'not-found' });
      expect(await endOf(['/etc/passwd'])).toEqual({ kind: 'not-executable' });
      // Incus itself knows only the status: a command that wrote something is known to have run.
      expect(await endOf(['sh', '-c', 'exit 127'])).toEqual({ kind: 'not-found' });
      expect(await endOf(['sh', '-c', 'exit 126'])).toEqual({ kind: 'not-executable' });
      // Incus under load may lose a part of what is written, and then says so (docs/internals/incus.md).
      expect(await endOf(['sh', '-c', 'no-such-command'])).toMatchObject({ kind: 'exited', status: 127 });
      expect(await endOf(['sh', '-c', '/etc/passwd'])).toMatchObject({ kind: 'exited', status: 126 });
    });

    it('cuts off a question at its limits of time and size', async () => {
      const command = ['sh', '-c', 'echo 0123456789'];
      expect(value(await platform.query(instance, { command, limitMs: 30_000, maxBytes: 4 }))).toMatchObject({
        stdout: '0123',
        truncated: true,
      });
      const slow = failure(await platform.query(instance, { command: ['sleep', '600'], limitMs: 500, maxBytes: 4 }));
      expect(slow.kind).toBe('timed-out');
      expect(slow.detail).toContain('it was killed');
    });

    it('sends a signal to the command', async () => {
      const exec = await startSleep();
      exec.signal(15);
      expect(value(await exec.ended)).toEqual({ kind: 'exited', status: 143 });
    });

    it('kills the command when its connections are dropped', async () => {
      const exec = await startSleep();
      exec.abandon();
      expect(value(await exec.ended)).toMatchObject({ kind: 'exited', status: 137 });
    });

    it('lists an exec that is under way as an operation', async () => {
      const { sink } = boundedText(10);
      const stdin = new Readable({ read: () => {} });
      const request = { command: ['cat'], environment: {}, terminal: null };
      const exec = value(await platform.startExec(instance, request, { stdin, stdout: sink, stderr: sink }));
      const listed = value(await platform.listOperations()).find((operation) => operation.id === exec.operation);
      expect(listed).toMatchObject({ activity: 'exec', isRunning: true, instances: [instance] });
      stdin.push(null);
      expect(value(await exec.ended)).toEqual({ kind: 'exited', status: 0 });
      const settled = value(await platform.settle(exec.operation, { purpose: 'run cat', limitMs: 10_000 }));
      expect(settled).toEqual({ kind: 'succeeded' });
    });

    it('calls an operation that it does not know gone', async () => {
      const unknown = '00000000-0000-4000-8000-000000000000';
      expect(value(await platform.settle(unknown, { purpose: 'know', limitMs: 10_000 }))).toEqual({ kind: 'gone' });
    });

    it('writes, reads and removes files', async () => {
      const path = '/root/a file ü';
      value(await platform.pushFile(instance, path, 'content\n', { mode: 0o750, ...limit }));
      const file = value(await platform.pullFile(instance, path, { maxBytes: 1000, ...limit }));
      expect({ ...file, content: file.content.toString() }).toEqual({
        content: 'content\n',
        user: 0,
        group: 0,
        mode: 0o750,
      });
      expect(failure(await platform.pullFile(instance, path, { maxBytes: 3, ...limit })).kind).toBe('invalid');
      value(await platform.deleteFile(instance, path, limit));
      expect(failure(await platform.pullFile(instance, path, { maxBytes: 3, ...limit })).kind).toBe('not-found');
    });

    it('has no objection to starting what runs and stopping what is stopped', async () => {
      value(await platform.startInstance(instance, limit));
      value(await platform.thawInstance(instance, limit));
      value(await platform.stopInstance(instance, { force: true, ...limit }));
      value(await platform.stopInstance(instance, { force: true, ...limit }));
      value(await platform.thawInstance(instance, limit));
      expect(value(await platform.getInstance(instance)).status).toBe('Stopped');
      const asked = failure(await platform.query(instance, { command: ['true'], ...bounds }));
      expect(asked).toMatchObject({ kind: 'invalid', code: 400 });
      expect(asked.detail).toContain('not running');
      const before = value(await platform.getInstance(instance));
      value(await platform.startInstance(instance, limit));
      const after = value(await platform.getInstance(instance));
      expect(after.status).toBe('Running');
      expect(after.lastStartedAt).not.toBe(before.lastStartedAt);
    });

    it('ends a command when the instance is stopped underneath it', async () => {
      const exec = await startSleep();
      value(await platform.stopInstance(instance, { force: true, ...limit }));
      expect(value(await exec.ended)).toMatchObject({ kind: 'exited', status: 137 });
      value(await platform.startInstance(instance, limit));
    });

    it.runIf(has.volumesAndEvents)('tells followers of what happens to the instance', async () => {
      const seen: InstanceEvent[] = [];
      const stream = value(await platform.followInstances((event) => void seen.push(event)));
      value(await platform.patchInstance(instance, { metadata: { followed: 'yes' } }));
      await expect.poll(() => seen.some((event) => event.instance === instance), { timeout: 20_000 }).toBe(true);
      expect(seen.some(({ isRestore }) => isRestore)).toBe(false);
      value(await platform.createSnapshot(instance, { name: 'followed', expiresAt: null }, limit));
      value(await platform.restoreSnapshot(instance, 'followed', limit));
      await expect.poll(() => seen.some((event) => event.isRestore && event.instance === instance)).toBe(true);
      expect(await stream.isComplete()).toBe(true);
      stream.close();
      expect(await stream.isComplete()).toBe(false);
      expect(await stream.ended).toEqual({ ok: true, value: undefined });
      value(await platform.deleteSnapshot(instance, 'followed', limit));
      value(await platform.startInstance(instance, limit));
      value(await platform.patchInstance(instance, { metadata: { followed: '' } }));
    });

    it.runIf(has.volumesAndEvents)('takes, restores, renames and removes snapshots of a volume', async () => {
      const { pool, name: volume } = subject.volume;
      expect(value(await platform.getVolume(pool, volume))).toMatchObject({ instances: [instance], otherUsers: 0 });
      const taken = value(await platform.snapshotVolume(pool, volume, { name: 'v1', expiresAt: null }, limit));
      expect(taken).toMatchObject({ name: 'v1', expiresAt: null });
      const again = await platform.snapshotVolume(pool, volume, { name: 'v1', expiresAt: null }, limit);
      expect(failure(again).kind).toBe('name-taken');
      value(await platform.startInstance(instance, limit));
      expect(failure(await platform.restoreVolume(pool, volume, 'v1', limit)).kind).toBe('busy');
      value(await platform.stopInstance(instance, { force: true, ...limit }));
      value(await platform.restoreVolume(pool, volume, 'v1', limit));
      value(await platform.startInstance(instance, limit));
      value(await platform.renameVolumeSnapshot(pool, volume, 'v1', 'v2', limit));
      value(await platform.setVolumeSnapshotExpiry(pool, volume, 'v2', new Date(Date.UTC(2200, 0, 1))));
      const [kept] = value(await platform.listVolumeSnapshots(pool, volume));
      expect(kept).toMatchObject({ name: 'v2', createdAt: taken.createdAt });
      expect(Date.parse(kept?.expiresAt ?? '')).toBe(Date.UTC(2200, 0, 1));
      value(await platform.deleteVolumeSnapshot(pool, volume, 'v2', limit));
      expect(failure(await platform.deleteVolumeSnapshot(pool, volume, 'v2', limit)).kind).toBe('not-found');
    });

    it.runIf(has.volumesAndEvents)(
      'copies an instance with its volume for a rehearsal, and deletes nothing but copies',
      async () => {
        const { rehearsals } = platform;
        const { pool, name: volume } = subject.volume;
        const place = value(await rehearsals.ensurePlace());
        const copies = platform.inProject(place.project);
        const { disks } = value(await platform.getInstance(instance));
        const device = disks.find(({ kind }) => kind === 'volume')?.device ?? '';
        const run = '20270101-000000-copy';
        const planFor = async (uuid: string) => {
          const { network } = place;
          const request = { uuid, run, network, ownVolumes: [{ device, pool, volume }], memoryBytes: null };
          return value(await rehearsals.planCopy(instance, request));
        };
        const uuid = '0b4f3c1e-5f5c-4b0a-9d55-2f3a6a1c7e10';
        const plan = await planFor(uuid);
        value(await rehearsals.createCopy(place, instance, plan, limit));
        expect(value(await copies.getInstance(instance)).status).toBe('Stopped');
        const second = await planFor('1b4f3c1e-5f5c-4b0a-9d55-2f3a6a1c7e11');
        expect(failure(await rehearsals.createCopy(place, instance, second, limit)).kind).toBe('name-taken');

        const copy = { project: place.project, instance, uuid, volumes: plan.volumes };
        for (const [forged, of] of [
          [{ ...copy, uuid: '2b4f3c1e-5f5c-4b0a-9d55-2f3a6a1c7e12' }, run],
          [{ ...copy, project: platform.project }, run],
          [copy, '20270101-000000-else'],
        ] as const)
          expect(failure(await rehearsals.deleteCopy(forged, of, limit)).kind).toBe('invalid');
        // The copy of another rehearsal: the one of the record is gone, and this one stays.
        const earlier = { ...copy, uuid: '2b4f3c1e-5f5c-4b0a-9d55-2f3a6a1c7e12' };
        expect(value(await rehearsals.deleteCopy(earlier, '20270101-000000-else', limit))).toBeUndefined();
        const copied = [...plan.volumes, ...second.volumes];
        for (const one of copied)
          expect(failure(await rehearsals.deleteVolume(one, '20270101-000000-else', limit)).kind).toBe('invalid');
        expect(value(await copies.getInstance(instance)).name).toBe(instance);

        value(await copies.startInstance(instance, limit));
        for (const again of [false, true]) {
          expect([again, value(await rehearsals.deleteCopy(copy, run, limit))]).toEqual([again, undefined]);
          for (const one of copied) value(await rehearsals.deleteVolume(one, run, limit));
        }
        expect(failure(await copies.getInstance(instance)).kind).toBe('not-found');
        expect(value(await platform.getInstance(instance)).status).toBe('Running');
      },
    );

    /** A command that waits, once it runs. A server may answer that it started a command before it did. */
    async function startSleep() {
      const output = boundedText(10);
      const request = { command: ['sh', '-c', 'echo on; exec sleep 600'], environment: {}, terminal: null };
      const io = { stdin: null, stdout: output.sink, stderr: boundedText(10).sink };
      const exec = value(await platform.startExec(instance, request, io));
      await expect.poll(() => output.text(), { timeout: 20_000 }).toBe('on\n');
      return exec;
    }

    async function endOf(command: string[]): Promise<unknown> {
      const { sink } = boundedText(10);
      const request = { command, environment: {}, terminal: null };
      const exec = value(await platform.startExec(instance, request, { stdin: null, stdout: sink, stderr: sink }));
      return value(await exec.ended);
    }
  });
}

const limit = { limitMs: 60_000 };
const bounds = { limitMs: 30_000, maxBytes: 10_000 };

/** The value, or a test that fails with what was said. */
export function value<T>(result: Result<T, PlatformFailure>): T {
  if (!result.ok) throw new Error(`unexpected failure: ${JSON.stringify(result.error)}`);
  return result.value;
}

/** The failure, or a test that fails. */
export function failure<T>(result: Result<T, PlatformFailure>): PlatformFailure {
  if (result.ok) throw new Error(`unexpected success: ${JSON.stringify(result.value)}`);
  return result.error;
}

function names(result: Result<readonly { readonly name: string }[], PlatformFailure>): string[] {
  return value(result).map(({ name }) => name);
}
