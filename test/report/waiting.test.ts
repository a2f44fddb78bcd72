import { describe, expect, test } from 'vitest';
import type { Outcome, RecordedEvent } from '../../src/event.ts';
import { notifyWaitAndEnd } from '../../src/cli/run-notifier.ts';
import { jsonReportOf } from '../../src/report/json-report.ts';
import { junitOf } from '../../src/report/junit.ts';
import { markdownOf } from '../../src/report/markdown-report.ts';
import { runPage } from '../../src/report/page/run-page.ts';
import { reportOfRecord } from '../../src/report/run-report.ts';
import { formatTime } from '../../src/time.ts';
import { eventsOfOutcomes, storyOf } from './example-reports.ts';

// What the reports say of a change that waits: while guard waits, after guard has left, and after the deadline was moved.

const first = 1_790_000_600_000;
const later = first + 600_000;
const deadlineAt = (at: number) => ({ at, bootId: 'b', sinceBootMs: 1 });
const known = eventsOfOutcomes.kept.filter(({ type }) => !['run-ended', 'released', 'decided'].includes(type));
const run = '20261123-070945-z8mf';
const recorded = (event: object): RecordedEvent => ({ v: 1, run, at: first - 60_000, ...event }) as RecordedEvent;

const requested = recorded({ type: 'confirmation-requested', deadline: deadlineAt(first), by: null });
const begun = recorded({ type: 'phase-started', phase: 'confirm' });
const left = recorded({ type: 'run-ended', outcome: { outcome: 'waiting', deadline: first }, ms: 1000 });
const extended = recorded({ type: 'confirmation-extended', deadline: deadlineAt(later) });
const notice = recorded({ type: 'notice', level: 'warning', message: 'Somebody did something.' });

const cases: readonly (readonly [string, readonly RecordedEvent[], number])[] = [
  ['while guard waits', [requested, begun], first],
  ['while guard waits, moved', [requested, begun, extended], later],
  ['after guard has left', [requested, left], first],
  ['after guard has left, moved', [requested, left, extended], later],
  ['after guard has left, with a notice of the keeper', [requested, left, notice], first],
];

describe.each(cases)('%s', (_name, events, deadline) => {
  const report = reportOfRecord(storyOf([...known, ...events]).record);

  test('JUnit is not red, and names the deadline', () => {
    const text = junitOf([report]);
    expect(text).not.toMatch(/<(failure|error)\b/);
    expect(text).toContain(`name="outcome" value="waiting"`);
    expect(text).toContain(`name="waiting-until" value="${new Date(deadline).toISOString()}"`);
  });

  test('markdown says until when, and how to keep it', () => {
    const text = markdownOf([report]);
    expect(text).toContain('**waiting**');
    expect(text).toContain(
      formatTime(deadline)
        .replaceAll('-', String.raw`\-`)
        .slice(-8),
    );
    expect(text).toContain('guard confirm web');
    expect(text).not.toContain('guard recover');
    expect(text).not.toContain('did not end');
  });

  test('JSON has the outcome and the present deadline', () => {
    const [json] = jsonReportOf('1', [report]).runs;
    expect(json).toMatchObject({ outcome: { outcome: 'waiting', deadline } });
    expect(json?.details.join('\n')).toContain('guard confirm web');
  });

  test('the page names the present deadline, and how to keep the change', () => {
    const page = runPage({ report, evidence: [], version: '1' });
    expect(page).toContain(`datetime="${new Date(deadline).toISOString()}"`);
    expect(page).toContain('guard confirm web');
    expect(page).not.toContain('guard recover');
  });
});

test('notifications tell of the wait when it begins, and of the end, each once', async () => {
  const sent: Outcome[] = [];
  const notifier = {
    onEvent: () => {},
    summary: () => '',
    notify: async (_notices: unknown, outcome: Outcome) => {
      sent.push(outcome);
      return [];
    },
  };
  const waiting = { outcome: 'waiting', deadline: first } as const;
  const attended = notifyWaitAndEnd(notifier, []);
  for (const event of [requested, begun]) attended.onEvent(event);
  expect(sent).toEqual([waiting]);
  await attended.end(waiting);
  expect(sent).toEqual([waiting]);
  await attended.end({ outcome: 'kept' });
  expect(sent).toEqual([waiting, { outcome: 'kept' }]);
  const detached = notifyWaitAndEnd(notifier, []);
  detached.onEvent(requested);
  await detached.end(waiting);
  expect(sent).toEqual([waiting, { outcome: 'kept' }, waiting]);
});
