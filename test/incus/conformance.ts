import { Readable } from 'node:stream';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { systemClock } from '../../src/clock.ts';
import { runProbe } from '../../src/incus/exec-query.ts';
import { boundedText } from '../../src/incus/bounded-text.ts';
import { closeIncus, openIncus, type Incus } from '../../src/incus/client.ts';
import { startExec } from '../../src/incus/exec.ts';
import type { IncusFailure } from '../../src/incus/failure.ts';
import { deleteFile, pullFile, pushFile } from '../../src/incus/files.ts';
import {
  getInstance,
  listInstanceNames,
  patchInstance,
  startInstance,
  stopInstance,
} from '../../src/incus/instance.ts';
import { listOperations, settle } from '../../src/incus/operations.ts';
import { getServer } from '../../src/incus/server.ts';
import {
  createSnapshot,
  deleteSnapshot,
  getSnapshot,
  listSnapshots,
  renameSnapshot,
  restoreSnapshot,
  setSnapshotExpiry,
} from '../../src/incus/snapshot.ts';
import type { Result } from '../../src/result.ts';

/** A daemon with one running instance that the tests may do anything to. */
export interface Subject {
  readonly socket: string;
  readonly instance: string;
  readonly close: () => Promise<void>;
}

/** What the adapter may rely on: the fake and the real daemon both have to show it. */
export const describeConformance = (name: string, start: () => Promise<Subject>): void => {
  describe(`${name} behaves as the adapter expects`, () => {
    let subject: Subject;
    let incus: Incus;
    let instance: string;

    beforeAll(async () => {
      subject = await start();
      instance = subject.instance;
      incus = openIncus({ socket: subject.socket, project: 'default', clock: systemClock });
    });
    afterAll(async () => {
      closeIncus(incus);
      await subject.close();
    });

    it('says who it is', async () => {
      expect(value(await getServer(incus))).toMatchObject({ server: 'incus' });
    });

    it('knows its instances, and says so of one that it does not know', async () => {
      expect(value(await listInstanceNames(incus))).toContain(instance);
      const known = value(await getInstance(incus, instance));
      expect(known).toMatchObject({ name: instance, status: 'Running', type: 'container', ephemeral: false });
      expect(known.etag).not.toBe('');
      expect(known.generation).not.toBeNull();
      const unknown = failure(await getInstance(incus, 'no-such-instance'));
      expect(unknown).toMatchObject({ kind: 'not-found', code: 404, operation: null });
      expect(unknown.detail).toContain('Instance not found');
    });

    it('takes, lists, renames, expires and removes snapshots', async () => {
      const taken = value(await createSnapshot(incus, instance, { name: 'k1', expiresAt: null }, limit));
      expect(taken).toMatchObject({ name: 'k1', expiresAt: null, stateful: false });
      expect(value(await getSnapshot(incus, instance, 'k1'))).toEqual(taken);
      expect(names(await listSnapshots(incus, instance))).toContain('k1');

      value(await renameSnapshot(incus, instance, 'k1', 'k2', limit));
      expect(failure(await getSnapshot(incus, instance, 'k1'))).toMatchObject({ kind: 'not-found', code: 404 });
      expect(value(await getSnapshot(incus, instance, 'k2')).createdAt).toBe(taken.createdAt);

      const expiry = new Date(Date.now() + 86_400_000);
      value(await setSnapshotExpiry(incus, instance, 'k2', expiry));
      const expiring = value(await getSnapshot(incus, instance, 'k2'));
      expect(Math.abs(Date.parse(expiring.expiresAt ?? '') - expiry.getTime())).toBeLessThan(1000);

      value(await deleteSnapshot(incus, instance, 'k2', limit));
      expect(names(await listSnapshots(incus, instance))).not.toContain('k2');
      expect(failure(await deleteSnapshot(incus, instance, 'k2', limit)).kind).toBe('not-found');
    });

    it('admits a name of a snapshot once', async () => {
      value(await createSnapshot(incus, instance, { name: 'once', expiresAt: null }, limit));
      value(await createSnapshot(incus, instance, { name: 'other', expiresAt: null }, limit));
      const again = await createSnapshot(incus, instance, { name: 'once', expiresAt: null }, limit);
      expect(failure(again)).toMatchObject({ kind: 'name-taken', operation: null });
      expect(failure(await renameSnapshot(incus, instance, 'other', 'once', limit)).kind).toBe('name-taken');
      value(await deleteSnapshot(incus, instance, 'once', limit));
      value(await deleteSnapshot(incus, instance, 'other', limit));
    });

    it('tells in the operation that a snapshot to restore does not exist', async () => {
      const missing = failure(await restoreSnapshot(incus, instance, 'no-such-snapshot', limit));
      expect(missing.kind).toBe('not-found');
      expect(missing.detail).toContain('does not exist');
    });

    it('keeps the description where only the configuration is changed', async () => {
      value(await patchInstance(incus, instance, { description: 'name servers' }));
      value(await patchInstance(incus, instance, { config: { 'user.any': 'thing' } }));
      expect(value(await getInstance(incus, instance)).description).toBe('name servers');
      value(await patchInstance(incus, instance, { config: { 'user.any': '' }, description: '' }));
      expect(value(await getInstance(incus, instance)).description).toBe('');
    });

    it('takes back in a restore what was configured after the snapshot, and has a new generation', async () => {
      value(await patchInstance(incus, instance, { config: { 'user.before': 'kept' } }));
      value(await createSnapshot(incus, instance, { name: 'back', expiresAt: null }, limit));
      value(await patchInstance(incus, instance, { config: { 'user.after': 'lost', 'user.before': 'changed' } }));
      const before = value(await getInstance(incus, instance));
      value(await restoreSnapshot(incus, instance, 'back', limit));
      const after = value(await getInstance(incus, instance));
      expect(after.config['user.before']).toBe('kept');
      expect(after.config).not.toHaveProperty('user.after');
      expect(after.generation).not.toBe(before.generation);
      value(await deleteSnapshot(incus, instance, 'back', limit));
      value(await patchInstance(incus, instance, { config: { 'user.before': '' } }));
    });

    it('compares the etag before it changes anything', async () => {
      const { etag } = value(await getInstance(incus, instance));
      value(await patchInstance(incus, instance, { config: { 'user.race': 'first' }, etag }));
      const second = failure(await patchInstance(incus, instance, { config: { 'user.race': 'second' }, etag }));
      expect(second).toMatchObject({ kind: 'changed', code: 412 });
      expect(value(await getInstance(incus, instance)).config['user.race']).toBe('first');
      value(await patchInstance(incus, instance, { config: { 'user.race': '' } }));
      expect(value(await getInstance(incus, instance)).config).not.toHaveProperty('user.race');
    });

    it('runs a command: input, both outputs, status', async () => {
      const command = ['sh', '-c', 'cat; echo problem >&2; exit 3'];
      const answer = value(await runProbe(incus, instance, { command, stdin: 'input', ...bounds }));
      expect(answer).toEqual({ status: 3, stdout: 'input', stderr: 'problem\n', truncated: false });
    });

    it('tells a command that does not exist, and one that cannot be executed, from one that fails', async () => {
      expect(await endOf(['no-such-command'])).toEqual({ kind: 'not-found' });
      expect(await endOf(['/etc/passwd'])).toEqual({ kind: 'not-executable' });
      // Incus itself knows only the status: a command that said something is known to have run.
      expect(await endOf(['sh', '-c', 'exit 127'])).toEqual({ kind: 'not-found' });
      expect(await endOf(['sh', '-c', 'exit 126'])).toEqual({ kind: 'not-executable' });
      expect(await endOf(['sh', '-c', 'no-such-command'])).toEqual({ kind: 'exited', status: 127 });
      expect(await endOf(['sh', '-c', '/etc/passwd'])).toEqual({ kind: 'exited', status: 126 });
    });

    it('sends a signal to the command', async () => {
      const { sink } = boundedText(10);
      const request = { command: ['sleep', '600'], environment: {}, terminal: null };
      const exec = value(await startExec(incus, instance, request, { stdin: null, stdout: sink, stderr: sink }));
      exec.signal(15);
      expect(value(await exec.ended)).toEqual({ kind: 'exited', status: 143 });
    });

    it('kills the command when its connections are dropped', async () => {
      const { sink } = boundedText(10);
      const request = { command: ['sleep', '600'], environment: {}, terminal: null };
      const exec = value(await startExec(incus, instance, request, { stdin: null, stdout: sink, stderr: sink }));
      exec.abandon();
      expect(value(await exec.ended)).toMatchObject({ kind: 'exited', status: 137 });
    });

    it('lists an exec that is under way as an operation', async () => {
      const { sink } = boundedText(10);
      const stdin = new Readable({ read: () => {} });
      const request = { command: ['cat'], environment: {}, terminal: null };
      const exec = value(await startExec(incus, instance, request, { stdin, stdout: sink, stderr: sink }));
      const listed = value(await listOperations(incus)).find((operation) => operation.id === exec.operation);
      expect(listed).toMatchObject({ class: 'websocket', status: 'Running', instances: [instance] });
      stdin.push(null);
      expect(value(await exec.ended)).toEqual({ kind: 'exited', status: 0 });
      const settled = value(await settle(incus, exec.operation, { purpose: 'run cat', limitMs: 10_000 }));
      expect(settled.kind).toBe('succeeded');
    });

    it('calls an operation that it does not know gone', async () => {
      const unknown = '00000000-0000-4000-8000-000000000000';
      expect(value(await settle(incus, unknown, { purpose: 'know', limitMs: 10_000 }))).toEqual({ kind: 'gone' });
    });

    it('writes, reads and removes files', async () => {
      const path = '/root/a file ü';
      value(await pushFile(incus, instance, path, 'content\n', { mode: 0o750, ...limit }));
      const file = value(await pullFile(incus, instance, path, { maxBytes: 1000, ...limit }));
      expect({ ...file, content: file.content.toString() }).toEqual({
        content: 'content\n',
        user: 0,
        group: 0,
        mode: 0o750,
      });
      expect(failure(await pullFile(incus, instance, path, { maxBytes: 3, ...limit })).kind).toBe('invalid');
      value(await deleteFile(incus, instance, path, limit));
      expect(failure(await pullFile(incus, instance, path, { maxBytes: 3, ...limit })).kind).toBe('not-found');
    });

    it('has nothing against starting what runs and stopping what is stopped', async () => {
      value(await startInstance(incus, instance, limit));
      value(await stopInstance(incus, instance, { force: true, ...limit }));
      value(await stopInstance(incus, instance, { force: true, ...limit }));
      expect(value(await getInstance(incus, instance)).status).toBe('Stopped');
      const refused = failure(await runProbe(incus, instance, { command: ['true'], ...bounds }));
      expect(refused).toMatchObject({ kind: 'invalid', code: 400 });
      expect(refused.detail).toContain('not running');
      value(await startInstance(incus, instance, limit));
      expect(value(await getInstance(incus, instance)).status).toBe('Running');
    });

    const endOf = async (command: string[]): Promise<unknown> => {
      const { sink } = boundedText(10);
      const request = { command, environment: {}, terminal: null };
      const exec = value(await startExec(incus, instance, request, { stdin: null, stdout: sink, stderr: sink }));
      return value(await exec.ended);
    };
  });
};

const limit = { limitMs: 60_000 };
const bounds = { limitMs: 30_000, maxBytes: 10_000 };

/** The value, or a test that fails with what was said. */
export const value = <T>(result: Result<T, IncusFailure>): T => {
  if (!result.ok) throw new Error(`unexpected failure: ${JSON.stringify(result.error)}`);
  return result.value;
};

/** The failure, or a test that fails. */
export const failure = <T>(result: Result<T, IncusFailure>): IncusFailure => {
  if (result.ok) throw new Error(`unexpected success: ${JSON.stringify(result.value)}`);
  return result.error;
};

const names = (result: Result<readonly { readonly name: string }[], IncusFailure>): string[] =>
  value(result).map(({ name }) => name);
