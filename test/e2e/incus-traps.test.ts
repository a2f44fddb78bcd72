import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Operation, Platform } from '../../src/platform/platform.ts';
import { describeFailure } from '../../src/platform/failure.ts';
import { rootDisk } from '../../src/run/restore-point/disks.ts';
import { failure, value } from '../platform/conformance.ts';
import { client } from './guard.ts';
import { incusCommand, launch, openTestIncus, remove } from './incus-subject.ts';

// The traps of a real Incus that decide how the adapter is built. That a failure comes with HTTP 200 (the first of
// them) is in every test here that expects a failure of an operation, and in the conformance suite.

let platform: Platform;
let seen: string[];
let close: () => void;

beforeAll(() => {
  ({ platform, seen, close } = openTestIncus());
});
afterAll(() => close());

const limit = { limitMs: 60_000 };
const inside = async (instance: string, ...command: string[]): Promise<string> => {
  const answer = value(await platform.query(instance, { command, limitMs: 60_000, maxBytes: 100_000 }));
  return answer.stdout.trim();
};
const statusOf = async (instance: string): Promise<string> => value(await platform.getInstance(instance)).status;
const snapshot = async (instance: string, name: string): Promise<void> => {
  value(await platform.createSnapshot(instance, { name, expiresAt: null }, limit));
};
/** A stop that comes before systemd listens is lost. */
const systemIsUp = async (instance: string): Promise<void> => {
  for (let tries = 0; tries < 300; tries += 1) {
    const answer = await platform.query(instance, {
      command: ['systemctl', 'is-system-running'],
      limitMs: 10_000,
      maxBytes: 100,
    });
    if (answer.ok && /^(running|degraded)/.test(answer.value.stdout)) return;
    await delay(100);
  }
  throw new Error(`${instance} did not come up`);
};

it('lists no instance of a project that does not exist, and says so only where its events are asked for', async () => {
  const missing = platform.inProject('guard-no-such-project');
  expect(value(await missing.listInstanceNames())).toEqual([]);
  expect(describeFailure(failure(await missing.followInstances(() => {})))).toContain('Project not found');
});

