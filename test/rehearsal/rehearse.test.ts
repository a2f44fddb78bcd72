import { describe, expect, test } from 'vitest';
import type { MemoryServer } from '../../src/platform/memory/server.ts';
import { addInstance, projectOf } from '../../src/platform/memory/server.ts';
import { ok } from '../../src/result.ts';
import { commandChange } from '../../src/run/changes/command.ts';
import { rehearse, type RehearsalPlan } from '../../src/rehearsal/rehearse.ts';
import {
  createWorld,
  instanceName,
  planOf,
  recordOf,
  rehearsalProject,
  startGuard,
  type CommandKind,
  type World,
} from '../run/engine/world.ts';
import type { PackageProxy } from '../../src/rehearsal/package-proxy.ts';
import { upgradeCommand } from '../../src/rehearsal/pending-upgrade.ts';
import { silentProxy } from './silent-proxy.ts';

const run = '20270101-000000-aaaa';
const mebibyte = 1024 ** 2;

interface Circumstances {
  /** The request that the server refuses. */
  readonly refuses?: string;
  readonly proxy?: Partial<PackageProxy>;
}

/** Rehearses in a world, with the names of the requests that were sent. */
async function rehearseIn(
  world: World,
  kind: CommandKind,
  more: Partial<RehearsalPlan> = {},
  { refuses, proxy = {} }: Circumstances = {},
) {
  const requests: string[] = [];
  const faultOf = ({ name }: { readonly name: string }) => (requests.push(name), name === refuses ? 'refused' : null);
  const guard = startGuard(world, { run, faultOf });
  const rehearsal = { plan: planOf(kind, run), before: null, keepCopy: false, mayCopyFiles: false, ...more };
  const ended = await world.time.run(guard.process, () =>
    rehearse(rehearsal, { ...guard.tools, openProxy: () => silentProxy(run, proxy) }),
  );
  if (ended.end !== 'done') throw new Error(`the rehearsal ${ended.end}`);
  return { outcome: ended.value.outcome, requests, copies: copiesOf(world.server) };
}

/** Moves the volume of the instance to another pool. */
function moveVolume({ server, instance }: World, pool: string): void {
  const volume = server.volumes.get('default/data');
  if (volume === undefined) throw new Error('there is no volume');
  server.volumes.delete('default/data');
  server.volumes.set(`${pool}/data`, volume);
  const disks = instance.disks.map((disk) => (disk.kind === 'volume' ? { ...disk, pool } : disk));
  Object.assign(instance, { disks });
}

/** What the record of the rehearsal reports. */
const reportIn = (world: World) => {
  const event = recordOf(world, run)?.events.find(({ type }) => type === 'rehearsal-report');
  return event?.type === 'rehearsal-report' ? event.report : null;
};

const copiesOf = (server: MemoryServer): string[] => [...projectOf(server, rehearsalProject).instances.keys()];

