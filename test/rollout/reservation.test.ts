import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { executeRollout } from '../../src/rollout/execute.ts';
import type { RolloutSettings } from '../../src/rollout/planner.ts';
import { withRolloutEvent, type RolloutRecord } from '../../src/rollout/record.ts';
import { ok } from '../../src/result.ts';
import { createReservations, mayPublishLater } from '../../src/rollout/reservation.ts';
import { reservedMembers, resumeEvent, unfinishedMembers } from '../../src/rollout/resume.ts';
import { holder, membersOf, oneByOne, recorded, recordOf } from './record-samples.ts';

const kept = { outcome: 'kept' } as const;

function idMaker(): () => string {
  let count = 0;
  return () => `20261129-230000-${String((count += 1)).padStart(4, '0')}`;
}

test('the next runs have ids in the record, which their runs get', () => {
  const reservations = createReservations(2, idMaker());
  const record = recordOf(membersOf(4, oneByOne));
  const shared = reservations.withReservations(record);
  expect(shared.members.map(({ run }) => run)).toEqual(['20261129-230000-0001', '20261129-230000-0002', null, null]);
  expect(reservations.withReservations(record)).toEqual(shared);
  const [first, , third] = record.members.map(({ id }) => id) as [string, string, string];
  expect(reservations.runIdFor(first)).toBe('20261129-230000-0001');
  expect(reservations.runIdFor(third)).toBe('20261129-230000-0003');
});

test('an id counts as published for half a minute', () => {
  const reservations = createReservations(1, idMaker());
  const record = recordOf(membersOf(2, oneByOne));
  const [first, second] = record.members.map(({ id }) => id) as [string, string];
  expect(reservations.isPublished(first, 0)).toBe(false);
  reservations.onPublished(reservations.withReservations(record), 1000);
  expect(reservations.isPublished(first, 30_999)).toBe(true);
  expect(reservations.isPublished(second, 30_999)).toBe(false);
  expect(reservations.isPublished(first, 31_000)).toBe(false);
});

test('killed at any moment, and taken over from what the server has by then: nothing is done twice, nothing is forgotten', async () => {
  const settings = fc.record({
    count: fc.integer({ min: 1, max: 12 }),
    parallel: fc.integer({ min: 1, max: 5 }),
    ahead: fc.integer({ min: 0, max: 6 }),
    kills: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 4 }),
    late: fc.infiniteStream(fc.boolean()),
  });
  await fc.assert(
    fc.asyncProperty(settings, async ({ count, parallel, ahead, kills, late }) => {
      const how: RolloutSettings = { ...oneByOne, maxParallel: { count: parallel } };
      const newRunId = idMaker();
      let published: RolloutRecord = recordOf(membersOf(count, how));
      // What the instances say, whatever the record on the server does.
      const applied = new Map<string, string[]>();
      for (const killAfter of [...kills, Infinity]) {
        if (published.status === 'complete') break;
        let left = killAfter;
        const isDead = (): boolean => left <= 0;
        const reservations = createReservations(ahead, newRunId);
        let record = published;
        for (const { id, name, run } of [...unfinishedMembers(record), ...reservedMembers(record)]) {
          const state = run !== null && applied.get(name)?.at(-1) === run ? 'kept' : 'pending';
          record = withRolloutEvent(
            record,
            recorded({ type: 'member-ended', id, run: run ?? '', state, outcome: null, message: '', ms: 0 }),
          );
        }
        record = withRolloutEvent(
          record,
          recorded(resumeEvent(record, how, { holder, seen: record, retryFailed: false })),
        );
        const publish = (one: RolloutRecord): void => {
          published = reservations.withReservations(one);
          reservations.onPublished(published, 0);
        };
        publish(record);
        const whole = executeRollout(record, how, {
          clock: systemClock,
          interrupted: new AbortController().signal,
          isAborted: false,
          skipRefused: false,
          newRunId,
          runIdFor: ({ id }) => reservations.runIdFor(id),
          record: async (event, after) => {
            left -= 1;
            if (isDead()) return new Promise(() => {});
            const isLate =
              mayPublishLater(event, (id) => reservations.isPublished(id, 0)) && late.next().value === true;
            if (!isLate) publish(after);
            return ok(undefined);
          },
          runMember: async ({ name }, run) => {
            if (isDead()) return new Promise(() => {});
            await Promise.resolve();
            applied.set(name, [...(applied.get(name) ?? []), run]);
            return { outcome: kept, message: '' };
          },
          revertMember: async () => ({ outcome: kept, message: '' }),
          signalStatus: () => null,
          takenOver: new AbortController().signal,
          renew: async () => {},
          proveOwn: async () => ok(undefined),
        });
        await Promise.race([whole, untilDead(isDead)]);
      }
      expect(published.status).toBe('complete');
      expect([...applied.values()].map((runs) => runs.length)).toEqual(Array.from({ length: count }, () => 1));
    }),
    { numRuns: 200 },
  );
});

