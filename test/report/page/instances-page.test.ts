import { describe, expect, test } from 'vitest';
import { causesOf, countText, runsPage, type InstanceCard } from '../../../src/report/page/instances-page.ts';
import { rolloutPage } from '../../../src/report/page/rollout-page.ts';
import { eventsOfOutcomes, storyOf } from '../example-reports.ts';
import { membersOf, oneByOne, recordOf } from '../../rollout/record-samples.ts';

const card = (name: string, reason = ''): InstanceCard => ({
  name,
  state: reason === '' ? 'kept' : 'rolled back',
  tone: reason === '' ? 'good' : 'warn',
  wave: null,
  ms: 1000,
  reason,
  run: null,
  page: null,
});

describe('the causes of several instances', () => {
  test('are one where only numbers and the name of the instance differ', () => {
    const cards = [
      card('web-1', 'app.service on web-1 is now restarting: 4 restarts'),
      card('web-2', 'app.service on web-2 is now restarting: 1 restart'),
      card('web-3', 'port 443 tcp no longer listened on'),
      card('web-4'),
    ];
    expect(causesOf(cards).map(({ cards: those }) => those.map(({ name }) => name))).toEqual([
      ['web-1', 'web-2'],
      ['web-3'],
    ]);
    expect(countText(cards)).toBe('3 rolled back for 2 causes, 1 kept');
    expect(countText(cards.slice(0, 2))).toBe('2 rolled back for the same cause');
  });

  test('are not claimed where one is not known', () => {
    expect(countText([card('a', 'x'), { ...card('b'), state: 'rolled back' }])).toBe('2 rolled back');
  });
});

test('the page of ten thousand instances stays small, and names those that failed', () => {
  const record = recordOf(membersOf(10_000, { ...oneByOne, maxParallel: { count: 1000 } }), {
    status: 'stopped',
    stop: 'broken',
  });
  const members = record.members.map((member, index) =>
    index === 7777
      ? { ...member, state: 'broken' as const, outcome: 'rollback-failed' as const, message: 'no space' }
      : { ...member, state: 'kept' as const, outcome: 'kept' as const, ms: 1000 },
  );
  const page = rolloutPage({
    record: { ...record, members },
    runs: new Map(),
    lookAtHolder: () => 'dead',
    version: '1',
  });
  expect(page.length).toBeLessThan(200_000);
  expect(page).toContain('A person must look at c7777.');
  expect(page).toContain('9999 kept');
});

test('several rehearsals leave every instance untouched, also where a copy failed', () => {
  const pages = (['rehearsal-passed', 'rehearsal-failed'] as const).map((outcome, index) => ({
    report: storyOf(eventsOfOutcomes[outcome], { instance: `web-${index}`, command: ['true'], rehearsal: true }),
    evidence: [],
    version: '1',
  }));
  const html = runsPage(pages, '1');
  expect(html).toContain('Were the instances touched?');
  expect(html).not.toContain('Are the services back?');
  expect(html).toContain('1 passed in the rehearsal, 1 failed in the rehearsal');
  expect(html.split('cause 1').length).toBe(2);
  expect(html).not.toContain('cause 2');
});

test('a page of nothing says so', () => {
  expect(runsPage([], '1')).toContain('There was nothing to do.');
});
