import { expect, test } from 'vitest';
import type { Instance } from '../../../src/incus/instance.ts';
import { bytesOf, reservedBy, describePause } from '../../../src/run/restore-point/free-space.ts';

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

test('the pause is said with the size that is copied, or without one that nobody knows', () => {
  expect(describePause('web', { driver: 'dir', bytes: 2400 * 1024 ** 2 })).toBe(
    "The pool's driver, dir, copies 2400 MiB for the restore point: web stands still meanwhile, at 150 MiB/s for about 16 s.",
  );
  expect(describePause('web', { driver: 'dir', bytes: null })).toContain('web stands still meanwhile.');
});

const instance = (size?: string) =>
  ({
    expandedDevices: { root: { type: 'disk', path: '/', pool: 'p', ...(size === undefined ? {} : { size }) } },
  }) as unknown as Instance;

// By the documentation: no such pool is in the tests.
test('LVM without a thin pool reserves the size of the whole disk (F15)', () => {
  const thick = (config = {}) => ({ name: 'p', driver: 'lvm', config: { 'lvm.use_thinpool': 'false', ...config } });
  expect(reservedBy(instance('20GiB'), thick())).toBe(20 * 1024 ** 3);
  expect(reservedBy(instance(), thick({ 'volume.size': '5GiB' }))).toBe(5 * 1024 ** 3);
  expect(reservedBy(instance(), thick())).toBe(10 * 1024 ** 3);
  expect(reservedBy(instance('20GiB'), { name: 'p', driver: 'lvm', config: {} })).toBe(0);
  expect(reservedBy(instance('20GiB'), { name: 'p', driver: 'btrfs', config: {} })).toBe(0);
});
