import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Outcome } from '../../src/event.ts';
import { executeRollout, type RolloutTools } from '../../src/rollout/execute.ts';
import { nextStep, type RolloutSettings } from '../../src/rollout/planner.ts';
import { foldRollout, withRolloutEvent, type MemberRecord, type RolloutRecord } from '../../src/rollout/record.ts';
import { abortEvent, describeEnd, resumeEvent, unfinishedMembers } from '../../src/rollout/resume.ts';
import type { RecordedRolloutEvent, RolloutEvent } from '../../src/rollout-event.ts';
import { err, ok } from '../../src/result.ts';
import { holder, membersOf, oneByOne, otherHolder, recorded, recordOf } from './record-samples.ts';

const kept: Outcome = { outcome: 'kept' };
const unhealthy: Outcome = { outcome: 'rolled-back', cause: 'unhealthy' };
const inconclusive: Outcome = { outcome: 'rolled-back', cause: 'inconclusive' };
const notWell: Outcome = { outcome: 'rolled-back-not-well', cause: 'unhealthy' };
const refusal: Outcome = { outcome: 'refused', refusal: { message: '', advice: '' } };
const busy: Outcome = { outcome: 'busy', refusal: { message: '', advice: '' } };

interface Played {
  readonly record: RolloutRecord;
  readonly exitStatus: number;
  readonly events: readonly RecordedRolloutEvent[];
  readonly ran: readonly string[];
  readonly reverted: readonly string[];
}

async function play(
  count: number,
  settings: Partial<RolloutSettings>,
  outcomes: Readonly<Record<string, Outcome>> = {},
  more: Partial<RolloutTools> = {},
): Promise<Played> {
  const how = { ...oneByOne, ...settings };
  const events: RecordedRolloutEvent[] = [];
  const ran: string[] = [];
  const reverted: string[] = [];
  let runs = 0;
  const ended = await executeRollout(recordOf(membersOf(count, how)), how, {
    clock: { ...systemClock, sleep: async () => {} },
    interrupted: new AbortController().signal,
    isAborted: false,
    skipRefused: false,
    newRunId: () => `20261129-230000-${String((runs += 1)).padStart(4, '0')}`,
    runIdFor: () => `20261129-230000-${String((runs += 1)).padStart(4, '0')}`,
    record: async (event) => {
      events.push(event);
      return ok(undefined);
    },
    runMember: async ({ name }) => {
      ran.push(name);
      await Promise.resolve();
      return { outcome: outcomes[name] ?? kept, message: '' };
    },
    revertMember: async ({ name }) => {
      reverted.push(name);
      return { outcome: kept, message: '' };
    },
    signalStatus: () => null,
    takenOver: new AbortController().signal,
    renew: async () => {},
    proveOwn: async () => ok(undefined),
    ...more,
  });
  return { ...ended, events, ran, reverted };
}

const statesOf = ({ record }: Played): string[] => record.members.map(({ state }) => state);

