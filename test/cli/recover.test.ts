import { describe, expect, test } from 'vitest';
import type { Context } from '../../src/cli/context.ts';
import { runProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/clock.ts';
import { readRun } from '../../src/journal/runs.ts';
import type { MemoryServer } from '../../src/platform/memory/server.ts';
import { createInterrupter } from '../../src/run/interruption.ts';
import { createHost, elsewhere, gone, interruptedRun } from './memory-host.ts';

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