describe('a rehearsal is refused before anything is copied', () => {
  test('where the server has too little memory, with the numbers', async () => {
    const world = createWorld();
    Object.assign(world.server.memory, { totalBytes: 2048 * mebibyte, usedBytes: 1700 * mebibyte });
    const { outcome, requests } = await rehearseIn(world, 'good');
    expect(outcome).toMatchObject({
      outcome: 'refused',
      refusal: { message: expect.stringMatching(/348 MiB of 2048 MiB .* 256 MiB .* 256 MiB/) as string },
    });
    expect(requests).not.toContain('createCopy');
    expect(recordOf(world, run)?.started ?? null).toBeNull();
  });

  test('where the driver copies every file, unless that is accepted; the size and the time are said', async () => {
    const world = createWorld();
    const pool = world.server.pools.get('default');
    if (pool === undefined) throw new Error('there is no pool');
    const copying = { snapshotCopies: true, snapshotFreezesInstance: true, driver: 'dir' };
    world.server.pools.set('default', { ...pool, ...copying });
    const { outcome, requests } = await rehearseIn(world, 'good');
    expect(outcome).toMatchObject({ outcome: 'refused' });
    expect(JSON.stringify(outcome)).toMatch(/--rehearse=copy/);
    expect(requests).not.toContain('createCopy');
    expect((await rehearseIn(world, 'good', { mayCopyFiles: true })).outcome).toEqual({ outcome: 'rehearsal-passed' });
  });

  test.each([
    ['a stopped instance', { isRunning: false }, 'default'],
    ['a volume in another pool than the root disk', { hasVolume: true }, 'slow'],
  ])('where the driver copies every file of %s', async (_what, options, name) => {
    const world = createWorld(options);
    const pool = world.server.pools.get('default');
    if (pool === undefined) throw new Error('there is no pool');
    world.server.pools.set(name, { ...pool, name, snapshotCopies: true, driver: 'dir' });
    if (name !== 'default') moveVolume(world, name);
    const { outcome, requests } = await rehearseIn(world, 'good');
    expect(outcome).toMatchObject({
      outcome: 'refused',
      refusal: { message: expect.stringContaining(`"${name}", dir, copies every file`) as string },
    });
    expect(requests).not.toContain('createCopy');
    expect((await rehearseIn(world, 'good', { mayCopyFiles: true })).outcome).toEqual({ outcome: 'rehearsal-passed' });
  });

  test('where a copy of that name is there already, which is not removed', async () => {
    const world = createWorld();
    const kept = await rehearseIn(world, 'good', { keepCopy: true });
    expect([kept.outcome.outcome, kept.copies]).toEqual(['rehearsal-passed', [instanceName]]);
    const next = await rehearseIn(world, 'good');
    expect([next.outcome.outcome, next.copies]).toEqual(['busy', [instanceName]]);
  });
});

describe('a command that failed without its packages says nothing of the instance', () => {
  test('where the copy could not be connected to the package proxy', async () => {
    const world = createWorld();
    const { outcome } = await rehearseIn(world, 'fails', {}, { refuses: 'connectPackageProxy' });
    expect(outcome).toMatchObject({
      outcome: 'rehearsal-inconclusive',
      refusal: { message: expect.stringContaining('no way to its package sources') as string },
    });
    expect(reportIn(world)?.notRehearsed).toMatchObject([{ subject: 'network' }]);
  });

  test('where the machine of guard could not reach a package source', async () => {
    const world = createWorld();
    const { outcome } = await rehearseIn(world, 'fails', {}, { proxy: { unreachable: () => ['deb.example'] } });
    expect(outcome).toMatchObject({
      outcome: 'rehearsal-inconclusive',
      refusal: { message: expect.stringContaining('could not be reached: deb.example') as string },
    });
    expect(reportIn(world)?.notRehearsed).toMatchObject([{ subject: 'host:deb.example' }]);
  });

  test('where the socket of the proxy is not on the machine of the server', async () => {
    const world = createWorld();
    world.asksProxy = true;
    const { outcome } = await rehearseIn(world, 'fails', {}, { proxy: { wasAsked: () => false } });
    expect(outcome).toMatchObject({
      outcome: 'rehearsal-inconclusive',
      refusal: { message: expect.stringContaining('guard runs in a container') as string },
    });
  });

  test('and one that had them fails', async () => {
    const world = createWorld();
    world.asksProxy = true;
    expect((await rehearseIn(world, 'fails')).outcome).toMatchObject({ outcome: 'rehearsal-failed' });
  });
});

test.each(['refused', 'lost-after'] as const)(
  'a copy whose making failed (%s) is removed and not kept: guard does not know what it is',
  async (fault) => {
    const world = createWorld();
    const guard = startGuard(world, { run, faultOf: ({ name }) => (name === 'createCopy' ? fault : null) });
    const rehearsal = { plan: planOf('good', run), before: null, keepCopy: true, mayCopyFiles: false };
    await world.time.run(guard.process, () => rehearse(rehearsal, { ...guard.tools, openProxy: silentProxy }));
    expect(copiesOf(world.server)).toEqual([]);
    const events = recordOf(world, run)?.events ?? [];
    expect(events.filter(({ type }) => type === 'copy-removed')).toMatchObject([{ kept: false }]);
    expect(events.filter(({ type }) => type === 'notice')).toEqual([]);
  },
);

