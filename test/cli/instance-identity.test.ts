import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { pruneOldRecords } from '../../src/cli/prune-records.ts';
import type { RunEvent } from '../../src/event.ts';
import { openJournal } from '../../src/journal/journal.ts';
import { listRunIds, readRun } from '../../src/journal/runs.ts';
import { addInstance, renameInstance } from '../../src/platform/memory/server.ts';
import { createHost, gone, interruptedRun, type MemoryHost } from './memory-host.ts';

const [first, second] = ['20270101-000000-aaaa', '20270102-000000-bbbb'];

/** A guarded run that a timer would start. */
const runs = (host: MemoryHost, instance: string, ...options: readonly string[]): Promise<number> =>
  runProgram(['run', '--soak', '0s', ...options, instance, '--', 'change'], host.context);

/** The command of every run ends with this status. */
const commandEnds = ({ server }: MemoryHost, status: number): void => {
  server.exec = async ({ command, write }) => {
    if (command[0] === 'change') return status;
    await write('stdout', 'systemd running\n');
    return 0;
  };
};

/** The record of a run that was kept, with its restore point on the server. */
async function keptRun({ server, platform, stateDirectory }: MemoryHost, name: string, run: string): Promise<void> {
  const instance = server.instances.get(name) ?? addInstance(server, name);
  const taken = await platform.createSnapshot(name, { name: `guard-${run}`, expiresAt: null }, { limitMs: 10_000 });
  const { createdAt } = taken.ok ? taken.value : { createdAt: '' };
  const journal = await openJournal({ stateDirectory, run });
  if (!journal.ok) throw new Error(journal.error);
  const events: RunEvent[] = [
    {
      type: 'run-started',
      version: '0',
      instance: name,
      project: 'default',
      remote: null,
      uuid: instance.uuid,
      server: server.id,
      command: ['true'],
      wasRunning: true,
      restorePointName: `guard-${run}`,
      named: false,
      holder: gone,
    },
    { type: 'restore-point-created', restorePoint: { name: 'guard-in-flight', createdAt, volumes: [] } },
    { type: 'released', restorePoint: `guard-${run}` },
    { type: 'run-ended', outcome: { outcome: 'kept' }, ms: 1 },
  ];
  for (const event of events) await journal.value.append({ ...event, v: 1, run, at: 0 });
  await journal.value.close();
}

/** As a user deletes an instance, and makes another one of the same name. */
const recreate = ({ server }: MemoryHost, name: string): void => {
  server.instances.delete(name);
  addInstance(server, name);
};

describe('a deleted instance whose name another one has', () => {
  test('leaves that one neither quarantine (F37) nor restore points (F17)', async () => {
    const host = await createHost();
    await keptRun(host, 'web', first);
    expect(await runProgram(['points', 'web'], host.context)).toBe(0);
    expect(host.printed()).toContain(first);
    recreate(host, 'web');
    expect(await runProgram(['points', 'web'], host.context)).toBe(0);
    expect(host.printed()).not.toContain(first);
    expect(await runProgram(['points'], host.context)).toBe(0);
    expect(host.printed()).not.toContain(first);
    expect(await runProgram(['rollback', 'web', '-y', first], host.context)).toBe(30);
    expect(host.said()).toContain('guard has none there');
  });

  test('is refused nothing for a change of its predecessor (F37)', async () => {
    const host = await createHost();
    addInstance(host.server, 'web');
    commandEnds(host, 1);
    expect(await runs(host, 'web', '--check', 'true')).toBe(10);
    expect(await runs(host, 'web', '--check', 'true')).toBe(32);
    renameInstance(host.server, 'web', 'shop');
    // A renamed one is the same.
    expect(await runs(host, 'shop', '--check', 'true')).toBe(32);
    addInstance(host.server, 'web');
    expect(await runs(host, 'web', '--check', 'true')).toBe(10);
  });

  test('lists the runs of the instance that has the name now, and says that there are others', async () => {
    const host = await createHost();
    await keptRun(host, 'web', first);
    recreate(host, 'web');
    await keptRun(host, 'web', second);
    expect(await runProgram(['runs', 'web'], host.context)).toBe(0);
    const listed = host.printed();
    expect(listed).toContain(second);
    expect(listed).not.toContain(first);
    expect(host.said()).toContain('1 run of an earlier instance "web", which was deleted, is not listed');
    // Without any instance of the name all of them are listed.
    host.server.instances.delete('web');
    expect(await runProgram(['runs', 'web'], host.context)).toBe(0);
    expect(host.printed()).toMatch(new RegExp(`${second}[^]*${first}`));
  });

  test('ends its interrupted run, and the other instance is not touched (F2, F12)', async () => {
    const host = await createHost();
    await interruptedRun(host, 'web', first, gone);
    recreate(host, 'web');
    // It has an interrupted run of its own.
    await interruptedRun(host, 'web', second, gone);
    expect(await runProgram(['recover'], host.context)).toBe(0);
    expect((await readRun(host.stateDirectory, first))?.ended?.outcome.outcome).toBe('instance-gone');
    expect((await readRun(host.stateDirectory, second))?.ended?.outcome.outcome).toBe('rolled-back');
  });
});

