import { describe, expect, test } from 'vitest';
import { planMarkdown } from '../../src/report/plan-markdown.ts';
import { planLines, type Preview } from '../../src/report/plan-text.ts';
import type { Plan } from '../../src/run/plan.ts';

const plan: Plan = {
  run: '20261123-070945-z8mf',
  version: '0.1.0',
  instance: 'web',
  project: 'default',
  remote: null,
  command: { words: ['apt', 'upgrade', '-y'], environment: {}, user: 0, group: 0, cwd: '/root' },
  change: { executesCommand: true, packageManagerWaits: false },
  pushes: [],
  checks: [],
  confirmation: null,
  automatic: true,
  askServers: true,
  allowUnhealthy: false,
  acceptNothingCompared: false,
  uncovered: 'warn',
  okStatus: [{ first: 0, last: 0 }],
  onFailure: { command: 'rollback', unhealthy: 'rollback', inconclusive: 'rollback', timeout: 'rollback' },
  onUnchanged: 'rollback',
  askMs: 60_000,
  obeyQuarantine: false,
  keepFailed: false,
  restart: false,
  rehearsedBy: null,
  hooks: {},
  stopFirst: false,
  restorePoint: { name: 'guard-20261123-070945-z8mf', named: false, keep: 3, expiresMs: 30 * 24 * 3_600_000 },
  limits: {
    commandMs: 3_600_000,
    idleMs: null,
    verifyMs: 120_000,
    soakMs: 10_000,
    stopMs: 1,
    snapshotMs: 1,
    restoreMs: 1,
    readyMs: 1,
    leaseMs: 120_000,
    lockMs: 0,
  },
};

const preview: Preview = {
  plan,
  wasRunning: true,
  pool: { name: 'default', driver: 'btrfs' },
  pause: null,
  disks: {
    own: [{ device: 'db', pool: 'fast', volume: 'rows', path: '/var/lib/db' }],
    uncovered: [{ device: 'data', path: '/srv', message: 'a folder of the host (/srv/web)' }],
  },
  packages: null,
  verdict: { verdict: 'healthy', reasons: [], advisories: [], checks: [] },
  coverage: null,
  wouldBegin: true,
};

const lines = (more: Partial<Preview>, changed: Partial<Plan> = {}): string =>
  planLines({ ...preview, ...more, plan: { ...plan, ...changed } }).join('\n');

test('says what would happen', () => {
  expect(lines({})).toMatchInlineSnapshot(`
    "guard would run: apt upgrade -y
      in web (project default), which is running
      restore point: guard-20261123-070945-z8mf, on pool default (btrfs), kept for 30 days or until 3 newer ones exist
      also covered: volume rows of pool fast
      not covered: disk data at /srv: a folder of the host (/srv/web)
      limits: command 1 h, without output unlimited, healthy within 2 min, then healthy for 10 s
      on failure: rollback

    web is healthy (no check of yours is configured)

    The run would start."
  `);
});

test('an instance that is stopped is not asked, and that is said', () => {
  const said = lines({ wasRunning: false, verdict: null });
  expect(said).toContain('which is stopped and would be started for the run');
  expect(said).toContain('unless the instance is unhealthy after its start');
});

describe('as markdown', () => {
  const markdown = (more: Partial<Preview>): readonly string[] => planMarkdown({ ...preview, ...more });
  /** Headings that another heading, or the end, follows at once. */
  const emptyHeadings = (text: readonly string[]): readonly string[] =>
    text.filter(
      (line, at) => line.startsWith('#') && /^(#|$)/.test(text.slice(at + 1).find((next) => next !== '') ?? ''),
    );

  test('no heading is empty, whatever is known', () => {
    const finding = { subject: 'unit:web.service', severity: 'required' as const, message: 'web.service failed.' };
    const check = { name: 'web', severity: 'required' as const, status: 'passed' as const, message: 'ok', ms: 1 };
    for (const verdict of [
      null,
      { verdict: 'healthy' as const, reasons: [], advisories: [], checks: [] },
      { verdict: 'unhealthy' as const, reasons: [finding], advisories: [], checks: [] },
      { verdict: 'healthy' as const, reasons: [], advisories: [], checks: [check] },
    ])
      expect(emptyHeadings(markdown({ verdict }))).toEqual([]);
    expect(markdown({}).join('\n')).toMatch(/\nNow: healthy\.$/);
    expect(emptyHeadings(['## a', '', '### b'])).toEqual(['## a', '### b']);
  });
});

test('a refusal is said', () => {
  expect(lines({ wouldBegin: false })).toContain('The run would be refused');
});

test('a pool that copies holds the instance still', () => {
  expect(lines({ pause: 'web is frozen meanwhile.' })).toContain('\n  web is frozen meanwhile.\n');
  expect(lines({})).not.toContain('frozen');
});

describe('how long the restore point stays', () => {
  const { restorePoint } = plan;
  test.each([
    [{ ...restorePoint, keep: 0 }, 'removed when the change is kept'],
    [{ ...restorePoint, keep: 1 }, 'kept for 30 days or until 1 newer one exists'],
    [{ ...restorePoint, named: true, keep: 0 }, 'kept for 30 days\n'],
    [{ ...restorePoint, named: true, expiresMs: null }, 'kept without a time limit\n'],
  ])('%o', (changed, expected) => {
    expect(lines({}, { restorePoint: changed })).toContain(`(btrfs), ${expected}`);
  });
});

test('policies that differ are named by their cause', () => {
  expect(lines({}, { onFailure: { ...plan.onFailure, inconclusive: 'ask' } })).toContain(
    'on failure: command rollback, unhealthy rollback, inconclusive ask, timeout rollback',
  );
});

test('names the hooks, and what is left out of an instance that does not run', () => {
  const hook = { command: ['sh', '-c', 'sync; \u001b[2J'], environment: {}, timeoutMs: 30_000 } as const;
  const hooks = {
    beforeRestorePoint: [{ kind: 'exec' as const, user: 0, cwd: '/', ...hook }],
    afterKeep: [{ kind: 'host' as const, ...hook }],
  };
  const running = lines({}, { hooks, stopFirst: true });
  expect(running).toContain('the instance would be stopped for its restore point, and started again');
  expect(running).toContain("hook beforeRestorePoint, inside, within 30 s: sh -c 'sync; \\x1b[2J'\n");
  expect(running).toContain('hook afterKeep, on this host, within 30 s');
  expect(lines({ wasRunning: false }, { hooks })).toContain("'sync; \\x1b[2J', skipped: the instance is not running\n");
});

test('a confirmation is announced', () => {
  const confirmation = { ms: 600_000, by: null } as unknown as Plan['confirmation'];
  expect(lines({}, { confirmation })).toContain(
    '  a healthy change would wait 10 min for a confirmation, and would be rolled back without one\n',
  );
});
