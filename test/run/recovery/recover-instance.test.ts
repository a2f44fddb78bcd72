import { describe, expect, test } from 'vitest';
import { addInstance, renameInstance } from '../../../src/platform/memory/server.ts';
import type { Fault, MemoryRequest } from '../../../src/platform/memory/requests.ts';
import { settleOnInstance } from '../../../src/run/confirmation/settlement.ts';
import { guardedRun } from '../../../src/run/guarded-run.ts';
import { keptKey } from '../../../src/run/lock/marker.ts';
import {
  recoverInstance as recoverFound,
  type RecoveryEnd,
  type RecoveryTools,
} from '../../../src/run/recovery/recover-instance.ts';
import { recoverInstance, recoveryTools } from '../engine/recovery.ts';
import { createWorld, instanceName, planOf, recordOf, startGuard, versionOf, type World } from '../engine/world.ts';

const run = '20270101-000000-aaaa';
const newRun = '20270101-000000-bbbb';
const hour = 3_600_000;

/** A guard of this host that was killed while its command worked. */
async function killedRun(): Promise<World> {
  const world = createWorld();
  const guard = startGuard(world, { run });
  world.onCommand = () => guard.process.kill();
  await world.time.run(guard.process, () => guardedRun(planOf('good', run), guard.tools));
  return world;
}

/** A change of this host that waits for its confirmation. The guard that made it has ended. */
async function waitingRun(): Promise<World> {
  const world = createWorld();
  const guard = startGuard(world, { run });
  const plan = planOf('good', run, { confirmation: { ms: hour, by: null, detach: true } });
  const end = await world.time.run(guard.process, () => guardedRun(plan, guard.tools));
  expect(end).toMatchObject({ value: { outcome: 'waiting' } });
  world.dead.add(guard.tools.holder.pid);
  return world;
}

/** `guard recover INSTANCE` on the host of the run. */
async function recover(
  world: World,
  instance: string,
  more: Partial<RecoveryTools> & {
    readonly known?: 'known';
    readonly faultOf?: (request: MemoryRequest) => Fault | null;
  } = {},
): Promise<RecoveryEnd> {
  const { known, faultOf, ...tools } = more;
  const guard = startGuard(world, { run, ...(faultOf === undefined ? {} : { faultOf }) });
  const record = known === undefined ? null : recordOf(world, run);
  const plan = planOf('good', known === undefined ? newRun : run, { instance });
  const end = await world.time.run(guard.process, () =>
    recoverFound(
      { plan, known: record, keepIfHealthy: false, takeOver: true },
      { ...recoveryTools(world, guard, run), ...tools },
    ),
  );
  if (end.end !== 'done') throw new Error('killed');
  return end.value;
}

/** As `incus copy` makes it; `more` is what else it has. */
function copyTo(world: World, name: string, more: { readonly uuid?: string } = {}): void {
  const { metadata, snapshots, files } = world.instance;
  addInstance(world.server, name, { metadata, snapshots: [...snapshots], files, ...more } as never);
}

describe('a change that another host confirmed', () => {
  const killedAt = (name: string) => (request: MemoryRequest) => (request.name === name ? 'die-before' : null);

  test('stays, although that host was killed before it released the restore point (F12)', async () => {
    const world = await waitingRun();
    const actor = startGuard(world, { run, host: 'other', faultOf: killedAt('renameSnapshot') });
    const elsewhere = { ...world, journal: new Map() };
    const end = await world.time.run(actor.process, async () => {
      await settleOnInstance(recoveryTools(elsewhere, actor, null), instanceName, run, { kind: 'confirm' });
      return recoverInstance(elsewhere, actor, planOf('good', newRun), null, true);
    });
    expect(end).toEqual({ end: 'killed' });
    expect(world.instance.metadata).toMatchObject({ [keptKey]: run });
    expect(world.instance.metadata['run'] ?? '').toBe('');

    const here = await recover(world, instanceName, { known: 'known' });
    expect(here).toMatchObject({ kind: 'finished', outcome: { outcome: 'kept' }, isLocked: false });
    expect(versionOf(world)).toBe('v2');
    const settled = world.journal.get(run)?.filter(({ type }) => type === 'confirmation-settled');
    expect(settled).toMatchObject([{ state: 'confirmed' }]);
    expect(world.instance.snapshots.map(({ name }) => name)).toEqual([`guard-${run}`]);
  });

  test('stays, if that host did it while this one prepared its recovery', async () => {
    const world = await waitingRun();
    await world.time.pass(2 * hour);
    const end = await recover(world, instanceName, {
      known: 'known',
      // After what is left was read, and before the lease is taken.
      keptRestorePoints: async () => {
        world.instance.metadata = { [keptKey]: run };
        return [];
      },
    });
    expect(end).toMatchObject({ kind: 'finished', outcome: { outcome: 'kept' } });
    expect(versionOf(world)).toBe('v2');
  });
});