describe('on an instance of its own', () => {
  const instance = 'ad-traps';
  beforeAll(() => launch(instance));
  afterAll(() => remove(instance));

  it('a graceful stop that timed out blocks everything, until it is followed by force', async () => {
    await systemIsUp(instance);
    await snapshot(instance, 'stuck');
    const stubborn = 'trap "" TERM; while :; do sleep 1; done';
    await inside(instance, 'systemd-run', '--unit=stubborn', '-p', 'TimeoutStopSec=600', 'sh', '-c', stubborn);

    const late = failure(await platform.stopInstance(instance, { force: false, limitMs: 3_000 }));
    expect(late).toMatchObject({ kind: 'timed-out', operation: null });
    expect(describeFailure(late)).toContain(`${client} stop --force ${instance}`);
    expect(await statusOf(instance)).toBe('Running');

    const restored = failure(await platform.restoreSnapshot(instance, 'stuck', limit));
    expect(restored).toMatchObject({ kind: 'busy' });
    expect(restored.advice).toContain(`${client} stop --force ${instance}`);
    expect(failure(await platform.patchInstance(instance, { metadata: { a: 'b' } })).kind).toBe('busy');

    value(await platform.stopInstance(instance, { force: true, ...limit }));
    value(await platform.restoreSnapshot(instance, 'stuck', limit));
    expect(await statusOf(instance)).toBe('Stopped');
    value(await platform.startInstance(instance, limit));
    value(await platform.deleteSnapshot(instance, 'stuck', limit));
  });

  it('a restore replaces config and devices and keeps the profiles', async () => {
    await incusCommand('profile', 'create', 'ad-later').catch(() => '');
    await snapshot(instance, 'plain');
    await incusCommand('config', 'device', 'add', instance, 'later', 'none');
    await incusCommand('profile', 'add', instance, 'ad-later');
    value(await platform.patchInstance(instance, { metadata: { run: 'after the snapshot' } }));

    value(await platform.restoreSnapshot(instance, 'plain', limit));
    const after = value(await platform.getInstance(instance));
    expect(after.metadata).not.toHaveProperty('run');
    expect(after.configuration.devices).not.toHaveProperty('later');
    expect(await incusCommand('config', 'show', instance)).toContain('- ad-later');
    expect(after.status).toBe('Running');

    await incusCommand('profile', 'remove', instance, 'ad-later');
    await incusCommand('profile', 'delete', 'ad-later');
    value(await platform.deleteSnapshot(instance, 'plain', limit));
  });

  it('a restore that fails leaves the instance stopped, and says why (F6)', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'guard-share-'));
    await incusCommand('config', 'device', 'add', instance, 'share', 'disk', `source=${folder}`, 'path=/mnt/share');
    await snapshot(instance, 'shared');
    await incusCommand('config', 'device', 'remove', instance, 'share');
    await rm(folder, { recursive: true });

    const failed = failure(await platform.restoreSnapshot(instance, 'shared', limit));
    expect(failed.detail).toContain(folder);
    expect(await statusOf(instance)).toBe('Stopped');

    await incusCommand('config', 'device', 'remove', instance, 'share');
    value(await platform.startInstance(instance, limit));
    value(await platform.deleteSnapshot(instance, 'shared', limit));
  });

  it('without a terminal, only the direct child dies with its connection', async () => {
    const stdout = new PassThrough();
    const command = ['sh', '-c', 'sleep 601 & echo started; sleep 602'];
    const request = { command, environment: {}, terminal: null };
    const exec = value(await platform.startExec(instance, request, { stdin: null, stdout, stderr: stdout }));
    await once(stdout, 'data');
    exec.abandon();
    expect(value(await exec.ended)).toMatchObject({ kind: 'exited', status: 137 });
    expect(await inside(instance, 'pgrep', '-ax', 'sh')).not.toContain('sleep 601');
    expect(await inside(instance, 'pgrep', '-ax', 'sleep')).toMatch(/sleep 601\n.*sleep 602/);
    await inside(instance, 'pkill', '-x', 'sleep');
  });

  it('a stop right after a start may be lost: force ends it', async () => {
    value(await platform.stopInstance(instance, { force: true, ...limit }));
    value(await platform.startInstance(instance, limit));
    const early = await platform.stopInstance(instance, { force: false, limitMs: 2_000 });
    expect(early.ok || early.error.kind === 'timed-out').toBe(true);
    value(await platform.stopInstance(instance, { force: true, ...limit }));
    expect(await statusOf(instance)).toBe('Stopped');
    value(await platform.startInstance(instance, limit));
  });

  it('an expiry of the instance does not apply to a restore point that never expires', async () => {
    await incusCommand('config', 'set', instance, 'snapshots.expiry=1d');
    const never = value(await platform.createSnapshot(instance, { name: 'never', expiresAt: null }, limit));
    expect(never.expiresAt).toBeNull();
    await incusCommand('snapshot', 'create', instance, 'plain');
    const plain = value(await platform.listSnapshots(instance)).find(({ name }) => name === 'plain');
    expect(plain?.expiresAt).not.toBeNull();
    for (const name of ['never', 'plain']) value(await platform.deleteSnapshot(instance, name, limit));
    await incusCommand('config', 'unset', instance, 'snapshots.expiry');
  });

  it('one of many that compare and swap at the same time wins', async () => {
    const { revision } = value(await platform.getInstance(instance));
    const racers = Array.from({ length: 8 }, (_, index) =>
      platform.patchInstance(instance, { metadata: { race: String(index) }, revision }),
    );
    const ends = await Promise.all(racers);
    expect(ends.filter((end) => end.ok)).toHaveLength(1);
    expect(ends.flatMap((end) => (end.ok ? [] : [end.error.kind]))).toEqual(Array.from({ length: 7 }, () => 'changed'));
  });

  it('one of many that take the same snapshot at the same time wins', async () => {
    const racers = Array.from({ length: 6 }, () =>
      platform.createSnapshot(instance, { name: 'guard-in-flight', expiresAt: null }, limit),
    );
    const ends = await Promise.all(racers);
    expect(ends.filter((end) => end.ok)).toHaveLength(1);
    expect(ends.flatMap((end) => (end.ok ? [] : [end.error.kind]))).toEqual(
      Array.from({ length: 5 }, () => 'name-taken'),
    );
    value(await platform.deleteSnapshot(instance, 'guard-in-flight', limit));
  });

  it('only snapshots were deleted in all of this', () => {
    const deleted = seen.filter((request) => request.startsWith('DELETE'));
    expect(deleted.length).toBeGreaterThan(0);
    for (const request of deleted)
      expect(request).toMatch(/^DELETE \/1\.0\/instances\/ad-[a-z]+\/snapshots\/[^/]+\?project=default$/);
  });
});

describe('an ephemeral instance', () => {
  const instance = 'ad-ephemeral';
  beforeAll(() => launch(instance, '--ephemeral'));
  afterAll(() => remove(instance));

  it('would be deleted by any stop, which is therefore refused; a restore keeps it (F23)', async () => {
    await snapshot(instance, 'kept');
    const before = seen.length;
    for (const force of [true, false])
      expect(failure(await platform.stopInstance(instance, { force, ...limit })).kind).toBe('invalid');
    expect(seen.slice(before).every((request) => request.startsWith('GET'))).toBe(true);
    value(await platform.restoreSnapshot(instance, 'kept', limit));
    expect(await statusOf(instance)).toBe('Running');
    expect(value(await platform.listSnapshots(instance)).map(({ name }) => name)).toEqual(['kept']);
  });
});

