import { describe, expect, test } from 'vitest';

import { bytesOf, poolOf } from '../../../src/platform/incus/storage/pool.ts';

test.each([
  ['10GiB', 10 * 1024 ** 3],
  ['500MB', 500_000_000],
  ['700MiB', 700 * 1024 ** 2],
  ['2kB', 2000],
  ['1024', 1024],
  ['12B', 12],
  ['much', 0],
  ['', 0],
])('a size as Incus writes it: %s', (size, bytes) => {
  expect(bytesOf(size)).toBe(bytes);
});

describe('what a driver can do, as it is configured', () => {
  test.each([
    ['btrfs', {}, { snapshotFreezesInstance: false, snapshotCopies: false, restoreNeedsNewest: false }],
    ['zfs', {}, { snapshotFreezesInstance: false, restoreNeedsNewest: true, copyBlocksRestore: true }],
    ['zfs', { 'volume.zfs.remove_snapshots': 'true' }, { restoreNeedsNewest: false }],
    ['dir', {}, { snapshotFreezesInstance: true, snapshotCopies: true, copyBlocksRestore: false }],
    ['lvm', {}, { snapshotFreezesInstance: true, snapshotReservesDisk: false, defaultDiskBytes: null }],
    ['lvm', { 'lvm.use_thinpool': 'false' }, { snapshotReservesDisk: true, defaultDiskBytes: 10 * 1024 ** 3 }],
    ['btrfs', { 'volume.size': '2GiB' }, { defaultDiskBytes: 2 * 1024 ** 3, usageLeavesOutShared: true }],
    ['linstor', {}, { restoreNeedsNewest: true, copyBlocksRestore: true }],
    ['of a later Incus', {}, { snapshotFreezesInstance: true, copyBlocksRestore: true }],
  ])('%s %j', (driver, config, expected) => {
    expect(poolOf('p', driver, config as Record<string, string>)).toMatchObject(expected);
  });
});
