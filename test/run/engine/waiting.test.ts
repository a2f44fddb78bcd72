import { describe, expect, test } from 'vitest';
import type { Deadline } from '../../../src/deadline.ts';
import type { Outcome, RunEvent } from '../../../src/event.ts';
import { foldEvents } from '../../../src/journal/runs.ts';
import { guardedRun } from '../../../src/run/guarded-run.ts';
import type { ConfirmationAction } from '../../../src/run/lock/confirmation.ts';
import { readMarker } from '../../../src/run/lock/marker.ts';
import type { ConfirmationAnswer, RunTools } from '../../../src/run/tools.ts';
import { isWaitOpen, knownWaitOf } from '../../../src/run/confirmation/known-wait.ts';
import { settleOnInstance } from '../../../src/run/confirmation/settlement.ts';
import { createWorld, instanceName, planOf, recordOf, startGuard, versionOf, type World } from './world.ts';

const run = '20270101-000000-cccc';
const minute = 60_000;

interface Attended {
  readonly world: World;
  readonly outcome: Outcome | null;
  readonly version: string;
  readonly warnings: readonly string[];
  /** What the people inside were told, and how long before the deadline of that moment. */
  readonly told: readonly Told[];
}

interface Told {
  readonly what: (typeof textsInside)[number] | undefined;
  readonly leftMs: number;
}

const textsInside = ['not confirmed yet', 'may be confirmed until', 'was confirmed'] as const;

/** A guard that waits at a terminal. `story` gets the world when the wait begins; `answer` is what the person types after `afterMs`. */
const attend = async (
  confirmMs: number,
  more: {
    readonly answer?: ConfirmationAnswer;
    readonly afterMs?: number;
    readonly by?: boolean;
    readonly story?: (world: World) => Promise<void>;
  },
): Promise<Attended> => {
  const world = createWorld();
  const { tools } = startGuard(world, { run });
  const told: Told[] = [];
  const confirmation: RunTools['confirmation'] = {
    ...tools.confirmation,
    ask: async (_deadline: () => Deadline, over: AbortSignal) => {
      void more.story?.(world);
      if (more.answer === undefined) return new Promise(() => {});
      await tools.clock.sleep(more.afterMs ?? 0, over);
      return more.answer;
    },
    tryCommand: async (_words, over) => {
      await tools.clock.sleep(more.afterMs ?? 0, over);
      return true;
    },
    tellUsers: async (text) => {
      const deadline = recordOf(world, run)?.confirmationDeadline?.at ?? 0;
      told.push({ what: textsInside.find((part) => text.includes(part)), leftMs: deadline - tools.clock.now() });
    },
  };
  let outcome: Outcome | null = null;
  const by = more.by === true ? (['true'] as const) : null;
  void guardedRun(planOf('good', run, { confirmation: { ms: confirmMs, by, detach: false } }), {
    ...tools,
    confirmation,
  }).then((end) => (outcome = end));
  await world.time.pass(15 * minute);
  const warnings = (world.journal.get(run) ?? []).flatMap((event) =>
    event.type === 'notice' && event.level === 'warning' ? [event.message] : [],
  );
  return { world, outcome, version: versionOf(world), warnings, told };
};

/** Nobody answers from the beginning of the wait on. */
const silentFor = (ms: number) => async (world: World) => {
  world.server.downUntil = world.server.clock.monotonic() + ms;
};

describe('a server that is silent for longer than a request is repeated', () => {
  test('does not lose the word of the person at the terminal', async () => {
    const { outcome, version, warnings } = await attend(5 * minute, {
      answer: 'confirm',
      afterMs: 1000,
      story: silentFor(75_000),
    });
    expect({ outcome, version }).toEqual({ outcome: { outcome: 'kept' }, version: 'v2' });
    expect(warnings.filter((text) => text.includes('is not stored yet'))).toHaveLength(1);
  });

  test('does not lose the refusal of the person', async () => {
    const { outcome, version } = await attend(5 * minute, {
      answer: 'refuse',
      afterMs: 1000,
      story: silentFor(75_000),
    });
    expect({ outcome, version }).toEqual({
      outcome: { outcome: 'rolled-back', cause: 'not-confirmed' },
      version: 'v1',
    });
  });

  test('does not lose the success of --confirm-by', async () => {
    const { outcome } = await attend(5 * minute, { by: true, afterMs: 1000, story: silentFor(75_000) });
    expect(outcome).toEqual({ outcome: 'kept' });
  });

  test('and is still silent at the deadline: the change is rolled back when it answers', async () => {
    const { outcome, version } = await attend(30_000, { answer: 'confirm', afterMs: 1000, story: silentFor(50_000) });
    expect({ outcome, version }).toEqual({
      outcome: { outcome: 'rolled-back', cause: 'not-confirmed' },
      version: 'v1',
    });
  });
});

