import { describe, expect, test } from 'vitest';
import { newLease } from '../../../src/run/hold/in-flight.ts';
import { isLeftBy } from '../../../src/run/hold/living.ts';
import type { Mark } from '../../../src/run/hold/mark.ts';

const run = '20261123-070945-z8mf';
const other = '20261123-070946-aaaa';
const holder = { host: 'h', bootId: 'b', pid: 1, startTicks: 1 };
const markOfRun = (name: string): Mark => ({
  v: 1,
  run: name,
  holder,
  wasRunning: true,
  restorePointName: `guard-${name}`,
  at: 0,
});
const point = (createdAt: string) => ({ name: 'guard-in-flight', createdAt, volumes: [] });
const lease = newLease(() => 7);

const left = { mark: null, quiet: null, inFlight: point('2026-11-23T07:00:00Z'), lease };
const record = { run, lease: null, restorePoint: null };

describe('what is in flight belongs to an unfinished run of this host', () => {
  test('where the mark names it, whatever else is there', () => {
    expect(isLeftBy({ ...left, mark: markOfRun(run) }, record)).toBe(true);
    expect(isLeftBy({ ...left, mark: markOfRun(other) }, { ...record, restorePoint: left.inFlight })).toBe(false);
  });

  test('where it is exactly the restore point that the record has', () => {
    expect(isLeftBy(left, { ...record, restorePoint: point('2026-11-23T07:00:00Z') })).toBe(true);
    expect(isLeftBy(left, { ...record, restorePoint: point('2026-11-23T06:59:59Z') })).toBe(false);
  });

  test('where it was made under the lease that the record chose, and not where another host has just made it', () => {
    expect(isLeftBy(left, { ...record, lease: lease.base })).toBe(true);
    expect(isLeftBy(left, { ...record, lease: newLease(() => 8).base })).toBe(false);
    expect(isLeftBy(left, record)).toBe(false);
  });

  test('where a guard without leases left both', () => {
    expect(isLeftBy({ ...left, lease: null }, record)).toBe(true);
    expect(isLeftBy({ ...left, lease: null }, { ...record, lease: lease.base })).toBe(false);
  });

  test('and nothing that is left belongs to every run', () => {
    expect(isLeftBy({ ...left, inFlight: null, lease: null }, { ...record, lease: 1 })).toBe(true);
  });
});
