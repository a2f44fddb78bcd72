import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allowedOf, formatAmount, parallelOf, parseAmount } from '../../src/amount.ts';
import {
  assignWaves,
  nextStep,
  stopReason,
  type PlannedMember,
  type RolloutProgress,
  type RolloutSettings,
  type Step,
} from '../../src/rollout/planner.ts';
import { simulate, type Behaviour } from './simulation.ts';

const usual: RolloutSettings = {
  maxParallel: { count: 1 },
  canary: 0,
  pauseMs: 0,
  maxFailures: { count: 0 },
  allOrNothing: false,
  confirms: false,
};

function rolloutOf(groups: readonly (string | null)[], settings: Partial<RolloutSettings> = {}): RolloutProgress {
  const all = { ...usual, ...settings };
  const members = groups.map(
    (group, index) => ({ id: `c${index}`, group, state: 'pending', accepted: false }) as const,
  );
  return { settings: all, members: assignWaves(members, all), total: members.length, waveEndedAt: null, halt: null };
}

function withStates(
  progress: RolloutProgress,
  states: Readonly<Record<string, PlannedMember['state']>>,
): RolloutProgress {
  return {
    ...progress,
    members: progress.members.map((member) => ({ ...member, state: states[member.id] ?? member.state })),
  };
}

const none = (count: number): null[] => Array.from({ length: count }, () => null);
const wavesOf = ({ members }: RolloutProgress): string[][] =>
  [...new Set(members.map(({ wave }) => wave.number))].map((number) =>
    members.filter(({ wave }) => wave.number === number).map(({ id }) => id),
  );

describe('amounts', () => {
  test.each([
    ['3', { count: 3 }],
    ['0', { count: 0 }],
    ['10%', { percent: 10 }],
    ['100%', { percent: 100 }],
  ])('%s', (text, amount) => {
    expect(parseAmount(text)).toEqual(amount);
    expect(formatAmount(amount)).toBe(text);
  });
  test.each(['', '%', '-1', '101%', '1.5', '10 %', 'all'])('"%s" is none', (text) => {
    expect(parseAmount(text)).toBeNull();
  });
  test('a share is rounded down; at least one instance changes at a time', () => {
    expect(allowedOf({ percent: 10 }, 50)).toBe(5);
    expect(allowedOf({ percent: 10 }, 9)).toBe(0);
    expect(parallelOf({ percent: 10 }, 9)).toBe(1);
    expect(parallelOf({ count: 0 }, 9)).toBe(1);
    expect(parallelOf({ percent: 50 }, 5)).toBe(2);
  });
});

describe('waves', () => {
  test('the canary comes first, alone', () => {
    expect(wavesOf(rolloutOf(none(6), { canary: 1, maxParallel: { count: 3 } }))).toEqual([
      ['c0'],
      ['c1', 'c2', 'c3'],
      ['c4', 'c5'],
    ]);
  });
  test('a canary larger than --max-parallel takes several waves', () => {
    expect(wavesOf(rolloutOf(none(5), { canary: 3, maxParallel: { count: 2 } }))).toEqual([
      ['c0', 'c1'],
      ['c2'],
      ['c3', 'c4'],
    ]);
  });
  test('no wave holds two of a group', () => {
    expect(wavesOf(rolloutOf(['a', 'a', 'b', 'b', null], { maxParallel: { count: 3 } }))).toEqual([
      ['c0', 'c2', 'c4'],
      ['c1', 'c3'],
    ]);
  });
});

