import { describe, expect, test } from 'vitest';

import { guardedRun } from '../../../src/run/guarded-run.ts';
import { announce, type Watcher } from '../../../src/platform/memory/server.ts';
import type { RunPlan } from '../../../src/run/changes/change.ts';
import type { Person } from '../../../src/question.ts';
import {
  createWorld,
  instanceName,
  planOf,
  setVersion,
  startGuard,
  versionOf,
  type CommandKind,
  type World,
} from './world.ts';

const run = '20270101-000000-aaaa';

/** The outcome of a run in which nothing goes wrong with the server. */
async function runOn(world: World, kind: CommandKind, more: Partial<RunPlan> = {}) {
  const guard = startGuard(world, { run });
  const end = await world.time.run(guard.process, () => guardedRun(planOf(kind, run, more), guard.tools));
  if (end.end !== 'done') throw new Error(`the run is ${end.end}`);
  return end.value;
}

describe('a guarded run on the memory platform', () => {
  test('keeps a change that leaves the instance healthy, with its restore point', async () => {
    const world = createWorld();
    expect(await runOn(world, 'good')).toEqual({ outcome: 'kept' });
    expect(versionOf(world)).toBe('v2');
    expect(world.instance.snapshots.map(({ name }) => name)).toEqual([`guard-${run}`]);
    expect(world.instance.metadata).toEqual({ kept: run });
  });

  test.each(['fails', 'breaks'] as const)('rolls back a change that %s (F9)', async (kind) => {
    const world = createWorld({ hasVolume: true });
    const cause = kind === 'fails' ? 'command' : 'unhealthy';
    expect(await runOn(world, kind)).toEqual({ outcome: 'rolled-back', cause });
    expect(versionOf(world)).toBe('v1');
    expect(world.instance.status).toBe('Running');
    expect(world.instance.snapshots).toEqual([]);
    expect(world.volume?.snapshots).toEqual([]);
  });

  test('starts a stopped instance for the run, and stops it again', async () => {
    const world = createWorld({ isRunning: false });
    expect(await runOn(world, 'good')).toEqual({ outcome: 'kept' });
    expect(world.instance.status).toBe('Stopped');
    expect(versionOf(world)).toBe('v2');
  });

  test('keeps the restore point under the name that the user gave', async () => {
    const world = createWorld();
    await runOn(world, 'fails', { restorePoint: { name: 'before', named: true, keep: 3, expiresMs: null } });
    expect(world.instance.snapshots.map(({ name }) => name)).toEqual(['before']);
  });

  test.each(['application-container', 'virtual-machine'] as const)(
    'refuses a %s before anything is touched',
    async (type) => {
      const world = createWorld({ type });
      expect(await runOn(world, 'good')).toMatchObject({ outcome: 'refused' });
      expect(versionOf(world)).toBe('v1');
      expect(world.instance.snapshots).toEqual([]);
      expect(world.instance.metadata).toEqual({});
    },
  );

  test('counts memory and dependent volumes as covered, and takes no snapshot of them apart', async () => {
    const world = createWorld({
      disks: [
        { device: 'cache', path: '/cache', kind: 'memory' },
        { device: 'db', path: '/db', kind: 'dependent-volume', pool: 'default', volume: 'db' },
      ],
    });
    expect(await runOn(world, 'fails', { uncovered: 'refuse' })).toEqual({ outcome: 'rolled-back', cause: 'command' });
  });

  test('says that an instance is protected from being started, and refuses one that it would have to start first', async () => {
    const world = createWorld({ startProtected: true });
    expect(await runOn(world, 'fails')).toEqual({ outcome: 'rolled-back', cause: 'command' });
    const notices = (world.journal.get(run) ?? []).flatMap((event) => (event.type === 'notice' ? [event.message] : []));
    expect(notices).toEqual([expect.stringContaining('protected from being started')]);
    const stopped = createWorld({ startProtected: true, isRunning: false });
    expect(await runOn(stopped, 'good')).toMatchObject({ outcome: 'refused' });
    expect(stopped.instance.snapshots).toEqual([]);
  });

  test('says once that guard is not tested with the version of the server', async () => {
    const world = createWorld();
    world.server.version = '6.9';
    expect(await runOn(world, 'good')).toEqual({ outcome: 'kept' });
    const notices = (world.journal.get(run) ?? []).flatMap((event) => (event.type === 'notice' ? [event.message] : []));
    expect(notices).toEqual(['guard is not tested with Incus 6.9, but with Incus 6.0.']);
  });

  test.each<[string, (watcher: Watcher) => void]>([
    ['the stream of events ended', (watcher) => watcher.onLost()],
    ['nothing comes over its connection any more', (watcher) => void (watcher.isSilent = true)],
  ])('says when it cannot know whether somebody else restored the instance: %s', async (_, breakOff) => {
    const world = createWorld();
    world.instance.generation = null;
    world.onCommand = () => {
      for (const watcher of world.server.watchers) breakOff(watcher);
    };
    expect(await runOn(world, 'good')).toEqual({ outcome: 'kept' });
    const notices = (world.journal.get(run) ?? []).flatMap((event) => (event.type === 'notice' ? [event.message] : []));
    expect(notices).toEqual([expect.stringContaining('did not receive all events')]);
  });

  test('notices a restore by somebody else from the events of the server where that reports no generations', async () => {
    const world = createWorld();
    world.instance.generation = null;
    // The marker stays.
    world.onCommand = () => announce(world.server, instanceName, true);
    expect(await runOn(world, 'good')).toEqual({ outcome: 'rolled-back', cause: 'inconclusive' });
    expect(world.server.watchers.size).toBe(0);
  });

  test('notices a restore by somebody else also when a person at the terminal lets guard check again', async () => {
    const world = createWorld();
    const { process, tools } = startGuard(world, { run });
    let asked = 0;
    const person: Person = {
      ask: async () => {
        asked += 1;
        if (asked > 1) return 'rollback';
        setVersion(world, 'v1');
        announce(world.server, instanceName, true);
        world.instance.generation = 'of somebody else';
        return 'check';
      },
    };
    const policies = planOf('breaks', run).onFailure;
    const plan = planOf('breaks', run, { onFailure: { ...policies, unhealthy: 'ask', inconclusive: 'ask' } });
    const end = await world.time.run(process, () => guardedRun(plan, { ...tools, person }));
    expect(end).toMatchObject({ end: 'done', value: { outcome: 'rolled-back', cause: 'inconclusive' } });
    expect(asked).toBe(2);
  });

  test('takes a restore of another instance, and other events of its own, for none of its own', async () => {
    const world = createWorld();
    world.instance.generation = null;
    world.onCommand = () => {
      announce(world.server, 'other', true);
      announce(world.server, instanceName);
    };
    expect(await runOn(world, 'good')).toEqual({ outcome: 'kept' });
  });

  test('notices a restore by somebody else also where the server does not tell of it', async () => {
    const world = createWorld();
    world.instance.generation = null;
    // An older snapshot has no marker.
    world.onCommand = () => {
      world.instance.metadata = {};
    };
    expect(await runOn(world, 'good')).toEqual({ outcome: 'rolled-back', cause: 'inconclusive' });
  });
});