describe('a server that is silent for so long that the lease of the attended guard is lost', () => {
  const deadlineOf = (world: World) => recordOf(world, run)?.confirmationDeadline?.at;

  test.each([
    ['answers again soon', 200_000],
    ['does not answer again', 14 * minute],
  ])('and %s: the guard ends, and the change goes on waiting', async (_what, ms) => {
    const { world, outcome, version } = await attend(60 * minute, { story: silentFor(ms) });
    expect({ outcome, version }).toEqual({
      outcome: { outcome: 'waiting', deadline: deadlineOf(world) },
      version: 'v2',
    });
    expect(knownWaitOf(run, recordOf(world, run), null, 2 * minute)).toMatchObject({
      lease: expect.any(Number) as number,
    });
  });

  test('beyond the deadline: the guard does not say that it waits', async () => {
    const { outcome } = await attend(60_000, { story: silentFor(10 * minute) });
    expect(outcome).toMatchObject({ outcome: 'rollback-failed' });
  });
});

describe('the record of a change that waits', () => {
  const withEvents = (world: World, ...events: readonly RunEvent[]) =>
    foldEvents(run, '/', [
      ...(world.journal.get(run) ?? []),
      ...events.map((event) => ({ ...event, v: 1, run, at: 0 }) as const),
    ]);
  const end: RunEvent = {
    type: 'run-ended',
    outcome: { outcome: 'rollback-failed', cause: 'not-confirmed', message: '', manualRecovery: [] },
    ms: 0,
  };

  test('stays open after an end that decided nothing', async () => {
    const { world } = await attend(60 * minute, { answer: 'leave' });
    expect(isWaitOpen(withEvents(world, end))).toBe(true);
  });

  test.each<readonly [string, RunEvent]>([
    ['a decision', { type: 'decided', decision: 'rollback', cause: 'not-confirmed' }],
    ['a settlement', { type: 'confirmation-settled', state: 'expired' }],
    ['the release of its restore point', { type: 'released', restorePoint: null }],
  ])('is closed by %s', async (_what, event) => {
    const { world } = await attend(60 * minute, { answer: 'leave' });
    const record = withEvents(world, event, end);
    expect(isWaitOpen(record)).toBe(false);
    const { confirmationDeadline } = record;
    expect(knownWaitOf(run, record, { deadline: confirmationDeadline, createdAt: null }, 2 * minute)).toBeNull();
  });
});

describe('a server that refuses writes until the deadline has passed', () => {
  test.each<ConfirmationAction>([{ kind: 'confirm' }, { kind: 'extend', ms: 10 * minute }])(
    'does not store after it what somebody wanted before: $kind',
    async (action) => {
      const { world } = await attend(20 * minute, { answer: 'leave' });
      const deadline = recordOf(world, run)?.confirmationDeadline ?? null;
      if (deadline === null) throw new Error('The change does not wait.');
      const { clock } = world.server;
      const { tools, process } = startGuard(world, {
        run,
        faultOf: ({ name }) => (name === 'patchInstance' && clock.now() < deadline.at + 5000 ? 'busy' : null),
      });
      const end = await world.time.run(process, async () => {
        await tools.clock.sleep(deadline.at - 20_000 - tools.clock.now());
        const settling = { ...tools, readClocks: tools.confirmation.readClocks };
        return settleOnInstance(settling, instanceName, run, action);
      });
      expect(end).toMatchObject({
        end: 'done',
        value: { ok: false, error: { kind: 'conflict', conflict: 'expired' } },
      });
      expect(readMarker({ metadata: world.instance.metadata })?.confirmation).toMatchObject({
        state: 'waiting',
        deadline,
      });
    },
  );
});

describe('the people inside are warned', () => {
  const warning = (leftMs: number) => ({ what: 'not confirmed yet', leftMs: expect.closeTo(leftMs, -4) as number });

  test('once, a minute before the deadline', async () => {
    expect((await attend(3 * minute, {})).told).toEqual([warning(minute)]);
  });

  test('at the beginning of a wait that is shorter', async () => {
    expect((await attend(20_000, {})).told).toEqual([warning(20_000)]);
  });

  test('not where the change is confirmed before', async () => {
    expect((await attend(3 * minute, { answer: 'confirm', afterMs: 30_000 })).told).toEqual([]);
  });

  test('and told that it is over where the change is confirmed after the warning', async () => {
    const { told } = await attend(2 * minute, { answer: 'confirm', afterMs: 90_000 });
    expect(told.map(({ what }) => what)).toEqual(['not confirmed yet', 'was confirmed']);
  });

  test('and told of the new deadline where it was moved after the warning, and warned again', async () => {
    const { told } = await attend(2 * minute, {
      story: async (world) => {
        const { tools } = startGuard(world, { run });
        await tools.clock.sleep(90_000);
        const settling = { ...tools, readClocks: tools.confirmation.readClocks };
        await settleOnInstance(settling, instanceName, run, { kind: 'extend', ms: 4 * minute });
      },
    });
    expect(told).toEqual([
      warning(minute),
      expect.objectContaining({ what: 'may be confirmed until' }),
      warning(minute),
    ]);
  });
});