describe('the next step', () => {
  test('begins the canary alone, and the others after it', () => {
    const rollout = rolloutOf(none(4), { canary: 1, maxParallel: { count: 10 } });
    expect(nextStep(rollout, 0)).toEqual({ kind: 'begin', ids: ['c0'] });
    expect(nextStep(withStates(rollout, { c0: 'running' }), 0)).toEqual({ kind: 'wait' });
    expect(nextStep(withStates(rollout, { c0: 'kept' }), 0)).toEqual({ kind: 'begin', ids: ['c1', 'c2', 'c3'] });
  });
  test('without a pause a place is filled as soon as it is free', () => {
    const rollout = withStates(rolloutOf(none(4), { maxParallel: { count: 2 } }), { c0: 'running', c1: 'kept' });
    expect(nextStep(rollout, 0)).toEqual({ kind: 'begin', ids: ['c2'] });
  });
  test('with a pause a wave ends first, and then the time passes', () => {
    const rollout = rolloutOf(none(4), { maxParallel: { count: 2 }, pauseMs: 1000 });
    expect(nextStep(withStates(rollout, { c0: 'running', c1: 'kept' }), 0)).toEqual({ kind: 'wait' });
    const ended = { ...withStates(rollout, { c0: 'kept', c1: 'kept' }), waveEndedAt: 5000 };
    expect(nextStep(ended, 5200)).toEqual({ kind: 'pause', ms: 800 });
    expect(nextStep(ended, 6000)).toEqual({ kind: 'begin', ids: ['c2', 'c3'] });
  });
  test('the allowed failures go on, one more stops', () => {
    const rollout = rolloutOf(none(5), { maxFailures: { count: 1 } });
    expect(nextStep(withStates(rollout, { c0: 'failed' }), 0)).toMatchObject({ kind: 'begin' });
    expect(nextStep(withStates(rollout, { c0: 'failed', c1: 'failed' }), 0)).toEqual({ kind: 'end', stop: 'failures' });
  });
  test('the canary allows none', () => {
    const rollout = rolloutOf(none(5), { canary: 2, maxFailures: { count: 3 } });
    expect(nextStep(withStates(rollout, { c0: 'kept', c1: 'failed' }), 0)).toEqual({ kind: 'end', stop: 'canary' });
  });
  test('one that needs a person stops, whatever is allowed', () => {
    const rollout = rolloutOf(none(5), { maxFailures: { percent: 100 } });
    expect(nextStep(withStates(rollout, { c0: 'broken' }), 0)).toEqual({ kind: 'end', stop: 'broken' });
  });
  test('an inconclusive one pauses, after those that run have ended', () => {
    const rollout = withStates(rolloutOf(none(4), { maxParallel: { count: 2 } }), {
      c0: 'inconclusive',
      c1: 'running',
    });
    expect(nextStep(rollout, 0)).toEqual({ kind: 'wait' });
    expect(nextStep(withStates(rollout, { c1: 'kept' }), 0)).toEqual({ kind: 'end', stop: 'inconclusive' });
  });
  test('a failure that a person resumed in spite of counts no more', () => {
    const rollout = withStates(rolloutOf(none(3), { canary: 1 }), { c0: 'failed' });
    const accepted = { ...rollout, members: rollout.members.map((one) => ({ ...one, accepted: one.id === 'c0' })) };
    expect(nextStep(accepted, 0)).toEqual({ kind: 'begin', ids: ['c1'] });
    expect(stopReason(withStates(accepted, { c1: 'failed' }))).toBe('failures');
  });
  test('all or nothing: the kept ones go back when it stops, no two of a group, and not beside a change', () => {
    const rollout = rolloutOf(['a', 'a', 'b', null], { maxParallel: { count: 4 }, allOrNothing: true });
    const stopping = { c0: 'kept', c1: 'kept', c2: 'failed', c3: 'running' } as const;
    expect(nextStep(withStates(rollout, stopping), 0)).toEqual({ kind: 'wait' });
    const stopped = withStates(rollout, { ...stopping, c3: 'kept' });
    const step = nextStep(stopped, 0);
    expect(step).toEqual({ kind: 'revert', ids: ['c1', 'c3'] });
    expect(nextStep(withStates(stopped, { c3: 'revert-failed', c1: 'reverted' }), 0)).toEqual({
      kind: 'revert',
      ids: ['c0'],
    });
  });
  test.each(['interrupted', 'inconclusive'] as const)(
    'all or nothing: %s leaves the kept ones, since it can go on',
    (why) => {
      const rollout = withStates(rolloutOf(none(3), { allOrNothing: true }), {
        c0: 'kept',
        c1: why === 'inconclusive' ? 'inconclusive' : 'pending',
      });
      expect(nextStep({ ...rollout, halt: why === 'interrupted' ? why : null }, 0)).toEqual({ kind: 'end', stop: why });
    },
  );
  test('abort rolls the kept ones back only with all or nothing', () => {
    const rollout = { ...withStates(rolloutOf(none(2)), { c0: 'kept' }), halt: 'aborted' } as const;
    expect(nextStep(rollout, 0)).toEqual({ kind: 'end', stop: 'aborted' });
    const all = { ...rollout, settings: { ...rollout.settings, allOrNothing: true } };
    expect(nextStep(all, 0)).toEqual({ kind: 'revert', ids: ['c0'] });
  });
});

const amount = fc.oneof(
  fc.integer({ min: 0, max: 12 }).map((count) => ({ count })),
  fc.integer({ min: 0, max: 100 }).map((percent) => ({ percent })),
);
const settings = fc.record({
  maxParallel: amount,
  canary: fc.integer({ min: 0, max: 4 }),
  pauseMs: fc.constantFrom(0, 0, 500),
  maxFailures: amount,
  allOrNothing: fc.boolean(),
});
const behaviour = (healthy: number): fc.Arbitrary<Behaviour> =>
  fc.record({
    ms: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 1, max: 100 }) },
      { weight: 1, arbitrary: fc.constant(100_000) },
    ),
    ends: fc.oneof(
      { weight: healthy, arbitrary: fc.constant('kept' as const) },
      { weight: 3, arbitrary: fc.constant('failed' as const) },
      { weight: 1, arbitrary: fc.constantFrom('broken' as const, 'inconclusive' as const, 'skipped' as const) },
    ),
    revertFails: fc.boolean(),
  });
