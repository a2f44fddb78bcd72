import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Context } from '../../src/cli/context.ts';
import { runProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/clock.ts';
import type { Holder, RunEvent } from '../../src/event.ts';
import { currentHolder } from '../../src/journal/holder.ts';
import { openJournal } from '../../src/journal/journal.ts';
import { readRun } from '../../src/journal/runs.ts';
import { connectMemory } from '../../src/platform/memory/memory.ts';
import { addInstance, createMemoryServer, type MemoryServer } from '../../src/platform/memory/server.ts';
import { createInterrupter } from '../../src/run/interruption.ts';
import { expiryOfLease, newLease } from '../../src/run/lock/in-flight.ts';
import { temporaryFolder } from '../journal/temporary.ts';

const quick = { read: 0, change: 1, snapshot: 5, restore: 5, start: 1, stop: 1, gracefulStop: 1, restart: 10 };
const gone: Holder = { ...currentHolder(), id: '0'.repeat(32) };
const elsewhere: Holder = { ...gone, host: 'other', bootId: 'of another machine' };

/** A host with records, and a server in memory. */
async function createHost() {
  const stateDirectory = await temporaryFolder();
  const server = createMemoryServer({
    clock: systemClock,
    takes: quick,
    exec: async (process) => {
      await process.write('stdout', 'systemd running\n');
      return 0;
    },
  });
  const process = { clock: systemClock, kill: () => {}, isDead: () => false, onKill: () => {} };
  const platform = connectMemory(server, { process });
  const stderr = new PassThrough();
  const interrupter = createInterrupter();
  const context: Context = {
    version: '0',
    commit: 'none',
    environment: { GUARD_STATE_DIR: stateDirectory, XDG_CONFIG_HOME: stateDirectory, HOME: stateDirectory },
    workingDirectory: stateDirectory,
    clock: systemClock,
    readHookPart: () => Promise.reject(new Error('no hook')),
    interrupter,
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr,
    reach: async (instance) => ({
      ok: true,
      value: {
        platform,
        fleet: { serverId: async () => null } as never,
        instance,
        project: 'default',
        remote: null,
        close: async () => {},
      },
    }),
  };
  return { stateDirectory, server, platform, context, interrupter, said: () => String(stderr.read() ?? '') };
}

/** A run that was killed while its command worked. */
async function interruptedRun(
  { server, platform, stateDirectory }: Awaited<ReturnType<typeof createHost>>,
  instance: string,
  run: string,
  holder: Holder,
): Promise<void> {
  const subject = addInstance(server, instance);
  const lease = newLease();
  const point = await platform.createSnapshot(
    instance,
    { name: 'guard-in-flight', expiresAt: expiryOfLease(lease) },
    { limitMs: 10_000 },
  );
  if (!point.ok) throw new Error(point.error.detail);
  const restorePointName = `guard-${run}`;
  subject.metadata = {
    run: JSON.stringify({ v: 1, run, holder, wasRunning: true, restorePointName, leaseMs: 120_000, at: 0 }),
  };
  const journal = await openJournal({ stateDirectory, run });
  if (!journal.ok) throw new Error(journal.error);
  const about = { version: '0', project: 'default', remote: null, command: ['true'], named: false } as const;
  const events: RunEvent[] = [
    { type: 'run-started', ...about, instance, wasRunning: true, restorePointName, holder },
    { type: 'lease-acquired', lease: lease.base },
    {
      type: 'restore-point-created',
      restorePoint: { name: 'guard-in-flight', createdAt: point.value.createdAt, volumes: [] },
    },
    { type: 'change-begun' },
  ];
  for (const event of events) await journal.value.append({ ...event, v: 1, run, at: 0 });
  await journal.value.close();
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1000 && !(await condition()); tries += 1) await systemClock.sleep(10);
}

const isFree = (server: MemoryServer, name: string): boolean =>
  server.instances.get(name)?.snapshots.every((snapshot) => snapshot.name !== 'guard-in-flight') ?? false;

const [waiting, other] = ['20270101-000000-aaaa', '20270101-000001-bbbb'];

describe('guard recover', () => {
  test('finishes the other instances while one waits, and ends at a signal (F14)', async () => {
    const host = await createHost();
    // Nothing can be said of the process of another machine: its lease of two minutes is waited for.
    await interruptedRun(host, 'web', waiting, elsewhere);
    await interruptedRun(host, 'db', other, gone);
    const recovering = runProgram(['recover'], host.context);
    let said = '';
    await until(() => /^db: .*record: guard show/m.test((said += host.said())));
    expect((await readRun(host.stateDirectory, other))?.ended).not.toBeNull();
    expect(isFree(host.server, 'db')).toBe(true);
    expect(isFree(host.server, 'web')).toBe(false);
    host.interrupter.interrupt('SIGINT');
    expect(await recovering).toBe(130);
    said += host.said();
    expect(said).toMatch(/^db: guard: .*rolled back/m);
    expect(said).toMatch(/^web: guard: .*Waiting 2 min for its lease/m);
    // The last line about "db" is printed a moment before its recovery ends.
    expect(said).toMatch(/^guard: .*interrupted\. Not finished: web(, db)?\./m);
    // The next one goes on from there.
    expect(
      await runProgram(['recover', '--take-over', 'web'], { ...host.context, interrupter: createInterrupter() }),
    ).toBe(0);
    expect(isFree(host.server, 'web')).toBe(true);
  }, 30_000);

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('of one instance ends at %s while it waits', async (signal) => {
    const host = await createHost();
    await interruptedRun(host, 'web', waiting, elsewhere);
    const recovering = runProgram(['recover', 'web'], host.context);
    let said = '';
    await until(() => (said += host.said()).includes('Waiting'));
    host.interrupter.interrupt(signal);
    expect(await recovering).toBe({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal]);
    expect(said + host.said()).toContain('Not finished: web.');
  });

  test('ends at a signal while the server does not answer at all', async () => {
    const host = await createHost();
    const context: Context = { ...host.context, reach: () => new Promise(() => {}) };
    const recovering = runProgram(['recover', 'web'], context);
    await systemClock.sleep(20);
    host.interrupter.interrupt('SIGTERM');
    expect(await recovering).toBe(143);
  });
});