describe('a rollout', () => {
  test('keeps all of them: 0', async () => {
    const played = await play(4, { maxParallel: { count: 2 } });
    expect(played.exitStatus).toBe(0);
    expect(statesOf(played)).toEqual(['kept', 'kept', 'kept', 'kept']);
    expect(played.record.status).toBe('complete');
  });
  test('a canary that breaks leaves the others untouched: 40', async () => {
    const played = await play(5, { canary: 1, maxParallel: { count: 10 } }, { c0: unhealthy });
    expect(played).toMatchObject({ exitStatus: 40, ran: ['c0'] });
    expect(played.record).toMatchObject({ status: 'stopped', stop: 'canary' });
  });
  test('failures that are allowed go on to the end, which is 40 all the same', async () => {
    const played = await play(5, { maxFailures: { count: 2 } }, { c0: unhealthy, c3: unhealthy });
    expect(played).toMatchObject({ exitStatus: 40, record: { status: 'complete', stop: null } });
    expect(played.ran).toHaveLength(5);
  });
  test('inconclusive pauses: 41', async () => {
    const played = await play(5, {}, { c1: inconclusive });
    expect(played).toMatchObject({ exitStatus: 41, ran: ['c0', 'c1'], record: { status: 'paused' } });
  });
  test('20 comes before everything else', async () => {
    const played = await play(5, { maxFailures: { count: 5 } }, { c0: unhealthy, c2: notWell });
    expect(played).toMatchObject({ exitStatus: 20, ran: ['c0', 'c1', 'c2'], record: { stop: 'broken' } });
  });
  test('all or nothing rolls the kept ones back, and one that fails does not stop the others', async () => {
    const played = await play(
      4,
      { allOrNothing: true },
      { c3: unhealthy },
      {
        revertMember: async ({ name }) => ({ outcome: name === 'c1' ? unhealthy : kept, message: '' }),
      },
    );
    expect(played.exitStatus).toBe(40);
    expect(statesOf(played)).toEqual(['reverted', 'revert-failed', 'reverted', 'failed']);
    expect(played.events.find((event) => event.type === 'revert-ended' && event.state === 'reverted')).toMatchObject({
      lostMs: expect.any(Number) as number,
    });
  });
  test('a busy instance is tried again, and at last is inconclusive', async () => {
    let times = 0;
    const once = await play(
      1,
      {},
      {},
      { runMember: async () => ({ outcome: (times += 1) < 3 ? busy : kept, message: '' }) },
    );
    expect(once).toMatchObject({ exitStatus: 0 });
    expect(times).toBe(3);
    const always = await play(2, {}, { c0: busy });
    expect(always).toMatchObject({ exitStatus: 41 });
    expect(always.ran.length).toBeGreaterThan(3);
  });
  test('what is refused at its turn pauses, or is left out', async () => {
    expect(await play(3, {}, { c1: refusal })).toMatchObject({ exitStatus: 41 });
    const skipping = await play(3, {}, { c1: refusal }, { skipRefused: true });
    expect(skipping.exitStatus).toBe(0);
    expect(statesOf(skipping)).toEqual(['kept', 'skipped', 'kept']);
  });
  test('a signal begins nothing more, and what ran can begin again', async () => {
    const controller = new AbortController();
    const played = await play(
      5,
      { maxParallel: { count: 2 } },
      {},
      {
        interrupted: controller.signal,
        signalStatus: () => (controller.signal.aborted ? 130 : null),
        runMember: async ({ name }) => {
          if (name === 'c1') controller.abort();
          return { outcome: name === 'c1' ? { outcome: 'interrupted', signal: 'SIGINT' } : kept, message: '' };
        },
      },
    );
    expect(played).toMatchObject({ exitStatus: 130, record: { status: 'interrupted' } });
    expect(statesOf(played)).toContain('pending');
  });
  test('a takeover by another host begins nothing more', async () => {
    const over = new AbortController();
    const played = await play(
      3,
      {},
      {},
      {
        takenOver: over.signal,
        runMember: async () => {
          over.abort();
          return { outcome: kept, message: '' };
        },
      },
    );
    expect(played).toMatchObject({ exitStatus: 31, record: { stop: 'taken-over' } });
    expect(statesOf(played)).toEqual(['kept', 'pending', 'pending']);
  });
  test('a takeover that the first write of a run finds begins nothing, nor what begins beside it', async () => {
    const over = new AbortController();
    const played = await play(
      4,
      { maxParallel: { count: 2 } },
      {},
      {
        takenOver: over.signal,
        record: async (event) => {
          if (event.type === 'member-begun' && event.id.endsWith('c2')) over.abort();
          return ok(undefined);
        },
      },
    );
    expect(played).toMatchObject({ exitStatus: 31, ran: ['c0', 'c1'], record: { stop: 'taken-over' } });
    expect(statesOf(played)).toEqual(['kept', 'kept', 'pending', 'pending']);
  });
  test('an instance that is busy with the change of another host that took over is not tried again', async () => {
    const renewed = new AbortController();
    let times = 0;
    const played = await play(
      2,
      {},
      {},
      {
        takenOver: renewed.signal,
        renew: async () => renewed.abort(),
        runMember: async () => ({ outcome: (times += 1) < 2 ? busy : kept, message: '' }),
      },
    );
    expect(played).toMatchObject({ exitStatus: 31, record: { stop: 'taken-over' } });
    expect(statesOf(played)).toEqual(['pending', 'pending']);
    expect(times).toBe(1);
  });
  test('a takeover that the first write of a rollback finds rolls nothing back', async () => {
    const over = new AbortController();
    const played = await play(
      3,
      { allOrNothing: true },
      { c2: unhealthy },
      {
        takenOver: over.signal,
        record: async ({ type }) => {
          if (type === 'revert-begun') over.abort();
          return ok(undefined);
        },
      },
    );
    expect(played).toMatchObject({ exitStatus: 31, reverted: [], record: { stop: 'taken-over' } });
    expect(statesOf(played)).toEqual(['kept', 'kept', 'failed']);
  });
  test('a takeover while a run waits for its instance: its change does not begin', async () => {
    const over = new AbortController();
    const played = await play(
      2,
      {},
      {},
      {
        takenOver: over.signal,
        runMember: async (_member, _run, { permission }) => {
          setTimeout(() => over.abort(), 0);
          await new Promise((resolve) => permission.withdrawn.addEventListener('abort', resolve));
          return { outcome: busy, message: '' };
        },
      },
    );
    expect(played).toMatchObject({ exitStatus: 31, record: { stop: 'taken-over' } });
    expect(statesOf(played)).toEqual(['pending', 'pending']);
  });
  test('a rollout that stops: what has not begun its change does not begin it', async () => {
    const asked: (string | null)[] = [];
    const played = await play(
      4,
      { maxParallel: { count: 2 } },
      {},
      {
        runMember: async ({ name }, _run, { permission }) => {
          if (name === 'c0') return { outcome: unhealthy, message: '' };
          // It prepares until the other one has failed.
          await new Promise((resolve) => permission.withdrawn.addEventListener('abort', resolve));
          asked.push(await permission.ask());
          return { outcome: refusal, message: '' };
        },
      },
    );
    expect(asked).toEqual(['The rollout stopped before the change began.']);
    expect(played).toMatchObject({ exitStatus: 40, record: { status: 'stopped' } });
    expect(statesOf(played)).toEqual(['failed', 'pending', 'pending', 'pending']);
  });
  test('a change that cannot be recorded does not begin, and the rollout pauses, also with --skip-refused', async () => {
    const played = await play(
      4,
      { maxParallel: { count: 1 } },
      {},
      {
        skipRefused: true,
        record: async (event) =>
          event.type === 'member-begun' && event.id.endsWith('c1') ? err('the disk is full') : ok(undefined),
      },
    );
    expect(played).toMatchObject({ exitStatus: 41, ran: ['c0'], record: { status: 'paused' } });
    expect(statesOf(played)).toEqual(['kept', 'inconclusive', 'pending', 'pending']);
    expect(played.record.members[1]?.message).toContain('the disk is full');
  });
  test('a change whose rollout cannot be proven its own does not begin', async () => {
    const played = await play(
      2,
      {},
      {},
      {
        skipRefused: true,
        proveOwn: async () => err('The server does not answer.'),
        runMember: async (_member, _run, { permission }) => ({
          outcome: (await permission.ask()) === null ? kept : refusal,
          message: '',
        }),
      },
    );
    expect(played).toMatchObject({ exitStatus: 41 });
    expect(statesOf(played)).toEqual(['inconclusive', 'pending']);
  });
  test('a rollback does not wait for its record, and one that finds its instance busy is tried again', async () => {
    let times = 0;
    const played = await play(
      3,
      { allOrNothing: true },
      { c2: unhealthy },
      {
        record: async (event) =>
          event.type === 'revert-begun' && event.id.endsWith('c1') ? err('the disk is full') : ok(undefined),
        revertMember: async () => ({ outcome: (times += 1) < 3 ? busy : kept, message: '' }),
      },
    );
    expect(times).toBe(4);
    expect(played).toMatchObject({ exitStatus: 40 });
    expect(statesOf(played)).toEqual(['reverted', 'reverted', 'failed']);
  });
  test('a fault in guard is recorded, the others are finished, and it is thrown', async () => {
    const events: RecordedRolloutEvent[] = [];
    const broken = play(
      3,
      {},
      {},
      {
        record: async (event) => {
          events.push(event);
          return ok(undefined);
        },
        runMember: async () => {
          throw new Error('a bug');
        },
      },
    );
    await expect(broken).rejects.toThrow('a bug');
    expect(events.at(-1)).toMatchObject({ type: 'rollout-ended', exitStatus: 70 });
  });
});

