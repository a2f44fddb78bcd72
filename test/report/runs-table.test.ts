import { beforeAll, describe, expect, test } from 'vitest';
import type { CommandEnd, Outcome, RunStarted } from '../../src/event.ts';
import type { RunSummary } from '../../src/journal/run-summary.ts';
import { foldEvents } from '../../src/journal/runs.ts';
import { runsTable, runSummary } from '../../src/report/runs-table.ts';
import { commandEnded, recorded, started } from './example-events.ts';

beforeAll(() => {
  process.env['TZ'] = 'UTC';
});

const summary = (
  outcome: Outcome | null,
  { end, ...more }: Partial<RunStarted> & { readonly end?: CommandEnd } = {},
): RunSummary => ({
  ...foldEvents(
    '20261123-070945-z8mf',
    '/records/run',
    recorded(
      started(more),
      ...(end ? [commandEnded(end)] : []),
      ...(outcome ? [{ type: 'run-ended', outcome, ms: 8765.4 } as const] : []),
    ),
  ),
  fingerprint: null,
});

const some: readonly RunSummary[] = [
  summary(null),
  summary(
    { outcome: 'rolled-back', cause: 'unhealthy' },
    { remote: 'prod', command: ['sh', '-c', 'apt update && apt -y upgrade'] },
  ),
  summary({ outcome: 'kept' }, { instance: 'db01' }),
];

test('a line for each run, under its headings', () => {
  expect(runsTable(some)).toMatchInlineSnapshot(`
    "RUN                   WHEN              INSTANCE  OUTCOME                 EXIT  TOOK   COMMAND
    20261123-070945-z8mf  2026-09-21 14:13  web       not ended                            apt upgrade
    20261123-070945-z8mf  2026-09-21 14:13  prod:web  rolled-back, unhealthy  11    8.8 s  sh -c 'apt update && apt -y upgrade'
    20261123-070945-z8mf  2026-09-21 14:13  db01      kept                    0     8.8 s  apt upgrade"
  `);
});

describe('runs of several servers', () => {
  const on = (server: string, remote: string | null) => summary({ outcome: 'kept' }, { server, remote });

  test('are told apart by the names of the remotes', () => {
    const table = runsTable([on('aaaa', null), on('bbbb', 'prod')]);
    expect(table).toContain('SERVER');
    expect(table).toMatch(/ local +web /);
    expect(table).toMatch(/ prod +prod:web /);
  });

  test('that have the same name, by their certificates', () => {
    const table = runsTable([on('aaaaaaaaaaaaaaaa', null), on('bbbbbbbbbbbbbbbb', null)]);
    expect(table).toContain('local aaaaaaaaaaaa ');
    expect(table).toContain('local bbbbbbbbbbbb ');
  });

  test('have no column where there is one server', () => {
    expect(runsTable([on('aaaa', null), on('aaaa', null)])).not.toContain('SERVER');
  });

  test('and of several projects', () => {
    const table = runsTable([summary(null), summary(null, { project: 'shop' })]);
    expect(table).toContain('PROJECT');
    expect(table).toMatch(/ shop +web /);
    expect(runsTable([summary(null)])).not.toContain('PROJECT');
  });
});

test('without any run there are the headings', () => {
  expect(runsTable([])).toBe('RUN  WHEN  INSTANCE  OUTCOME  EXIT  TOOK  COMMAND');
});

describe('on a terminal', () => {
  test.each([200, 120, 100, 80, 60, 40])('of %i columns no line is longer, and the run can be copied', (columns) => {
    const lines = runsTable(some, { columns }).split('\n');
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
    for (const line of lines.slice(1)) expect(line).toMatch(/^20261123-070945-z8mf /);
  });

  test('that is narrow the less important columns go first', () => {
    expect(runsTable(some, { columns: 100 })).not.toContain('WHEN');
    expect(runsTable(some, { columns: 80 })).not.toContain('TOOK');
    expect(runsTable(some, { columns: 80 })).toContain('OUTCOME');
  });

  test('colours tell the outcomes apart, where colours are wanted', () => {
    expect(runsTable(some, { hasColors: () => true })).toContain('\u001b[32mkept\u001b[39m');
    expect(runsTable(some, { hasColors: () => false })).not.toContain('\u001b');
  });
});

test('names that came from elsewhere are harmless', () => {
  const table = runsTable([summary(null, { instance: 'a\u001b[2Jb', command: ['\u0007\n'] })]);
  expect(table).toContain('a\\x1b[2Jb');
  expect(table).toContain("'\\x07\\x0a'");
  expect(table.split('\n')).toHaveLength(2);
});

test('the JSON form', () => {
  const end = { kind: 'exited', status: 100 } as const;
  expect(runSummary(summary({ outcome: 'rolled-back', cause: 'command' }, { end }))).toEqual({
    run: '20261123-070945-z8mf',
    instance: 'web',
    project: 'default',
    remote: null,
    server: null,
    command: ['apt', 'upgrade'],
    startedAt: 1_790_000_000_000,
    endedAt: 1_790_000_002_000,
    ms: 8765,
    outcome: 'rolled-back',
    exitStatus: 10,
    waitingUntil: null,
    commandEnd: end,
    restorePoint: null,
  });
  expect(runSummary(summary(null))).toMatchObject({ endedAt: null, ms: null, outcome: null, exitStatus: null });
});