describe('a renamed instance', () => {
  test('is recovered under its new name (F12)', async () => {
    const host = await createHost();
    await interruptedRun(host, 'web', first, gone);
    renameInstance(host.server, 'web', 'shop');
    expect(await runProgram(['recover'], host.context)).toBe(0);
    expect(host.said()).toContain('"web" is now "shop"');
    expect((await readRun(host.stateDirectory, first))?.ended?.outcome.outcome).toBe('rolled-back');
    expect(host.server.instances.get('shop')?.snapshots).toEqual([]);
  });

  test('is recovered although another instance has its old name', async () => {
    const host = await createHost();
    await interruptedRun(host, 'web', first, gone);
    renameInstance(host.server, 'web', 'shop');
    const other = addInstance(host.server, 'web');
    const before = JSON.stringify([other.metadata, other.snapshots, other.status]);
    expect(await runProgram(['recover'], host.context)).toBe(0);
    expect((await readRun(host.stateDirectory, first))?.ended?.outcome.outcome).toBe('rolled-back');
    expect(JSON.stringify([other.metadata, other.snapshots, other.status])).toBe(before);
  });

  test('keeps its restore points, and is rolled back to them', async () => {
    const host = await createHost();
    await keptRun(host, 'web', first);
    renameInstance(host.server, 'web', 'shop');
    expect(await runProgram(['points'], host.context)).toBe(0);
    expect(host.printed()).toMatch(new RegExp(`shop[^]*${first}`));
    expect(await runProgram(['rollback', 'shop', '--dry-run'], host.context)).toBe(0);
    expect(host.printed()).toContain(first);
    expect(await runProgram(['runs', 'shop'], host.context)).toBe(0);
    expect(host.printed()).toContain(first);
  });

  test('that is found twice, because a backup was imported, is left to a person', async () => {
    const host = await createHost();
    await interruptedRun(host, 'web', first, gone);
    const web = host.server.instances.get('web');
    host.server.instances.delete('web');
    if (web) for (const name of ['one', 'two']) host.server.instances.set(name, { ...web, name });
    expect(await runProgram(['recover'], host.context)).toBe(30);
    expect((await readRun(host.stateDirectory, first))?.ended).toBeNull();
  });
});

describe('the record of a kept restore point', () => {
  /** The records that are left where only one is to be kept. */
  const leftOf = async (host: MemoryHost, server = host): Promise<string[]> => {
    const reached = await server.context.reach('web', null);
    if (!reached.ok) throw new Error(reached.error.message);
    await pruneOldRecords(host.context, reached.value, 1);
    return listRunIds(host.stateDirectory);
  };

  test('outlives the limit on records as long as the restore point exists (F14)', async () => {
    const host = await createHost();
    for (const run of [first, second]) await keptRun(host, 'web', run);
    expect(await leftOf(host)).toEqual([second, first]);
    renameInstance(host.server, 'web', 'shop');
    expect(await leftOf(host)).toEqual([second, first]);
    await host.platform.deleteSnapshot('shop', `guard-${first}`, { limitMs: 10_000 });
    expect(await leftOf(host)).toEqual([second]);
  });

  test('goes with its instance, and is left alone where another server is asked', async () => {
    const host = await createHost();
    for (const run of [first, second]) await keptRun(host, 'web', run);
    recreate(host, 'web');
    expect(await leftOf(host, await createHost('another'))).toEqual([second, first]);
    expect(await leftOf(host)).toHaveLength(1);
  });
});

test('an instance of another server with the same name is not taken for it (F3)', async () => {
  const host = await createHost();
  await keptRun(host, 'web', first);
  const other = await createHost('another');
  addInstance(other.server, 'web');
  const context = { ...other.context, environment: host.context.environment };
  expect(await runProgram(['points', 'web'], context)).toBe(0);
  expect(other.printed()).not.toContain(first);
});
