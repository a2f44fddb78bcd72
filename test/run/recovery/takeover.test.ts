import { describe, expect, test } from 'vitest';
import { newLease } from '../../../src/run/lock/in-flight.ts';
import { isLeftoverOf, requireDeadHolder } from '../../../src/run/recovery/takeover.ts';
import type { RunMarker } from '../../../src/run/lock/marker.ts';

const run = '20261123-070945-z8mf';
const other = '20261123-070946-aaaa';
const holder = { host: 'h', bootId: 'b', pid: 1, network: 'net:[1]', id: 'i' };
const markOfRun = (name: string): RunMarker => ({
  v: 1,
  run: name,
  holder,
  wasRunning: true,
  restorePointName: `guard-${name}`,
  leaseMs: 120_000,
  at: 0,
});
const point = (createdAt: string) => ({ name: 'guard-in-flight', createdAt, volumes: [] });
const lease = newLease(() => 7);

const left = { marker: null, quiesceMarker: null, inFlight: point('2026-11-23T07:00:00Z'), lease };
const record = { run, lease: null, restorePoint: null };

describe('what is in flight belongs to an unfinished run of this host', () => {
  test('where the mark names it, whatever else is there', () => {
    expect(isLeftoverOf({ ...left, marker: markOfRun(run) }, record)).toBe(true);
    expect(isLeftoverOf({ ...left, marker: markOfRun(other) }, { ...record, restorePoint: left.inFlight })).toBe(false);
  });

  test('where it is exactly the restore point that the record has', () => {
    expect(isLeftoverOf(left, { ...record, restorePoint: point('2026-11-23T07:00:00Z') })).toBe(true);
    expect(isLeftoverOf(left, { ...record, restorePoint: point('2026-11-23T06:59:59Z') })).toBe(false);
  });

  test('where it was made under the lease that the record chose, and not where another host has just made it', () => {
    expect(isLeftoverOf(left, { ...record, lease: lease.base })).toBe(true);
    expect(isLeftoverOf(left, { ...record, lease: newLease(() => 8).base })).toBe(false);
    expect(isLeftoverOf(left, record)).toBe(false);
  });

  test('where a guard without leases left both', () => {
    expect(isLeftoverOf({ ...left, lease: null }, record)).toBe(true);
    expect(isLeftoverOf({ ...left, lease: null }, { ...record, lease: lease.base })).toBe(false);
  });

  test('and nothing that is left belongs to every run', () => {
    expect(isLeftoverOf({ ...left, inFlight: null, lease: null }, { ...record, lease: 1 })).toBe(true);
  });
});

describe('a run whose maker is dead', () => {
  const recoverer = { ...holder, pid: 2, id: 'recoverer' };
  const maker = { started: { holder }, lease: lease.base, restorePoint: left.inFlight };
  const endOf = async (leaseHolder: typeof holder | null, alive: readonly string[], takeOver = false) => {
    const tools = {
      inspectHolder: ({ id }: typeof holder) => (alive.includes(id) ? 'alive' : 'dead'),
      report: () => Promise.resolve(),
    } as unknown as Parameters<typeof requireDeadHolder>[0];
    const leftovers = left as unknown as Parameters<typeof requireDeadHolder>[1];
    const known = { ...maker, leaseHolder } as unknown as Parameters<typeof requireDeadHolder>[2];
    const end = await requireDeadHolder(tools, leftovers, known, { leaseMs: 1, takeOver });
    return end.ok ? end.value : end.error.outcome;
  };

  test('may be finished', async () => {
    expect(await endOf(null, [])).toBe('dead');
    expect(await endOf(recoverer, [])).toBe('dead');
  });

  test('but not while another guard of this host finishes it, which has restored the instance already', async () => {
    expect(await endOf(recoverer, ['recoverer'])).toBe('busy');
    expect(await endOf(recoverer, ['recoverer'], true)).toBe('given-up');
  });
});
