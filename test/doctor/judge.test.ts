import { describe, expect, test } from 'vitest';
import type { HostFacts, ServerFacts } from '../../src/doctor/facts.ts';
import { statusOf, worstLevel, type Level } from '../../src/doctor/finding.ts';
import { judgeHost } from '../../src/doctor/judge.ts';

const gibibyte = 1024 ** 3;
const pool = {
  name: 'p',
  driver: 'btrfs',
  snapshotCopies: false,
  snapshotReservesDisk: false,
  restoreNeedsNewest: false,
  space: null,
};
const server: ServerFacts = {
  product: 'Incus',
  version: '6.0.4',
  testedVersions: ['6.0', '7.0'],
  client: 'incus',
  remote: null,
  project: 'default',
  allowsSnapshots: true,
  pools: [{ ...pool, name: 'default', space: { usedBytes: 2 * gibibyte, totalBytes: 20 * gibibyte } }],
  instances: 3,
  hooks: [{ instance: 'web', isCurrent: true, agent: 'answers' }],
  restorePointsInFlight: [],
};
const unit = { enabled: 'enabled', active: 'active' };
const good: HostFacts = {
  program: { version: '1.2.3', commit: 'abc', node: '24.22.3', isSingleFile: true },
  server: { ok: true, value: server },
  client: { name: 'incus', version: '6.0.4' },
  state: { path: '/var/lib/guard', problem: null, mode: 0o700, isInMemory: false, free: 5 * gibibyte },
  units: { kind: 'systemd', agent: unit, recover: { enabled: 'enabled', active: 'inactive' } },
  clockSynchronized: true,
  terminal: { isInteractive: true, columns: 120, isUtf8: true },
  configuration: { ok: true, value: { file: '/etc/guard/guard.yaml' } },
  unfinishedRuns: [],
};

const withServer = (facts: Partial<ServerFacts>): HostFacts => ({
  ...good,
  server: { ok: true, value: { ...server, ...facts } },
});
const withPool = (facts: Partial<NonNullable<ServerFacts['pools']>[number]>): HostFacts =>
  withServer({ pools: [{ ...pool, ...facts }] });
const withUnits = (
  agent: Partial<typeof unit>,
  recover: Partial<typeof unit> = {},
  hooks = server.hooks,
): HostFacts => ({
  ...withServer({ hooks }),
  units: { kind: 'systemd', agent: { ...unit, ...agent }, recover: { ...unit, active: 'inactive', ...recover } },
});
const absent = { enabled: 'not-found', active: 'inactive' };
const run = { run: '20261129-1', instance: 'web', project: 'default', isAlive: false };

test('a host on which all is as guard needs it', () => {
  const findings = judgeHost(good);
  expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
  expect(findings.map(({ topic }) => topic)).toEqual([
    'guard',
    'server',
    'pool default',
    'space default',
    'client',
    'records',
    'recover',
    'agent',
    'hook web',
    'clock',
    'terminal',
    'configuration',
    'runs',
  ]);
});

const lxd = { product: 'LXD', testedVersions: ['5.0'], client: 'lxc' };

