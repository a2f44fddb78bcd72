import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { requireForgettable } from '../../src/cli/forget.ts';
import { deadlineAfter } from '../../src/deadline.ts';
import { readClocks } from '../../src/journal/boot-clock.ts';
import type { RunRecord } from '../../src/journal/runs.ts';

const run = '20261123-070945-z8mf';
const holder = { host: 'h', bootId: 'b', pid: 1, network: 'net:[1]', id: 'i' };
const now = readClocks(systemClock.now);
const deadlineIn = (ms: number) => deadlineAfter(now, ms);
const inFlight = { name: 'guard-in-flight', createdAt: '2026-11-23T07:00:00Z', volumes: [] };

test('the record of an ended rehearsal whose copy is left is not forgotten, except with -y', () => {
  const rehearsal = { copy: { project: 'guard-rehearsal', instance: 'web', uuid: 'u', volumes: [] } };
  const record = {
    run,
    started: { holder, instance: 'web', remote: null, rehearsal },
    ended: { outcome: { outcome: 'rehearsal-passed' } },
    restorePoint: null,
    released: null,
    copyRemoved: false,
    confirmationDeadline: null,
  } as unknown as RunRecord;
  const admitted = requireForgettable(record, false, now);
  expect(JSON.stringify(admitted)).toMatch(/may still be in the project.*guard recover web/);
  expect(requireForgettable(record, true, now).ok).toBe(true);
  expect(requireForgettable({ ...record, copyRemoved: true }, false, now).ok).toBe(true);
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
      events: [],
      confirmationDeadline: deadlineIn(600_000),
      ...more,
    }) as unknown as RunRecord;
  const outcome = (record: RunRecord) => {
    const admitted = requireForgettable(record, true, now);
    return admitted.ok ? null : admitted.error.outcome;
  };

  test('stays even with -y, because its deadline is kept by it', () => {
    expect(outcome(recordOf({}))).toBe('refused');
    expect(outcome(recordOf({ ended: null }))).toBe('refused');
    // Its guard could not reach the server any more: that decides nothing.
    expect(outcome(recordOf({ ended: { outcome: { outcome: 'rollback-failed' } } }))).toBe('refused');
  });

  test('may go after the deadline, and once it is decided', () => {
    expect(outcome(recordOf({ confirmationDeadline: deadlineIn(-1) }))).toBeNull();
    expect(outcome(recordOf({ decided: { decision: 'rollback' } }))).toBeNull();
    expect(outcome(recordOf({ confirmationDeadline: null }))).toBeNull();
  });
});
