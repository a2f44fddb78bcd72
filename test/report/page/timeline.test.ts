import { describe, expect, test } from 'vitest';
import { foldEvents } from '../../../src/journal/runs.ts';
import type { Phase, RunEvent } from '../../../src/event.ts';
import { timelineOf } from '../../../src/report/page/timeline.ts';
import { recorded } from '../example-events.ts';

const began = (phase: Phase): RunEvent => ({ type: 'phase-started', phase });
const over = (phase: Phase, ok = true): RunEvent => ({ type: 'phase-ended', phase, ok, ms: 1000, message: 'done' });
const timelineOfEvents = (...events: readonly RunEvent[]) => timelineOf(foldEvents('r', '', recorded(...events)));
const start = 1_790_000_000_000;

describe('the timeline of a run', () => {
  test('has its phases in order, with the watch in the verification', () => {
    const { rows, whole, downtime } = timelineOfEvents(
      began('command'),
      over('command'),
      began('verify'),
      {
        type: 'watch-observed',
        observations: [
          { at: start + 2500, waitingFor: 1, message: 'x' },
          { at: 1, waitingFor: 0 },
        ],
      },
      over('verify', false),
    );
    expect(whole).toEqual({ from: start, to: start + 4000 });
    expect(rows.map(({ phase, result }) => [phase, result?.ok])).toEqual([
      ['command', true],
      ['verify', false],
    ]);
    expect(rows[1]?.observations).toEqual([{ at: start + 2500, waitingFor: 1, message: 'x' }]);
    expect(downtime).toBeNull();
  });

  test('says how long the instance was stopped, from the stop until it ran again', () => {
    const { downtime } = timelineOfEvents(began('stop'), over('stop'), began('start'), over('start'));
    expect(downtime).toEqual({ from: start, to: start + 3000 });
  });

  test('counts from the first stop if a failed rollback was taken up again', () => {
    const failed = [began('stop'), over('stop'), began('restore'), over('restore', false)];
    const recovered = [began('stop'), over('stop'), began('restore'), over('restore'), began('start'), over('start')];
    expect(timelineOfEvents(...failed, ...recovered).downtime).toEqual({ from: start, to: start + 9000 });
    const earlier = [began('stop'), over('stop'), began('start'), over('start')];
    expect(timelineOfEvents(...earlier, ...failed, ...recovered).downtime).toEqual({
      from: start + 4000,
      to: start + 13_000,
    });
  });

  test('does not claim that it ran again where that was not seen', () => {
    expect(timelineOfEvents(began('stop'), over('stop')).downtime).toEqual({ from: start, to: null });
    expect(timelineOfEvents(began('stop'), over('stop'), began('start'), over('start', false)).downtime?.to).toBeNull();
  });

  test('shows a phase that was cut off until the last thing that was recorded', () => {
    const { rows } = timelineOfEvents(began('command'), { type: 'notice', level: 'info', message: 'x' });
    expect(rows).toEqual([
      { phase: 'command', span: { from: start, to: start + 1000 }, result: null, observations: [] },
    ]);
  });
});
