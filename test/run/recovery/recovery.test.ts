import { describe, expect, test } from 'vitest';
import type { Verdict } from '../../../src/event.ts';
import type { RunRecord } from '../../../src/journal/runs.ts';
import type { RunMarker } from '../../../src/run/lock/marker.ts';
import { describeHolder } from '../../../src/run/lock/lock-holder.ts';
import { recoveryStep, type RecoveryInput } from '../../../src/run/recovery/recovery.ts';

const marker: RunMarker = {
  v: 1,
  run: '20261123-120000-abcd',
  holder: { host: 'other', bootId: 'boot', pid: 4711, network: 'net:[1]', id: 'i' },
  wasRunning: true,
  restorePointName: 'guard-20261123-120000-abcd',
  leaseMs: 120_000,
  at: 3,
};

const inFlight = { name: 'guard-in-flight', createdAt: '2026-11-23T12:00:00Z', volumes: [] };

/** As much of a record as the policy looks at. */
const record = (known: {
  readonly began?: boolean;
  readonly damaged?: boolean;
  readonly decision?: 'keep' | 'rollback';
  readonly afterRollback?: Verdict['verdict'];
  /** What the change itself saw: the one of `guard rollback` is verified as a rollback is. */
  readonly before?: Verdict['verdict'];
}): RunRecord => {
  const seen = (verdict: Verdict['verdict']) => ({ type: 'verdict', afterRollback: true, verdict: { verdict } });
  const decided = { type: 'decided', decision: known.decision };
  return {
    damaged: known.damaged ?? false,
    run: '20261123-120000-abcd',
    commandBegan: known.began ?? false,
    decided: known.decision === undefined ? null : decided,
    events: [
      ...(known.before === undefined ? [] : [seen(known.before)]),
      ...(known.decision === undefined ? [] : [decided]),
      ...(known.afterRollback === undefined ? [] : [seen(known.afterRollback)]),
    ],
  } as unknown as RunRecord;
};

describe('while the restore point is in flight', () => {
  const step = (traces: Omit<RecoveryInput, 'inFlight'>) => recoveryStep({ inFlight, ...traces }).step;

  test.each([
    ['nothing was marked yet: the instance is as it was', null, record({}), 'release-unchanged'],
    ['a record that says nothing of the change is no proof against the marker', marker, record({}), 'roll-back'],
    [
      'a damaged record without the marker is of no run that is known',
      null,
      record({ damaged: true }),
      'release-unknown',
    ],
    ['a damaged record with the marker', marker, record({ damaged: true }), 'roll-back'],
    ['the command began and nobody decided', marker, record({ began: true }), 'roll-back'],
    ['a rollback was decided', marker, record({ began: true, decision: 'rollback' }), 'roll-back'],
    ['it was decided to keep', marker, record({ began: true, decision: 'keep' }), 'release-kept'],
    ['it was decided to keep, and the mark is gone', null, record({ began: true, decision: 'keep' }), 'release-kept'],
    ['the mark is gone by a restore that nobody verified', null, record({ began: true }), 'roll-back'],
    [
      'it was rolled back and seen to be healthy: its restore point may be half removed',
      null,
      record({ began: true, decision: 'rollback', afterRollback: 'healthy' }),
      'release-rolled-back',
    ],
    [
      'it was rolled back and seen not to be well',
      null,
      record({ began: true, decision: 'rollback', afterRollback: 'unhealthy' }),
      'release-rolled-back',
    ],
    [
      'a way back was seen to be healthy and is not wanted: only the change was seen',
      null,
      record({ began: true, decision: 'rollback', before: 'healthy' }),
      'roll-back',
    ],
    ['another host’s run left its mark: nothing else is known', marker, null, 'roll-back'],
    ['another host’s run, and the mark is gone', null, null, 'release-unknown'],
  ] as const)('%s', (_, its, known, wanted) => {
    expect(step({ marker: its, record: known })).toBe(wanted);
  });
});

describe('a change that another host confirmed', () => {
  test('is kept, although the record of this host ends before', () => {
    const kept = { inFlight, record: record({ began: true }), isNotedKept: true };
    expect(recoveryStep({ ...kept, marker: null }).step).toBe('release-kept');
    expect(recoveryStep({ ...kept, marker }).step).toBe('roll-back');
  });
});

describe('without a restore point in flight nothing is touched, and no more is said than is known', () => {
  test.each([
    ['never-began', record({})],
    ['kept', record({ began: true, decision: 'keep' })],
    ['rolled-back', record({ began: true, decision: 'rollback', afterRollback: 'healthy' })],
    ['restore-point-gone', record({ began: true, decision: 'rollback', afterRollback: 'unhealthy' })],
    ['restore-point-gone', record({ began: true, decision: 'rollback' })],
    ['restore-point-gone', record({ began: true })],
    ['restore-point-gone', record({ damaged: true })],
    ['never-began', null],
  ] as const)('%s', (because, known) => {
    expect(recoveryStep({ inFlight: null, marker: null, record: known })).toEqual({ step: 'close', because });
  });
});

describe('who holds an instance', () => {
  const said = (seen: 'alive' | 'dead' | 'elsewhere', its: RunMarker | null = marker) =>
    describeHolder({ inspectHolder: () => seen }, its);

  test('a living run is busy, and named', () => {
    expect(said('alive')).toMatchObject({
      outcome: 'busy',
      refusal: { message: expect.stringContaining('20261123-120000-abcd (host other, pid 4711)') as string },
    });
  });

  test('a run on another host may live: busy', () => {
    expect(said('elsewhere').outcome).toBe('busy');
  });

  test('a dead run is refused, because waiting would not help (F12, F13)', () => {
    expect(said('dead')).toMatchObject({
      outcome: 'refused',
      refusal: { advice: expect.stringContaining('guard recover') as string },
    });
  });

  test('a run without its mark yet, or without it already, is busy', () => {
    expect(said('dead', null).outcome).toBe('busy');
  });
});