const cases: readonly [string, HostFacts, string, Level, RegExp][] = [
  [
    'Incus does not answer',
    { ...good, server: { ok: false, error: { message: 'There is no socket.', advice: 'Start Incus.' } } },
    'server',
    'problem',
    /^There is no socket\.$/,
  ],
  ['an Incus before 6.0', withServer({ version: '0.6' }), 'server', 'warning', /Incus 0\.6 /],
  ['an Incus that nobody tried', withServer({ version: '8.1' }), 'server', 'warning', /Incus 8\.1 /],
  ['an Incus 7.0', withServer({ version: '7.0.2' }), 'server', 'ok', /Incus 7\.0\.2 /],
  ['an LXD 5.0', withServer({ ...lxd, version: '5.0.2' }), 'server', 'ok', /LXD 5\.0\.2 /],
  ['an LXD that nobody tried', withServer({ ...lxd, version: '5.21.1' }), 'server', 'warning', /LXD 5\.21\.1 /],
  [
    'a restricted project',
    withServer({ project: 'user-1000', allowsSnapshots: false }),
    'project',
    'problem',
    /user-1000 is restricted/,
  ],
  ['no pool', withServer({ pools: [] }), 'pool', 'problem', /no storage pool/],
  ['dir', withPool({ driver: 'dir', snapshotCopies: true }), 'pool p', 'warning', /copies the whole instance/],
  ['thick lvm', withPool({ driver: 'lvm', snapshotReservesDisk: true }), 'pool p', 'warning', /full size/],
  ['thin lvm', withPool({ driver: 'lvm' }), 'pool p', 'ok', /without copying/],
  ['zfs', withPool({ driver: 'zfs', restoreNeedsNewest: true }), 'pool p', 'ok', /only the newest snapshot/],
  ['a driver that nobody tried', withPool({ driver: 'new' }), 'pool p', 'warning', /does not know the new driver/],
  [
    'a full pool',
    withPool({ space: { usedBytes: 19.99 * gibibyte, totalBytes: 20 * gibibyte } }),
    'space p',
    'problem',
    /10 MiB of/,
  ],
  [
    'a pool that fills up',
    withPool({ space: { usedBytes: 19 * gibibyte, totalBytes: 20 * gibibyte } }),
    'space p',
    'warning',
    /1\.0 GiB of/,
  ],
  [
    'a large pool with a small share',
    withPool({ space: { usedBytes: 950 * gibibyte, totalBytes: 1000 * gibibyte } }),
    'space p',
    'ok',
    /50\.0 GiB/,
  ],
  ['no incus command', { ...good, client: { name: 'incus', version: null } }, 'client', 'warning', /no incus command/],
  ['no lxc command', { ...good, client: { name: 'lxc', version: null } }, 'client', 'warning', /no lxc command/],
  [
    'records that cannot be written',
    { ...good, state: { ...good.state, problem: '/var/lib/guard is read-only.' } },
    'records',
    'problem',
    /read-only/,
  ],
  ['records in memory', { ...good, state: { ...good.state, isInMemory: true } }, 'records', 'warning', /in memory/],
  ['records that others read', { ...good, state: { ...good.state, mode: 0o755 } }, 'records', 'warning', /other users/],
  ['little room for records', { ...good, state: { ...good.state, free: 1024 } }, 'records', 'warning', /0 MiB free/],
  ['no records yet', { ...good, state: { ...good.state, mode: null } }, 'records', 'ok', /first run/],
  ['no systemd', { ...good, units: { kind: 'none' } }, 'recover', 'warning', /systemd does not run/],
  ['no unit for the boot', withUnits({}, absent), 'recover', 'warning', /there is no guard-recover/],
  ['a unit that is not enabled', withUnits({}, { enabled: 'disabled' }), 'recover', 'warning', /is disabled/],
  ['a unit that failed', withUnits({}, { active: 'failed' }), 'recover', 'problem', /failed/],
  ['an agent that failed', withUnits({ active: 'failed' }), 'agent', 'problem', /failed/],
  ['an agent that does not come back', withUnits({ enabled: 'disabled' }), 'agent', 'warning', /is disabled/],
  ['an agent by hand', withUnits(absent), 'agent', 'warning', /did not start/],
  [
    'hooks without an agent',
    withUnits(absent, {}, [{ instance: 'web', isCurrent: true, agent: 'silent' }]),
    'agent',
    'problem',
    /not guarded/,
  ],
  ['no hooks, and no agent', withUnits(absent, {}, []), 'agent', 'ok', /No agent is running/],
  [
    'an old hook',
    withServer({ hooks: [{ instance: 'web', isCurrent: false, agent: 'answers' }] }),
    'hook web',
    'warning',
    /differ from those of this version of guard/,
  ],
  [
    'a hook of a stopped instance',
    withServer({ hooks: [{ instance: 'web', isCurrent: true, agent: 'instance stopped' }] }),
    'hook web',
    'ok',
    /is not running/,
  ],
  ['a clock that nobody sets', { ...good, clockSynchronized: false }, 'clock', 'warning', /not synchronized/],
  ['a clock that cannot be asked', { ...good, clockSynchronized: null }, 'clock', 'warning', /unknown/],
  [
    'a terminal without UTF-8',
    { ...good, terminal: { isInteractive: true, columns: 80, isUtf8: false } },
    'terminal',
    'warning',
    /not UTF-8/,
  ],
  [
    'no terminal',
    { ...good, terminal: { isInteractive: false, columns: null, isUtf8: false } },
    'terminal',
    'ok',
    /no terminal/,
  ],
  [
    'a wrong guard.yaml',
    { ...good, configuration: { ok: false, error: { message: 'guard.yaml:3:5: no.', advice: 'Mend it.' } } },
    'configuration',
    'problem',
    /3:5/,
  ],
  ['no guard.yaml', { ...good, configuration: { ok: true, value: { file: null } } }, 'configuration', 'ok', /defaults/],
  ['an interrupted run', { ...good, unfinishedRuns: [run] }, 'runs', 'problem', /was interrupted/],
  ['a run in flight', { ...good, unfinishedRuns: [{ ...run, isAlive: true }] }, 'runs', 'ok', /in flight: 1/],
  [
    'a restore point that nobody holds',
    withServer({ restorePointsInFlight: [{ instance: 'db', host: null, isAlive: null }] }),
    'runs',
    'problem',
    /db has a restore point in flight/,
  ],
  [
    'a run of another host',
    withServer({ restorePointsInFlight: [{ instance: 'db', host: 'other', isAlive: null }] }),
    'runs',
    'warning',
    /host other/,
  ],
  [
    'a living run of this host',
    withServer({ restorePointsInFlight: [{ instance: 'db', host: 'here', isAlive: true }] }),
    'runs',
    'ok',
    /interrupted/,
  ],
];