const fleet = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.constantFrom(4, 30, 1000), fc.integer({ min: 1, max: 20 }))
  .chain(([count, healthy, groups]) =>
    fc.record({
      groups: fc.array(fc.option(fc.integer({ min: 1, max: groups }).map(String)), {
        minLength: count,
        maxLength: count,
      }),
      behaviours: fc.array(behaviour(healthy), { minLength: count, maxLength: count }),
    }),
  );

/** What has to be true at every step. */
function holds(progress: RolloutProgress, step: Step): void {
  const { members, settings: how, total } = progress;
  const busy = members.filter(({ state }) => state === 'running' || state === 'reverting');
  expect(busy.length).toBeLessThanOrEqual(parallelOf(how.maxParallel, total));
  const groups = busy.flatMap(({ group }) => (group === null ? [] : [group]));
  expect(new Set(groups).size).toBe(groups.length);
  const isCanaryBusy = busy.some(({ wave, state }) => wave.canary && state === 'running');
  expect(isCanaryBusy && busy.some(({ wave }) => !wave.canary)).toBe(false);
  const begun = step.kind === 'begin' ? members.filter(({ id }) => step.ids.includes(id)) : [];
  const isCanaryOver = members
    .filter(({ wave }) => wave.canary)
    .every(({ state, accepted }) => state === 'kept' || state === 'skipped' || accepted);
  expect(begun.some(({ wave }) => !wave.canary) && !isCanaryOver).toBe(false);
  expect(step.kind === 'begin' ? stopReason(progress) : null).toBeNull();
  expect(step.kind === 'end' ? busy : []).toEqual([]);
}

describe('any rollout', () => {
  test('keeps its limits at every step, stops within what has begun, and forgets nobody', () => {
    fc.assert(
      fc.property(settings, fleet, (how, { groups, behaviours }) => {
        const first = rolloutOf(groups, how);
        const seen = simulate(first, (id) => behaviours[Number(id.slice(1))] as Behaviour, { watch: holds });
        expect(seen.end).not.toBeNull();
        expect([...seen.begun.values()].every((times) => times === 1)).toBe(true);
        const failed = seen.progress.members.filter(({ state }) => state === 'failed' || state === 'broken').length;
        const allowed = allowedOf(how.maxFailures, groups.length);
        expect(failed).toBeLessThanOrEqual(allowed + parallelOf(how.maxParallel, groups.length));
        const pending = seen.progress.members.filter(({ state }) => state === 'pending').length;
        expect(seen.end?.stop === null ? pending : 0).toBe(0);
        expect(seen.begun.size).toBe(groups.length - pending);
        const kept = seen.progress.members.some(({ state }) => state === 'kept');
        const goesBack = how.allOrNothing && seen.end?.stop !== null && seen.end?.stop !== 'inconclusive';
        expect(goesBack && kept).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test('resumed after any kill it never repeats what was kept, and reaches everybody', () => {
    fc.assert(
      fc.property(
        settings,
        fleet,
        fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
        (how, { groups, behaviours }, kills) => {
          const behaviourOf = (id: string): Behaviour => ({
            ...(behaviours[Number(id.slice(1))] as Behaviour),
            ends: 'kept',
          });
          let progress = rolloutOf(groups, { ...how, allOrNothing: false });
          const keptBefore = new Set<string>();
          for (const killAfter of [...kills, Infinity]) {
            const seen = simulate(progress, behaviourOf, { killAfter, watch: holds });
            for (const id of keptBefore) expect(seen.begun.has(id)).toBe(false);
            for (const { id, state } of seen.progress.members) if (state === 'kept') keptBefore.add(id);
            // What ran when guard was killed is rolled back, or kept: recovery tells.
            const states = seen.progress.members.map((one, index) =>
              one.state === 'running'
                ? { ...one, state: index % 2 === 0 ? ('pending' as const) : ('kept' as const) }
                : one,
            );
            for (const { id, state } of states) if (state === 'kept') keptBefore.add(id);
            progress = { ...seen.progress, members: states, waveEndedAt: null };
          }
          expect(keptBefore.size).toBe(groups.length);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('ten thousand instances with failures, slow ones and groups', { timeout: 60_000 }, () => {
    const count = 10_000;
    const groups = Array.from({ length: count }, (_, index) => `member-${index % 500}`);
    const first = rolloutOf(groups, { maxParallel: { percent: 1 }, canary: 3, maxFailures: { percent: 2 } });
    const seen = simulate(first, (id) => {
      const number = Number(id.slice(1));
      return {
        ms: number % 97 === 0 ? 60_000 : 500 + (number % 5) * 100,
        ends: number % 100 === 99 ? 'failed' : 'kept',
        revertFails: false,
      };
    });
    expect(seen.end).toEqual({ kind: 'end', stop: null });
    expect(seen.begun.size).toBe(count);
    expect(seen.mostAtOnce).toBe(100);
  });
});