test.each([
  ['complete', null, false, /is complete/],
  ['aborted', 'aborted', false, /was aborted/],
  ['interrupted', 'taken-over', false, /was taken over by another host/],
  ['interrupted', 'taken-over', true, /^open$/],
  ['interrupted', 'interrupted', false, /^open$/],
  ['stopped', 'failures', false, /^open$/],
] as const)('%s (%s), on the server: %s; whether it can be resumed', (status, stop, isOnServer, message) => {
  const end = describeEnd({ id: 'x', status, stop, isAborting: false }, { isOnServer, how: 'resume' });
  expect(end?.message ?? 'open').toMatch(message);
});

test('one that somebody began to end is ended, and not resumed', () => {
  const left = { id: 'x', status: 'interrupted', stop: 'interrupted', isAborting: true } as const;
  expect(describeEnd(left, { isOnServer: true, how: 'resume' })?.advice).toContain('guard rollout abort x');
  expect(describeEnd(left, { isOnServer: true, how: 'abort' })).toBeNull();
});

test('interrupted while it rolls everything back, a rollout goes on with that', async () => {
  const settings: RolloutSettings = { ...oneByOne, allOrNothing: true };
  const controller = new AbortController();
  const cut = await play(
    3,
    settings,
    { c2: unhealthy },
    {
      interrupted: controller.signal,
      signalStatus: () => 130,
      revertMember: async () => {
        controller.abort();
        return { outcome: kept, message: '' };
      },
    },
  );
  expect(cut).toMatchObject({ exitStatus: 130, record: { status: 'interrupted', stop: 'interrupted' } });
  expect(statesOf(cut)).toEqual(['kept', 'reverted', 'failed']);
  expect(
    resumeEvent(cut.record, settings, { holder: otherHolder, seen: cut.record, retryFailed: false }),
  ).toMatchObject({
    members: [],
    accepted: [],
  });
});