describe('what is wrong, and what to do', () => {
  test.each(cases)('%s', (_name, facts, topic, level, message) => {
    const findings = judgeHost(facts);
    const found = findings.filter((finding) => finding.topic === topic);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ level });
    expect(found[0]?.message).toMatch(message);
    expect(statusOf(worstLevel(findings))).toBeGreaterThanOrEqual({ ok: 0, warning: 1, problem: 2 }[level]);
  });

  test('every finding is a sentence; what is not ok says what to do, also as one', () => {
    for (const finding of [good, ...cases.map(([, facts]) => facts)].flatMap(judgeHost)) {
      expect(finding.message).toMatch(/^[^\n]+\.$/);
      // Nothing to do is `ok`, and what is not ok says what to do.
      expect(finding.level === 'ok').toBe(finding.advice === null);
      expect(finding.advice ?? 'Nothing.').toMatch(/^[A-Z][^\n]+\.$/);
    }
  });

  test('an interrupted run is told once, with the line that finishes it in its project', () => {
    const facts = {
      ...withServer({ restorePointsInFlight: [{ instance: 'web', host: 'here', isAlive: false }] }),
      unfinishedRuns: [{ ...run, project: 'shop floor' }],
    };
    const runs = judgeHost(facts).filter(({ topic }) => topic === 'runs');
    expect(runs.map(({ advice }) => advice)).toEqual(["Run `guard recover --project 'shop floor' web`."]);
  });
});

test('exit statuses are those of monitoring plugins', () => {
  expect((['ok', 'warning', 'problem'] as const).map(statusOf)).toEqual([0, 1, 2]);
  expect(worstLevel([])).toBe('ok');
});