test('the lock file of the package manager that asked is not on the copy, and stays on the instance', async () => {
  const world = createWorld();
  const lock = '/var/lib/pacman/db.lck';
  world.instance.files.set(lock, { kind: 'file', content: Buffer.from(''), user: 0, group: 0, mode: 0o644 });
  const plan = planOf('good', run, { change: { ...commandChange, packageManagerWaits: true } });
  await rehearseIn(world, 'good', { plan, keepCopy: true });
  const copy = projectOf(world.server, rehearsalProject).instances.get(instanceName);
  expect([copy?.files.has(lock), world.instance.files.has(lock)]).toEqual([false, true]);
});

test('a copy is given up where the pool of its volume alone is short of space', async () => {
  const world = createWorld({ hasVolume: true });
  const pool = world.server.pools.get('default');
  if (pool === undefined) throw new Error('there is no pool');
  const space = { totalBytes: 1024 * mebibyte, usedBytes: 824 * mebibyte };
  world.server.pools.set('small', { ...pool, name: 'small', space });
  moveVolume(world, 'small');
  const { outcome, copies } = await rehearseIn(world, 'good');
  expect(outcome).toMatchObject({
    outcome: 'rehearsal-inconclusive',
    refusal: { message: expect.stringContaining('Pool "small" has 200 MiB') as string },
  });
  expect(copies).toEqual([]);
});

test('a copy that the pool has no space for is removed, also where it is to be kept', async () => {
  const world = createWorld();
  const pool = world.server.pools.get('default');
  if (pool === undefined) throw new Error('there is no pool');
  Object.assign(pool, { space: { totalBytes: 1024 * mebibyte, usedBytes: 824 * mebibyte } });
  const { outcome, copies } = await rehearseIn(world, 'good', { keepCopy: true });
  expect([outcome.outcome, copies]).toEqual(['rehearsal-inconclusive', []]);
});

test('is said where the memory of the server cannot be read', async () => {
  const world = createWorld();
  const { outcome } = await rehearseIn(world, 'good', {}, { refuses: 'getServerMemory' });
  expect(outcome.outcome).toBe('rehearsal-passed');
  const notices = recordOf(world, run)?.events.filter(({ type }) => type === 'notice');
  expect(notices).toMatchObject([
    { level: 'warning', message: expect.stringContaining('memory of the server') as string },
  ]);
});

test('is refused where another copy may take the memory that is free', async () => {
  const world = createWorld();
  Object.assign(world.server.memory, { totalBytes: 4096 * mebibyte, usedBytes: 2048 * mebibyte });
  const other = addInstance(projectOf(world.server, rehearsalProject), 'db', { status: 'Running' });
  other.configuration = { 'limits.memory': `${1500 * mebibyte}B` };
  const { outcome, requests } = await rehearseIn(world, 'good');
  expect(outcome).toMatchObject({
    outcome: 'refused',
    refusal: { message: expect.stringContaining('1500 MiB for other copies') as string },
  });
  expect(requests).not.toContain('createCopy');
});

describe('a pending upgrade that changed nothing', () => {
  const command = { ...planOf('good', run).command, words: upgradeCommand('apt-get') };
  const plan = planOf('good', run, { command });

  test('passes where the package sources were reached', async () => {
    expect((await rehearseIn(createWorld(), 'good', { plan })).outcome).toEqual({ outcome: 'rehearsal-passed' });
  });

  test.each<[string, Circumstances]>([
    ['had no way to its package sources', { refuses: 'connectPackageProxy' }],
    ['package sources could not be reached: deb.example', { proxy: { unreachable: () => ['deb.example'] } }],
  ])('was not tried where the copy %s', async (why, circumstances) => {
    const { outcome } = await rehearseIn(createWorld(), 'good', { plan }, circumstances);
    expect(outcome).toMatchObject({
      outcome: 'rehearsal-inconclusive',
      refusal: { message: expect.stringMatching(new RegExp(`pending upgrades could not be tried.*${why}`)) as string },
    });
  });

  test('was not tried where the copy is on another machine', async () => {
    const { outcome } = await rehearseIn(createWorld(), 'good', { plan: { ...plan, remote: 'there' } });
    expect(outcome).toMatchObject({
      outcome: 'rehearsal-inconclusive',
      refusal: { message: expect.stringContaining('has no network') as string },
    });
  });

  test('says nothing of a host that was refused: the sources were reached', async () => {
    const proxy = { refused: () => ['telemetry.example'] };
    const { outcome } = await rehearseIn(createWorld(), 'good', { plan }, { proxy });
    expect(outcome).toEqual({ outcome: 'rehearsal-passed' });
  });
});

