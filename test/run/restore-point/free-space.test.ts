import { expect, test } from 'vitest';
import { poolOf } from '../../../src/platform/incus/storage/pool.ts';
import { reservedBy, describePause } from '../../../src/run/restore-point/free-space.ts';

test('the pause is said with the size that is copied, or without one that nobody knows', () => {
  expect(describePause('web', { driver: 'dir', bytes: 2400 * 1024 ** 2 })).toBe(
    "The pool's driver, dir, copies 2400 MiB for the restore point. web is frozen meanwhile, at 150 MiB/s for about 16 s.",
  );
  expect(describePause('web', { driver: 'dir', bytes: null })).toContain('web is frozen meanwhile.');
});

const instance = (sizeBytes: number | null) => ({
  disks: [{ kind: 'root', device: 'root', path: '/', pool: 'p', sizeBytes } as const],
});

// By the documentation: no such pool is in the tests.
test('LVM without a thin pool reserves the size of the whole disk (F15)', () => {
  const thick = (config = {}) => poolOf('p', 'lvm', { 'lvm.use_thinpool': 'false', ...config });
  expect(reservedBy(instance(20 * gibibyte), thick())).toBe(20 * gibibyte);
  expect(reservedBy(instance(null), thick({ 'volume.size': '5GiB' }))).toBe(5 * gibibyte);
  expect(reservedBy(instance(null), thick())).toBe(10 * gibibyte);
  expect(reservedBy(instance(20 * gibibyte), poolOf('p', 'lvm', {}))).toBe(0);
  expect(reservedBy(instance(20 * gibibyte), poolOf('p', 'btrfs', {}))).toBe(0);
});

const gibibyte = 1024 ** 3;