test('a rollback that a signal undoes is tried again by whoever goes on', async () => {
  const controller = new AbortController();
  const settings: RolloutSettings = { ...oneByOne, allOrNothing: true };
  const cut = await play(
    2,
    settings,
    { c1: unhealthy },
    {
      interrupted: controller.signal,
      signalStatus: () => 130,
      revertMember: async () => {
        controller.abort();
        return { outcome: { outcome: 'interrupted', signal: 'SIGINT' }, message: '' };
      },
    },
  );
  expect(cut).toMatchObject({ exitStatus: 130, record: { status: 'interrupted', isGoingBack: true } });
  expect(statesOf(cut)).toEqual(['kept', 'failed']);
  const event = resumeEvent(cut.record, settings, { holder: otherHolder, seen: cut.record, retryFailed: false });
  expect(stepAfter(cut.record, settings, event)).toMatchObject({ kind: 'revert', ids: [cut.record.members[0]?.id] });
});

test('an end comes to its end, whatever a recovery has found', () => {
  const record = recordOf(membersOf(3, oneByOne));
  const id = record.members[0]?.id ?? '';
  const end = { run: '20261129-230000-0001', state: 'broken', outcome: 'rollback-failed', message: '', ms: 1 } as const;
  const known = withRolloutEvent(record, recorded({ type: 'member-ended', id, ...end }));
  const event = abortEvent(known, oneByOne, otherHolder);
  expect(stepAfter(known, oneByOne, event, 'aborted')).toEqual({ kind: 'end', stop: 'aborted' });
});

