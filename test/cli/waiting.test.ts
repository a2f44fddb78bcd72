import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { mayForget } from '../../src/cli/forget.ts';
import { deadlineAfter } from '../../src/deadline.ts';
import { readClocks } from '../../src/journal/boot-clock.ts';
import type { RunRecord } from '../../src/journal/runs.ts';
import { waitingNow } from '../../src/run/confirmation/waiting.ts';
import type { RunMarker } from '../../src/run/lock/marker.ts';

const run = '20261123-070945-z8mf';
const holder = { host: 'h', bootId: 'b', pid: 1, network: 'net:[1]', id: 'i' };
const now = readClocks(systemClock.now);
const deadlineIn = (ms: number) => deadlineAfter(now, ms);
const inFlight = { name: 'guard-in-flight', createdAt: '2026-11-23T07:00:00Z', volumes: [] };

const markerOf = (confirmation: RunMarker['confirmation']): RunMarker => ({
  v: 1,
  run,
  holder,
  wasRunning: true,
  restorePointName: `guard-${run}`,
  leaseMs: 120_000,
  at: 0,
  ...(confirmation === undefined ? {} : { confirmation }),
});

describe('what is left of a run is not rolled back', () => {
  const waiting = (marker: RunMarker | null, point: typeof inFlight | null = inFlight) =>
    waitingNow({ marker, inFlight: point }, { readClocks: () => readClocks(systemClock.now) });

  test('while its change waits for a confirmation', () => {
    expect(waiting(markerOf({ state: 'waiting', deadline: deadlineIn(600_000) }))?.run).toBe(run);
  });

  test('but after the deadline, or once it is settled', () => {
    expect(waiting(markerOf({ state: 'waiting', deadline: deadlineIn(-1) }))).toBeNull();
    expect(waiting(markerOf({ state: 'refused', deadline: deadlineIn(600_000) }))).toBeNull();
    expect(waiting(markerOf(undefined))).toBeNull();
    expect(waiting(null)).toBeNull();
  });

  test('and a marker that a restored snapshot brought back says nothing', () => {
    expect(waiting(markerOf({ state: 'waiting', deadline: deadlineIn(600_000) }), null)).toBeNull();
  });
});

describe('the record of a run that waits for a confirmation', () => {
  const recordOf = (more: Partial<Record<keyof RunRecord, unknown>>): RunRecord =>
    ({
      run,
      started: { holder, instance: 'web', remote: null },
      ended: { outcome: { outcome: 'waiting' } },
      restorePoint: inFlight,
      released: null,
      decided: null,
      confirmationDeadline: deadlineIn(600_000),
      ...more,
    }) as unknown as RunRecord;
  const outcome = (record: RunRecord) => mayForget(record, true, now)?.outcome ?? null;

  test('stays even with -y, because its deadline is kept by it', () => {
    expect(outcome(recordOf({}))).toBe('refused');
    expect(outcome(recordOf({ ended: null }))).toBe('refused');
  });

  test('may go after the deadline, and once it is decided', () => {
    expect(outcome(recordOf({ confirmationDeadline: deadlineIn(-1) }))).toBeNull();
    expect(outcome(recordOf({ decided: { decision: 'rollback' } }))).toBeNull();
    expect(outcome(recordOf({ confirmationDeadline: null }))).toBeNull();
  });
});
