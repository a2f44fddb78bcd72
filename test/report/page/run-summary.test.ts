import { describe, expect, test } from 'vitest';
import type { Outcome, RunEvent } from '../../../src/event.ts';
import { runPage } from '../../../src/report/page/run-page.ts';
import { reportOfRecord } from '../../../src/report/run-report.ts';
import { began, commandEnded, started, verdict } from '../example-events.ts';
import { ended, eventsOfOutcomes, storyOf } from '../example-reports.ts';

const restorePointCreated: RunEvent = {
  type: 'restore-point-created',
  restorePoint: { name: 'guard-1', createdAt: '2026-11-23T07:09:45Z', volumes: [] },
};

const pageOf = (outcome: Outcome['outcome']): string =>
  runPage({ report: storyOf(eventsOfOutcomes[outcome]), evidence: [], version: '1' });

/** What the first screen answers and offers, for every way in which a run can end. */
const answers: Readonly<Record<Outcome['outcome'], readonly [answer: string, step: string]>> = {
  kept: ['Yes', 'guard rollback web 20261123-070945-z8mf'],
  'rolled-back': ['Yes', 'guard rehearse web -- apt upgrade'],
  'kept-unhealthy': ['No', 'guard check web'],
  'kept-unchanged': ['Yes', 'Correct the cause'],
  'rolled-back-not-well': ['No', 'guard check web'],
  'rollback-failed': ['No', 'incus stop web'],
  waiting: ['Yes', 'guard confirm web'],
  'instance-gone': ['No', 'Nothing is left to recover.'],
  refused: ['Not affected', 'Did you mean'],
  busy: ['Not affected', 'Did you mean'],
  quarantined: ['Not affected', 'Did you mean'],
  'rehearsal-passed': ['No', 'guard web -- apt upgrade'],
  'rehearsal-failed': ['No', 'guard rehearse web -- apt upgrade'],
  'rehearsal-inconclusive': ['Not affected', 'Make room.'],
  usage: ['Not affected', 'Did you mean'],
  configuration: ['Not affected', '1 mistake.'],
  interrupted: ['Not checked', 'guard rehearse web -- apt upgrade'],
};

describe('the first screen of a run', () => {
  test.each(Object.entries(answers))('that ended as %s answers the three questions', (outcome, [answer, step]) => {
    const page = pageOf(outcome as Outcome['outcome']);
    expect(/<p class="big [a-z]+">([^<]*)<\/p>/.exec(page)?.[1]).toBe(answer);
    expect(page.split('What now?</h2>')[1]?.split('</section>')[0]).toContain(step);
  });

  test('offers no command again where a package manager began the change', () => {
    const events = eventsOfOutcomes['rolled-back'].map((event) =>
      event.type === 'run-started' ? { ...event, transaction: { manager: 'apt', pid: 1, packages: 3 } } : event,
    );
    expect(runPage({ report: storyOf(events), evidence: [], version: '1' })).not.toContain('guard rehearse');
  });

  test('of a change that waits while guard runs says how to confirm it', () => {
    const events = [
      ...eventsOfOutcomes.kept.filter(({ type }) => type !== 'run-ended' && type !== 'released' && type !== 'decided'),
      restorePointCreated,
      {
        type: 'confirmation-requested' as const,
        deadline: { at: 1_790_000_600_000, bootId: 'b', sinceBootMs: 1 },
        by: null,
      },
    ];
    const page = runPage({ report: reportOfRecord(storyOf(events).record), evidence: [], version: '1' });
    expect(page).toContain('Without a confirmation the change is rolled back at');
    expect(page).toContain('guard confirm web');
    expect(page).toMatch(/what was written since [\d-]+ [\d:]+ is then lost/);
  });

  test('of a change that nobody confirmed names the writes that are lost', () => {
    const events: RunEvent[] = [
      started(),
      restorePointCreated,
      commandEnded({ kind: 'exited', status: 0 }),
      verdict('healthy', false),
      began('stop'),
      verdict('healthy', true),
      ended({ outcome: 'rolled-back', cause: 'not-confirmed' }),
    ];
    const page = runPage({ report: storyOf(events), evidence: [], version: '1' });
    expect(page).toMatch(/What was written between <time[^>]*>[^<]+<\/time> and <time[^>]*>[^<]+<\/time> is lost\./);
  });

  test('of a rollback that was asked for says what it went back to', () => {
    const command = ['guard', 'rollback', 'web', 'r1'];
    const events = [
      started({ command, rolledBackTo: 'r1' }),
      began('restore'),
      verdict('healthy', true),
      ended({ outcome: 'kept' }),
    ];
    const page = runPage({ report: storyOf(events, { instance: 'web', command }), evidence: [], version: '1' });
    expect(page).toContain('<p class="call"><code>guard rollback web r1</code></p>');
    expect(page).toContain('rolled back to the restore point, as you asked');
    expect(page).not.toContain('unknown');
  });

  test('of a record that breaks off says so', () => {
    const { record } = storyOf(eventsOfOutcomes['rolled-back'].slice(0, 4));
    expect(runPage({ report: reportOfRecord(record), evidence: [], version: '1' })).toContain(
      'The run on web has not ended.',
    );
  });

  test('of a run without an end says that nothing is known', () => {
    const page = runPage({
      report: storyOf(eventsOfOutcomes['rolled-back'].slice(0, 4)),
      evidence: [],
      version: '1',
    });
    expect(page).toContain('Not known yet');
    expect(page).toContain('guard recover web');
  });
});