test('one that could not be rolled back because it was busy is tried again', () => {
  const settings: RolloutSettings = { ...oneByOne, allOrNothing: true };
  const record = recordOf(membersOf(2, settings), { status: 'stopped', stop: 'failures' });
  const [first, second] = record.members;
  const stopped: RolloutRecord = {
    ...record,
    members: [
      { ...(first as MemberRecord), state: 'revert-failed', outcome: 'busy' },
      { ...(second as MemberRecord), state: 'failed', outcome: 'rolled-back' },
    ],
  };
  const event = abortEvent(stopped, settings, otherHolder);
  expect(stepAfter(stopped, settings, event, 'aborted')).toMatchObject({ kind: 'revert', ids: [first?.id] });
});

test('a canary that failed among failures that are allowed: what was being rolled back still is', () => {
  const settings: RolloutSettings = {
    ...oneByOne,
    canary: 2,
    maxFailures: { percent: 10 },
    allOrNothing: true,
  };
  const record = recordOf(membersOf(50, settings));
  const [first, second] = record.members.map(({ id }) => id) as [string, string];
  const run = '20261129-230000-0001';
  const kept = { type: 'member-ended', id: first, run, state: 'kept', outcome: 'kept', message: '', ms: 1 } as const;
  const killed = [recorded(kept), recorded({ ...kept, id: second, state: 'failed', outcome: 'rolled-back' })].reduce(
    withRolloutEvent,
    record,
  );
  const event = resumeEvent(killed, settings, { holder: otherHolder, seen: killed, retryFailed: false });
  expect(stepAfter(killed, settings, event)).toMatchObject({ kind: 'revert', ids: [first] });
});

test('a failure that only the recovery found stops the rollout: nobody has seen it', () => {
  const record = recordOf(membersOf(3, oneByOne));
  const run = '20261129-230000-0001';
  const id = record.members[0]?.id ?? '';
  const seen = withRolloutEvent(record, recorded({ type: 'member-begun', id, run }));
  const end = { state: 'failed', outcome: 'rolled-back', message: '', ms: 1 } as const;
  const known = withRolloutEvent(seen, recorded({ type: 'member-ended', id, run, ...end }));
  const event = resumeEvent(known, oneByOne, { holder: otherHolder, seen, retryFailed: false });
  expect(event.accepted).toEqual([]);
  expect(stepAfter(known, oneByOne, event)).toEqual({ kind: 'end', stop: 'failures' });
  const again = resumeEvent(known, oneByOne, { holder: otherHolder, seen: known, retryFailed: false });
  expect(stepAfter(known, oneByOne, again)).toMatchObject({ kind: 'begin' });
});

/** What a rollout does first after it was taken up again. */
function stepAfter(
  record: RolloutRecord,
  settings: RolloutSettings,
  event: RolloutEvent,
  halt: 'aborted' | null = null,
) {
  const { members } = withRolloutEvent(record, recorded(event));
  return nextStep({ settings, members, total: members.length, waveEndedAt: null, halt }, 0);
}

