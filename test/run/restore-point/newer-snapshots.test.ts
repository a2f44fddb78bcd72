import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import type { Platform } from '../../../src/platform/platform.ts';
import { openIncusPlatform } from '../../../src/platform/incus/incus.ts';
import { describeScheduled, newerInTheWay } from '../../../src/run/restore-point/newer-snapshots.ts';
import { commandsOf } from '../../../src/platform/incus/commands.ts';
import { startFakeIncus, type FakeIncus } from '../../platform/incus/fake-server.ts';

const commands = commandsOf('Incus');

// There is no zfs in the tests: the fake has a pool that says it is one.
let fake: FakeIncus;
let platform: Platform;
let close: () => void;

beforeEach(async () => {
  fake = await startFakeIncus();
  ({ platform, close } = openIncusPlatform({ socket: fake.socket, project: 'default', clock: systemClock }));
});
afterEach(async () => {
  close();
  await fake.close();
});

const onDriver = (driver: string, config: Record<string, string> = {}): void =>
  fake.fault(({ pathname }, response) => {
    if (pathname !== '/1.0/storage-pools/default') return false;
    response.end(JSON.stringify({ type: 'sync', status_code: 200, metadata: { name: 'default', driver, config } }));
    return true;
  });

const at = (minute: number): string => `2026-11-23T12:0${minute}:00Z`;
const has = (...snapshots: readonly (readonly [string, number])[]): void => {
  for (const [name, minute] of snapshots)
    fake.instance('c1').snapshots.push({ name, created_at: at(minute), expires_at: '', config: {} });
};
const restorePoint = { name: 'guard-in-flight', createdAt: at(2), volumes: [] };
const found = () => newerInTheWay(platform, 'c1', restorePoint);

describe('snapshots that are newer than the restore point (F4, F5)', () => {
  test('stand in the way on zfs, and are named', async () => {
    onDriver('zfs');
    has(['older', 1], ['guard-in-flight', 2], ['auto-1', 3], ['auto-2', 4]);
    expect(await found()).toEqual(['auto-1', 'auto-2']);
  });

  test('do not where the pool is set to remove them, and on no other driver', async () => {
    has(['guard-in-flight', 2], ['auto-1', 3]);
    onDriver('zfs', { 'volume.zfs.remove_snapshots': 'true' });
    expect(await found()).toEqual([]);
    onDriver('btrfs');
    expect(await found()).toEqual([]);
  });

  test('are not looked for further where there are none', async () => {
    onDriver('zfs');
    has(['older', 1], ['guard-in-flight', 2]);
    expect(await found()).toEqual([]);
    expect(fake.requests.map(({ pathname }) => pathname)).not.toContain('/1.0/storage-pools/default');
  });

  test('are removed by hand, by exact name', () => {
    expect(commands.removeSnapshots({ instance: 'c1', project: 'shop', remote: 'far' }, ['auto-1'])).toEqual([
      'incus snapshot delete far:c1 auto-1 --project shop',
    ]);
  });
});

describe('a schedule of snapshots', () => {
  const zfs = { driver: 'zfs', restoreNeedsNewest: true };
  const c1 = (snapshotSchedule: string | null) => ({ name: 'c1', snapshotSchedule });

  test('is warned of where one could stand in the way (F5)', () => {
    expect(describeScheduled(zfs, c1('@hourly'))).toContain('(@hourly)');
    expect(describeScheduled(zfs, c1(null))).toBeNull();
    expect(describeScheduled({ driver: 'btrfs', restoreNeedsNewest: false }, c1('@hourly'))).toBeNull();
    expect(describeScheduled(null, c1('@hourly'))).toBeNull();
  });
});