describe('that a change is kept is noted with the removal of its marker, although its restore point is gone', () => {
  test('where the record of this host says so', async () => {
    const world = createWorld();
    const isDecided = (): boolean => world.journal.get(run)?.some(({ type }) => type === 'decided') === true;
    const guard = startGuard(world, { run, faultOf: () => (isDecided() ? 'die-before' : null) });
    await world.time.run(guard.process, () => guardedRun(planOf('good', run), guard.tools));
    world.instance.snapshots = [];
    expect(await recover(world, instanceName, { known: 'known' })).toMatchObject({ outcome: { outcome: 'kept' } });
    expect(world.instance.metadata).toMatchObject({ [keptKey]: run });
  });

  test('where another host finds that it was confirmed: the host of the run learns it', async () => {
    const world = await waitingRun();
    const elsewhere = { ...world, journal: new Map() };
    const actor = startGuard(world, { run, host: 'other' });
    const end = await world.time.run(actor.process, async () => {
      await settleOnInstance(recoveryTools(elsewhere, actor, null), instanceName, run, { kind: 'confirm' });
      world.instance.snapshots = [];
      return recoverInstance(elsewhere, actor, planOf('good', newRun), null, true);
    });
    expect(end).toEqual({ end: 'done', value: null });
    expect(world.instance.metadata).toMatchObject({ [keptKey]: run });
    expect(await recover(world, instanceName, { known: 'known' })).toMatchObject({ outcome: { outcome: 'kept' } });
  });
});

describe('an instance that has the marker of another one', () => {
  test('is not recovered with the record of the other one, and nothing is written into it', async () => {
    const world = await killedRun();
    copyTo(world, 'copy');
    const before = world.journal.get(run)?.length;
    const end = await recover(world, 'copy');
    expect(end).toMatchObject({
      kind: 'refused',
      outcome: {
        outcome: 'refused',
        refusal: {
          message: expect.stringContaining('another instance than "copy" (its record names "web")') as string,
          advice: expect.stringMatching(
            /`memory remove-metadata .*copy.*run`; `memory remove-snapshot .*copy/,
          ) as string,
        },
      },
    });
    expect(world.journal.get(run)).toHaveLength(before ?? 0);
    expect(await recover(world, instanceName)).toMatchObject({ outcome: { outcome: 'rolled-back' } });
  });

  test('is not recovered for a record that is known already', async () => {
    const world = await killedRun();
    copyTo(world, 'copy');
    expect(await recover(world, 'copy', { known: 'known' })).toMatchObject({ kind: 'refused' });
  });

  test('and its uuid, as an import twice from one backup: the name in the record decides', async () => {
    const world = await killedRun();
    copyTo(world, 'twin', { uuid: world.instance.uuid });
    const renamed: string[] = [];
    const recordRename: RecoveryTools['recordRename'] = async (_, name) => {
      renamed.push(name);
      return recordOf(world, run);
    };
    expect(await recover(world, 'twin', { recordRename })).toMatchObject({ kind: 'refused' });
    expect(renamed).toEqual([]);
  });

  test('and its uuid, and nothing of the run, has nothing to recover', async () => {
    const world = await killedRun();
    addInstance(world.server, 'twin', { uuid: world.instance.uuid } as never);
    const unfinishedRuns: RecoveryTools['unfinishedRuns'] = async () => {
      const record = recordOf(world, run);
      return record === null ? [] : [record];
    };
    expect(await recover(world, 'twin', { unfinishedRuns })).toEqual({ kind: 'nothing-left', removed: [] });
  });

  test('because it is the same one under a new name, is recovered', async () => {
    const world = await killedRun();
    renameInstance(world.server, instanceName, 'renamed');
    expect(await recover(world, 'renamed')).toMatchObject({ outcome: { outcome: 'rolled-back' } });
  });
});

test('a run that another guard finished meanwhile keeps the end that its record has', async () => {
  const world = await killedRun();
  const stale = recordOf(world, run);
  await recover(world, instanceName);
  const before = world.journal.get(run)?.length;
  const guard = startGuard(world, { run });
  const end = await world.time.run(guard.process, () =>
    recoverFound(
      { plan: planOf('good', run), known: stale, keepIfHealthy: false, takeOver: false },
      { ...recoveryTools(world, guard, run), readRecord: async () => recordOf(world, run) },
    ),
  );
  expect(end).toMatchObject({ value: { kind: 'finished', outcome: { outcome: 'rolled-back' } } });
  expect(world.journal.get(run)).toHaveLength(before ?? 0);
});

describe('a change that waits is not rolled back', () => {
  test('before its deadline, although somebody removed its marker', async () => {
    const world = await waitingRun();
    world.instance.metadata = {};
    const end = await recover(world, instanceName, { known: 'known' });
    expect(end).toMatchObject({ kind: 'waits', marker: { run, problem: 'marker-missing' } });
    expect(versionOf(world)).toBe('v2');
  });

  test('but after its deadline it is', async () => {
    const world = await waitingRun();
    world.instance.metadata = {};
    await world.time.pass(2 * hour);
    const end = await recover(world, instanceName, { known: 'known' });
    expect(end).toMatchObject({ kind: 'finished', outcome: { outcome: 'rolled-back', cause: 'not-confirmed' } });
  });

  test.each(['getInstance', 'getSnapshot'])('after a failed read (%s) of what waits', async (name) => {
    const world = await waitingRun();
    await world.time.pass(2 * hour);
    let seen = 0;
    const second = (request: MemoryRequest): Fault | null => {
      if (request.name === name) seen += 1;
      return request.name === name && seen === 2 ? 'refused' : null;
    };
    const end = await recover(world, instanceName, { known: 'known', faultOf: second });
    expect(end).toMatchObject({ kind: 'refused' });
    expect(versionOf(world)).toBe('v2');
  });
});