test('all of 30 rolled back, resumed on another host that dies at any moment, and resumed on the first: none is forgotten', async () => {
  const how: RolloutSettings = { ...oneByOne, maxParallel: { count: 3 }, allOrNothing: true };
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 0, max: 29 }), async (killAfter, failing) => {
      const newRunId = idMaker();
      let published: RolloutRecord = recordOf(membersOf(30, how));
      // By the instance's name: the run whose change is on it.
      const applied = new Map<string, string>();
      // Each host knows how its own runs ended.
      const journals = { first: new Map<string, 'kept' | 'failed'>(), second: new Map<string, 'kept' | 'failed'>() };

      async function runOn(host: 'first' | 'second', isFixed: boolean, left: number): Promise<void> {
        const isDead = (): boolean => left <= 0;
        const reservations = createReservations(10, newRunId);
        let record = published;
        for (const { id, name, run } of [...unfinishedMembers(record), ...reservedMembers(record)]) {
          const state = journals[host].get(run ?? '') ?? (applied.get(name) === run ? 'kept' : 'pending');
          const ended = { type: 'member-ended', id, run: run ?? '', state, outcome: null, message: '', ms: 0 } as const;
          record = withRolloutEvent(record, recorded(ended));
        }
        record = withRolloutEvent(
          record,
          recorded(resumeEvent(record, how, { holder, seen: record, retryFailed: isFixed })),
        );
        published = reservations.withReservations(record);
        const whole = executeRollout(record, how, {
          clock: systemClock,
          interrupted: new AbortController().signal,
          isAborted: false,
          skipRefused: false,
          newRunId,
          runIdFor: ({ id }) => reservations.runIdFor(id),
          record: async (_event, after) => {
            left -= 1;
            if (isDead()) return new Promise(() => {});
            published = reservations.withReservations(after);
            return ok(undefined);
          },
          runMember: async ({ name }, run) => {
            if (isDead()) return new Promise(() => {});
            await Promise.resolve();
            const isHealthy = isFixed || name !== `c${failing}`;
            journals[host].set(run, isHealthy ? 'kept' : 'failed');
            if (isHealthy) applied.set(name, run);
            return {
              outcome: isHealthy ? kept : ({ outcome: 'rolled-back', cause: 'unhealthy' } as const),
              message: '',
            };
          },
          revertMember: async ({ name }) => {
            applied.delete(name);
            return { outcome: kept, message: '' };
          },
          signalStatus: () => null,
          takenOver: new AbortController().signal,
          renew: async () => {},
          proveOwn: async () => ok(undefined),
        });
        await Promise.race([whole, untilDead(isDead)]);
      }

      await runOn('first', false, Infinity);
      expect(published).toMatchObject({ status: 'stopped', stop: 'failures' });
      expect(applied.size).toBe(0);
      await runOn('second', true, killAfter);
      await runOn('first', true, Infinity);
      expect(published.status).toBe('complete');
      expect(published.members.map(({ state }) => state)).toEqual(published.members.map(() => 'kept'));
      expect([...applied.keys()].toSorted()).toEqual(published.members.map(({ name }) => name).toSorted());
    }),
    { numRuns: 50 },
  );
});

async function untilDead(isDead: () => boolean): Promise<void> {
  // Turns of the event loop, not time.
  while (!isDead()) await new Promise((resolve) => setImmediate(resolve));
}