test('killed while it rolled the first one back, a rollout goes on with that', () => {
  const how = { ...oneByOne, allOrNothing: true };
  const record = recordOf(membersOf(3, how));
  const [a, b] = record.members.map(({ id }) => id) as [string, string];
  const run = '20261129-230000-0001';
  const kept = { type: 'member-ended', id: a, run, state: 'kept', outcome: 'kept', message: '', ms: 1 } as const;
  const recovered = [
    recorded({ type: 'member-begun', id: a, run }, 500),
    recorded(kept),
    recorded({ ...kept, id: b, state: 'failed', outcome: 'rolled-back' }),
    recorded({ type: 'revert-begun', id: a, run: '20261129-230000-0002' }),
    // Its recovery finds that it did not begin.
    recorded(kept, 9000),
  ].reduce(withRolloutEvent, record);
  // What is lost later counts from the change, and not from the recovery.
  expect(recovered.members[0]).toMatchObject({ state: 'kept', changedAt: 500 });
  expect(resumeEvent(recovered, how, { holder: otherHolder, seen: recovered, retryFailed: false })).toMatchObject({
    members: [],
    accepted: [],
  });
});

describe('killed at any moment, and resumed', () => {
  test('nothing that was kept is begun again, and everybody has a turn', async () => {
    const settings = fc.record({
      count: fc.integer({ min: 1, max: 12 }),
      canary: fc.integer({ min: 0, max: 2 }),
      parallel: fc.integer({ min: 1, max: 5 }),
      kills: fc.array(fc.integer({ min: 1, max: 15 }), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(settings, async ({ count, canary, parallel, kills }) => {
        const how: RolloutSettings = { ...oneByOne, canary, maxParallel: { count: parallel } };
        const journal: RecordedRolloutEvent[] = [
          recorded({
            type: 'rollout-started',
            version: '1',
            command: ['true'],
            options: [],
            members: membersOf(count, how),
            holder,
          }),
        ];
        // What is true of the instances, whatever the record says of it.
        const applied = new Map<string, number>();
        let runs = 0;
        for (const killAfter of [...kills, Infinity]) {
          let left = killAfter;
          let record = foldRollout(journal) as RolloutRecord;
          const dead = (): boolean => left <= 0;
          for (const { id, name, run } of unfinishedMembers(record)) {
            const state = applied.has(name) ? ('kept' as const) : ('pending' as const);
            journal.push(
              recorded({ type: 'member-ended', id, run: run ?? '', state, outcome: null, message: '', ms: 0 }),
            );
          }
          record = foldRollout(journal) as RolloutRecord;
          const resumed = recorded(resumeEvent(record, how, { holder: otherHolder, seen: record, retryFailed: false }));
          journal.push(resumed);
          const whole = executeRollout(withRolloutEvent(record, resumed), how, {
            clock: systemClock,
            interrupted: new AbortController().signal,
            isAborted: false,
            skipRefused: false,
            newRunId: () => `20261129-230000-${String((runs += 1)).padStart(4, '0')}`,
            runIdFor: () => `20261129-230000-${String((runs += 1)).padStart(4, '0')}`,
            record: async (event) => {
              left -= 1;
              if (dead()) return new Promise(() => {});
              journal.push(event);
              return ok(undefined);
            },
            runMember: async ({ name }) => {
              if (dead()) return new Promise(() => {});
              await Promise.resolve();
              applied.set(name, (applied.get(name) ?? 0) + 1);
              return { outcome: kept, message: '' };
            },
            revertMember: async () => ({ outcome: kept, message: '' }),
            signalStatus: () => null,
            takenOver: new AbortController().signal,
            renew: async () => {},
            proveOwn: async () => ok(undefined),
          });
          await Promise.race([whole, untilDead(dead)]);
        }
        expect([...applied.values()]).toEqual(Array.from({ length: count }, () => 1));
        expect(foldRollout(journal)?.status).toBe('complete');
      }),
      { numRuns: 60 },
    );
  });
});

async function untilDead(dead: () => boolean): Promise<void> {
  // Turns of the event loop, not time.
  while (!dead()) await new Promise((resolve) => setImmediate(resolve));
}