test('a service that starts slowly is part of the baseline, so a change that breaks it does not pass', async () => {
  const world = createWorld();
  world.slowStartMs = 15_000;
  await world.time.pass(20_000);
  expect((await rehearseIn(world, 'breaks')).outcome).toMatchObject({ outcome: 'rehearsal-failed', stage: 'change' });
});

test('a setting that the copy lacks is reported', async () => {
  const world = createWorld();
  const guard = startGuard(world, { run });
  const { platform } = guard.tools;
  const setting = { setting: 'raw.lxc: lxc.mount.entry', because: 'it mounts files of the host', path: '/srv/data' };
  const planCopy: typeof platform.rehearsals.planCopy = async (...words) => {
    const planned = await platform.rehearsals.planCopy(...words);
    return planned.ok ? ok({ ...planned.value, removedSettings: [setting] }) : planned;
  };
  const rehearsals = { ...platform.rehearsals, planCopy };
  const tools = { ...guard.tools, platform: { ...platform, rehearsals }, openProxy: silentProxy };
  await world.time.run(guard.process, () =>
    rehearse({ plan: planOf('good', run), before: null, keepCopy: false, mayCopyFiles: false }, tools),
  );
  const event = recordOf(world, run)?.events.find(({ type }) => type === 'rehearsal-report');
  expect(event).toMatchObject({
    report: {
      notRehearsed: [{ message: `the copy lacks the setting "${setting.setting}": ${setting.because}` }],
    },
  });
});

test('a copy has no marker, which is no sign of a restore where the server reports none (LXD 5.0)', async () => {
  const world = createWorld();
  world.server.hasGenerations = false;
  world.instance.generation = null;
  expect((await rehearseIn(world, 'good')).outcome).toEqual({ outcome: 'rehearsal-passed' });
});

test('a package proxy that cannot be opened ends the rehearsal before the copy is made, with its end in the record', async () => {
  const world = createWorld();
  const guard = startGuard(world, { run });
  const openProxy = () => Promise.reject(new Error('listen EINVAL: invalid argument'));
  const rehearsal = { plan: planOf('good', run), before: null, keepCopy: false, mayCopyFiles: false };
  const ended = await world.time.run(guard.process, () => rehearse(rehearsal, { ...guard.tools, openProxy }));
  expect(ended).toMatchObject({ end: 'done', value: { outcome: { outcome: 'rehearsal-inconclusive' } } });
  expect(JSON.stringify(ended)).toMatch(/listen EINVAL.*TMPDIR/);
  expect(copiesOf(world.server)).toEqual([]);
  expect(recordOf(world, run)).toMatchObject({ copyRemoved: true, ended: expect.anything() as object });
});

test.each([true, false])(
  'without the id of a run that follows, the packages are asked for where one follows: %s',
  async (isCompared) => {
    const world = createWorld();
    const guard = startGuard(world, { run });
    const rehearsal = { plan: planOf('good', run), before: null, isCompared, keepCopy: false, mayCopyFiles: false };
    const ended = await world.time.run(guard.process, () =>
      rehearse(rehearsal, { ...guard.tools, openProxy: silentProxy }),
    );
    if (ended.end !== 'done') throw new Error(ended.end);
    expect(ended.value.preview !== null).toBe(isCompared);
    expect(recordOf(world, run)?.started?.rehearsal?.before).toBeNull();
  },
);
