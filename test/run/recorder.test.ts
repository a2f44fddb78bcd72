import { describe, expect, test } from 'vitest';
import type { RecordedEvent, RunStarted } from '../../src/event.ts';
import { err, ok } from '../../src/result.ts';
import { createRecorder, inPhase } from '../../src/run/recorder.ts';
import { manualClock } from '../platform/incus/manual-clock.ts';

const started: RunStarted = {
  type: 'run-started',
  version: '1.0.0',
  instance: 'web01',
  project: 'default',
  remote: null,
  command: ['true'],
  wasRunning: true,
  restorePointName: 'guard-20261123-120000-abcd',
  named: false,
  holder: { host: 'host', bootId: 'boot', pid: 1, network: 'net:[1]', id: 'i' },
};

/** A recorder, with one list of what was stored and shown, in order. */
const recorderFor = (
  more: { readonly append?: () => string | null; readonly view?: (event: RecordedEvent) => void | Promise<void> } = {},
) => {
  const clock = manualClock();
  const order: string[] = [];
  const stored: RecordedEvent[] = [];
  const recorder = createRecorder({
    run: '20261123-120000-abcd',
    clock,
    listener: (event) => {
      order.push(`shown ${event.type}`);
      return more.view?.(event);
    },
    openStore: async () =>
      ok({
        append: async (event) => {
          const failure = more.append?.() ?? null;
          if (failure !== null) return err(failure);
          order.push(`stored ${event.type}`);
          stored.push(event);
          return ok(undefined);
        },
        saveEvidence: async () => err('there is no evidence here'),
        close: async () => {},
      }),
  });
  return { recorder, clock, order, stored };
};

test('an event is stored before it is shown', async () => {
  const { recorder, order } = recorderFor();
  await recorder.begin(started);
  expect(order).toEqual(['stored run-started', 'shown run-started']);
});

test('nothing is stored before the run begins: a refusal leaves no record', async () => {
  const { recorder, order } = recorderFor();
  await recorder.record({ type: 'phase-started', phase: 'inspect' });
  expect(order).toEqual(['shown phase-started']);
});

test('each event carries the run and the time', async () => {
  const { recorder, clock, stored } = recorderFor();
  await recorder.begin(started);
  clock.advance(5);
  await recorder.record({ type: 'phase-started', phase: 'command' });
  expect(stored.map(({ v, run, at }) => ({ v, run, at }))).toEqual([
    { v: 1, run: '20261123-120000-abcd', at: 0 },
    { v: 1, run: '20261123-120000-abcd', at: 5 },
  ]);
});

test('a phase is stored as begun before its work begins', async () => {
  const { recorder, clock, order } = recorderFor();
  await recorder.begin(started);
  const value = await inPhase(
    { recorder, clock },
    'restore',
    async () => {
      order.push('work');
      return 7;
    },
    () => ({ ok: true, message: 'done' }),
  );
  expect(value).toBe(7);
  expect(order.slice(2)).toEqual([
    'stored phase-started',
    'shown phase-started',
    'work',
    'stored phase-ended',
    'shown phase-ended',
  ]);
});

test('a record that cannot be begun is known to the run, and shows no record that does not exist', async () => {
  const { recorder, order } = recorderFor({ append: () => 'the disk is full' });
  await recorder.begin(started);
  await recorder.record({ type: 'run-ended', outcome: { outcome: 'kept' }, ms: 1 });
  expect(recorder.writable()).toEqual({ ok: false, error: 'the disk is full' });
  expect(order).toEqual(['shown run-ended']);
});

test('a record that cannot be continued is told once, and known to the run', async () => {
  let isFull = false;
  const { recorder, order } = recorderFor({ append: () => (isFull ? 'the disk is full' : null) });
  await recorder.begin(started);
  isFull = true;
  await recorder.record({ type: 'phase-started', phase: 'command' });
  expect(recorder.writable()).toEqual({ ok: false, error: 'the disk is full' });
  expect(order.slice(2)).toEqual(['shown phase-started', 'shown notice']);
});

describe('a view that fails does not fail the run (F10)', () => {
  test.each<[string, (event: RecordedEvent) => void | Promise<void>]>([
    [
      'at once',
      ({ type }) => {
        if (type !== 'notice') throw new Error('cannot draw');
      },
    ],
    [
      'later',
      async ({ type }) => {
        if (type !== 'notice') throw new Error('cannot draw');
      },
    ],
    [
      'even at the notice of it',
      () => {
        throw new Error('cannot draw');
      },
    ],
  ])('%s', async (_, view) => {
    const { recorder, stored } = recorderFor({ view });
    await recorder.begin(started);
    await recorder.show({ type: 'watch-progress', waitingFor: [], healthyForMs: 0, limitMs: 120_000, soakMs: 10_000 });
    await recorder.record({ type: 'decided', decision: 'rollback', cause: 'command' });
    expect(stored.map(({ type }) => type)).toEqual(['run-started', 'notice', 'decided']);
    expect(stored[1]).toMatchObject({ message: expect.stringContaining('cannot draw') as string });
  });
});
