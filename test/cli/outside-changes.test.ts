import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/clock.ts';
import { readRun } from '../../src/journal/runs.ts';
import { addInstance, type MemoryInstance } from '../../src/platform/memory/server.ts';
import { recencyMs } from '../../src/run/recency.ts';
import { createHost, gone, interruptedRun, type MemoryHost } from './memory-host.ts';

const day = 24 * 3600 * 1000;

/** A guarded run whose command does this to the instance, from outside, and ends with this status. */
async function runWhile(
  host: MemoryHost,
  change: (instance: MemoryInstance) => void,
  status: number,
): Promise<{ readonly exit: number; readonly said: string }> {
  const instance = addInstance(host.server, 'web');
  host.server.exec = async ({ command, write }) => {
    if (command[0] === 'change') {
      change(instance);
      // A proof of the lease that is younger than this is still believed.
      await systemClock.sleep(recencyMs + 50);
      return status;
    }
    await write('stdout', 'systemd running\n');
    return 0;
  };
  const exit = await runProgram(['run', '--soak', '0s', '--check', 'true', 'web', '--', 'change'], host.context);
  return { exit, said: host.said() };
}

const inFlight = 'guard-in-flight';

describe('a restore point that a user takes away during the command (F2, F3)', () => {
  test.each([
    ['deleted', ({ snapshots }: MemoryInstance) => void snapshots.splice(0)],
    ['renamed', ({ snapshots }: MemoryInstance) => snapshots.forEach((snapshot) => (snapshot.name = 'mine'))],
    [
      'replaced by another one of its name',
      ({ snapshots }: MemoryInstance) =>
        snapshots.forEach(
          (snapshot, at) => (snapshots[at] = { ...snapshot, createdAt: '2020-01-01T00:00:00Z', expiresAt: null }),
        ),
    ],
  ])('%s: it is never named as a way back', async (_, change) => {
    for (const status of [0, 1]) {
      const host = await createHost();
      let taken = '';
      const { exit, said } = await runWhile(
        host,
        (instance) => {
          taken = instance.snapshots[0]?.createdAt ?? '';
          change(instance);
        },
        status,
      );
      const { snapshots = [] } = host.server.instances.get('web') ?? {};
      // What is named as a way back is there, and is what this run took. One that was renamed gets its name back.
      const named = /restore point: (guard-\S+)/.exec(said)?.[1];
      const own = snapshots.filter(({ createdAt }) => createdAt === taken).map(({ name }) => name);
      expect(own).toEqual(named === undefined ? [] : [named]);
      expect(named === undefined && /guard rollback|go back/.test(said)).toBe(false);
      expect(exit === 10 && snapshots.length > 0).toBe(false);
      // What the user put there stays as it is.
      expect(snapshots.filter(({ createdAt }) => createdAt !== taken).every(({ name }) => name === inFlight)).toBe(
        true,
      );
    }
  });
});

describe('the clock of this host', () => {
  test.each([
    ['behind', -60 * day],
    ['ahead', 60 * day],
  ])('is 60 days %s: the kept restore point expires by the time of the server (F15)', async (_, offset) => {
    const host = await createHost();
    const clock = { ...systemClock, now: () => systemClock.now() + offset };
    const { exit } = await runWhile({ ...host, context: { ...host.context, clock } }, () => {}, 0);
    expect(exit).toBe(0);
    const [snapshot] = host.server.instances.get('web')?.snapshots ?? [];
    const lifetime = Date.parse(snapshot?.expiresAt ?? '') - Date.parse(snapshot?.createdAt ?? '');
    expect(lifetime / day).toBeGreaterThanOrEqual(1);
    expect(lifetime / day).toBeLessThan(60);
  });
});

test('an interrupted run of this host is finished after the host was renamed, without a wait (F12, F13)', async () => {
  const host = await createHost();
  const run = '20270101-000000-aaaa';
  await interruptedRun(host, 'web', run, { ...gone, host: 'as-it-was-called-before' });
  expect(await runProgram(['recover'], host.context)).toBe(0);
  expect((await readRun(host.stateDirectory, run))?.ended?.outcome.outcome).toBe('rolled-back');
});