describe('on a pool of the dir driver', () => {
  const instance = 'ad-dir';
  beforeAll(async () => {
    await remove(instance);
    await execa('incus', ['storage', 'create', 'ad-dir', 'dir'], { reject: false, stdin: 'ignore' });
    await launch(instance, '--storage', 'ad-dir');
  });
  afterAll(async () => {
    await remove(instance);
    await incusCommand('storage', 'delete', 'ad-dir');
  });

  it('a snapshot is not removed while a restore is in progress, which would destroy the root file system', async () => {
    await snapshot(instance, 'base');
    await inside(instance, 'sh', '-c', 'for i in $(seq 400); do head -c 200000 /dev/urandom >/root/f$i; done');
    const before = seen.length;
    const restoring = platform.restoreSnapshot(instance, 'base', limit);
    // Those that have ended are listed for five seconds, too.
    const isRestore = (operation: Operation): boolean =>
      operation.isRunning && operation.instances.includes(instance) && operation.activity === 'restore';
    while (!value(await platform.listOperations()).some(isRestore)) await delay(5);
    const refused = failure(await platform.deleteSnapshot(instance, 'base', limit));
    expect(refused).toMatchObject({ kind: 'busy', detail: 'a restore is in progress.' });
    expect(seen.slice(before).filter((request) => request.startsWith('DELETE'))).toEqual([]);
    value(await restoring);
    expect(await inside(instance, 'ls', '/root')).toBe('');
    value(await platform.deleteSnapshot(instance, 'base', limit));
  });
});

describe('on a pool that is full', () => {
  const instance = 'ad-full';
  beforeAll(async () => {
    await remove(instance);
    await execa('incus', ['storage', 'create', 'ad-full', 'btrfs', 'size=1GiB'], { reject: false, stdin: 'ignore' });
    await launch(instance, '--storage', 'ad-full');
  });
  afterAll(async () => {
    await remove(instance);
    await incusCommand('storage', 'delete', 'ad-full');
  });

  it('says so, and the pool tells beforehand (F15)', async () => {
    const root = rootDisk(value(await platform.getInstance(instance)));
    expect(root).toMatchObject({ pool: 'ad-full' });
    expect(value(await platform.getPool('ad-full')).driver).toBe('btrfs');
    const room = value(await platform.getPoolSpace('ad-full'));
    await inside(
      instance,
      'sh',
      '-c',
      'cat /dev/urandom >/root/full 2>/dev/null; i=0; while echo x >/root/s$i; do i=$((i+1)); done; sync',
    );
    const full = value(await platform.getPoolSpace('ad-full'));
    expect(full.usedBytes).toBeGreaterThan(room.usedBytes);

    const failed = failure(await platform.createSnapshot(instance, { name: 'full', expiresAt: null }, limit));
    expect(failed.kind).toBe('no-space');
    expect(failed.advice).toContain(`${client} storage info`);
    expect(value(await platform.listSnapshots(instance))).toEqual([]);
  });
});

describe('a custom volume', () => {
  const instance = 'ad-volume';
  beforeAll(async () => {
    await launch(instance);
    await execa('incus', ['storage', 'volume', 'delete', 'default', 'ad-data'], { reject: false, stdin: 'ignore' });
    await incusCommand('storage', 'volume', 'create', 'default', 'ad-data');
    await incusCommand('storage', 'volume', 'attach', 'default', 'ad-data', instance, 'data', '/data');
  });
  afterAll(async () => {
    await remove(instance);
    await incusCommand('storage', 'volume', 'delete', 'default', 'ad-data');
  });

  it('has snapshots of its own, which are restored while nobody runs that uses it (F19)', async () => {
    expect(value(await platform.getVolume('default', 'ad-data'))).toMatchObject({
      instances: [instance],
      otherUsers: 0,
    });
    await inside(instance, 'sh', '-c', 'echo one >/data/f');
    const taken = value(await platform.snapshotVolume('default', 'ad-data', { name: 'v1', expiresAt: null }, limit));
    expect(value(await platform.listVolumeSnapshots('default', 'ad-data'))).toEqual([taken]);
    await inside(instance, 'sh', '-c', 'echo two >/data/f');
    const refused = failure(await platform.restoreVolume('default', 'ad-data', 'v1', limit));
    expect(refused.kind).toBe('busy');
    value(await platform.stopInstance(instance, { force: true, ...limit }));
    value(await platform.restoreVolume('default', 'ad-data', 'v1', limit));
    value(await platform.startInstance(instance, limit));
    expect(await inside(instance, 'cat', '/data/f')).toBe('one');

    value(await platform.renameVolumeSnapshot('default', 'ad-data', 'v1', 'v2', limit));
    value(await platform.setVolumeSnapshotExpiry('default', 'ad-data', 'v2', new Date(Date.now() + 86_400_000)));
    const kept = value(await platform.listVolumeSnapshots('default', 'ad-data'));
    expect(kept).toMatchObject([{ name: 'v2', createdAt: taken.createdAt }]);
    expect(kept[0]?.expiresAt).not.toBeNull();
    value(await platform.deleteVolumeSnapshot('default', 'ad-data', 'v2', limit));
    expect(value(await platform.listVolumeSnapshots('default', 'ad-data'))).toEqual([]);
  });
});
