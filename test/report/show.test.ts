import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RecordedEvent, RunEvent } from '../../src/event.ts';
import { currentHolder } from '../../src/journal/holder.ts';
import { foldEvents } from '../../src/journal/runs.ts';
import { runChangeLines } from '../../src/report/run-changes.ts';
import { showRun } from '../../src/report/show.ts';
import { began, check, recorded, started, verdict } from './example-events.ts';

const fixtures = join(import.meta.dirname, '../journal/fixtures/v1');

beforeAll(() => {
  process.env['TZ'] = 'UTC';
});

const shown = (...events: readonly RunEvent[]): string =>
  showRun(foldEvents('20261123-070945-z8mf', '/records/run', recorded(...events)));

describe('runs that were recorded on a real Incus', async () => {
  test.each(await readdir(fixtures))('%s', async (name) => {
    const lines = (await readFile(join(fixtures, name, 'journal.jsonl'), 'utf8')).trimEnd().split('\n');
    const events = lines.map((line) => JSON.parse(line) as RecordedEvent);
    // Whether a process of that host still lives depends on where this test runs.
    const elsewhere = events.map((event) =>
      event.type === 'run-started' ? { ...event, holder: { ...event.holder, host: 'h' } } : event,
    );
    expect(showRun(foldEvents(events[0]?.run ?? '', '/records/run', elsewhere))).toMatchSnapshot();
  });
});

describe('a run without an end', () => {
  test('is in progress while its process lives', () => {
    expect(shown(started({ holder: currentHolder() }), began('command'))).toContain('This run is in progress.');
  });

  test('is unfinished when its process is gone, and says what finishes it', () => {
    const text = shown(started({ remote: 'far', holder: { ...currentHolder(), id: 'i' } }), began('command'));
    expect(text).toContain('its guard was killed. If it was interrupted, `guard recover far:web` finishes it.');
  });

  test('on another host it says no more than is known', () => {
    expect(shown(started(), began('command'))).toContain('is running on another host, or was killed there');
  });
});

test('a check stands on one line with all its answers', () => {
  const text = shown(
    started(),
    { type: 'baseline-recorded', baseline: { checks: [check('web', 'passed'), check('old', 'failed')] } },
    verdict('unhealthy', false, { checks: [check('web', 'failed'), check('old', 'failed')] }),
    verdict('healthy', true, { checks: [check('web', 'passed'), check('old', 'failed')] }),
  );
  expect(text).toContain('passed → failed → passed  web: exit status 1 (3 ms)\n');
  expect(text).toContain('      after the command: exit status 1\n');
  expect(text).toContain('failed → failed → failed  old:');
});

test('what changed is listed up to a bound', () => {
  const packages = Array.from({ length: 1000 }, (_, number) => ({ name: `p${number}`, from: '1', to: null }));
  const changes = {
    packages,
    units: { appeared: ['a.service'], gone: [] },
    sockets: { appeared: [], gone: ['tcp/1'] },
  };
  const text = shown(started(), { type: 'changes', changes });
  expect(text).toContain('package p0: 1 → removed\n');
  expect(text).toContain('and 702 more');
  expect(text.split('\n').length).toBeLessThan(330);
});

test('units in another state are shown with both states, also as a diff', () => {
  const changes = {
    packages: [],
    units: { appeared: [], gone: ['old.service'], changed: [{ name: 'web.service', from: 'running', to: 'failed' }] },
    sockets: { appeared: [], gone: [] },
  };
  expect(shown(started(), { type: 'changes', changes })).toContain('unit web.service: running → failed');
  expect(runChangeLines(changes)).toEqual([
    '--- before',
    '+++ after',
    '-unit old.service',
    '-unit web.service running',
    '+unit web.service failed',
  ]);
});

test('nothing that came from elsewhere reaches the terminal as it is', () => {
  const evil = '\u001b]0;owned\u0007\u202e';
  const text = shown(
    started({
      instance: evil,
      remote: evil,
      project: evil,
      command: ['echo', evil],
      holder: { ...currentHolder(), host: evil },
    }),
    { type: 'notice', level: 'warning', message: `first\n${evil}` },
    { type: 'released', restorePoint: evil },
    { type: 'evidence-saved', files: [evil], missing: [evil] },
    { type: 'restore-point-pruned', name: evil, ofRun: 'x' },
    verdict('unhealthy', false, { checks: [check(evil, 'failed')] }),
    {
      type: 'run-ended',
      outcome: { outcome: 'rollback-failed', cause: 'command', message: evil, manualRecovery: [evil] },
      ms: 1,
    },
  );
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});
