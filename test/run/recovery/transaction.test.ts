import { transactionChange, type Transaction } from '../../../src/run/changes/transaction.ts';
import { waitForTransaction } from '../../../src/run/changes/transaction-end.ts';
import { foldEvents } from '../../../src/journal/runs.ts';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../../src/event.ts';
import { expiryOfLease, inFlightName, newLease } from '../../../src/run/lock/in-flight.ts';
import type { RunTools } from '../../../src/run/tools.ts';
import { guardedRun } from '../../../src/run/guarded-run.ts';
import { recoverInstance } from '../engine/recovery.ts';
import { createWorld, planOf, setVersion, startGuard, versionOf, type Guard, type World } from '../engine/world.ts';

const run = '20270101-000000-aaaa';
const pid = 4711;

/** A package manager inside, which is there as long as `lives` says. */
function createWorldWith(lives: () => boolean): World {
  const world = createWorld();
  const own = world.server.exec;
  world.server.exec = async (process) => {
    if (!process.command.some((word) => word.includes('/proc/$pid/stat'))) return own(process);
    const fields = Array.from({ length: 30 }, () => '1').join(' ');
    const seen = process.command.includes(String(pid)) && lives() ? `${pid} (apt) S ${fields}\n` : '';
    await process.write('stdout', `1 (systemd) S ${fields}\n${seen}`);
    return 0;
  };
  return world;
}

/** guard is killed while it waits for the end of the package manager. */
async function killedTransaction(lives: () => boolean): Promise<World> {
  const world = createWorldWith(lives);
  const guard = startGuard(world, { run });
  const transaction = {
    manager: 'apt',
    pid,
    packages: 1,
    fingerprint: 'one',
    begin: () => {
      setVersion(world, 'v2');
      guard.process.clock.after(1000, () => guard.process.kill());
    },
    ended: () => new Promise<never>(() => {}),
  };
  await world.time.run(guard.process, () =>
    guardedRun(planOf('good', run, { change: transactionChange(transaction) }), guard.tools),
  );
  return world;
}

async function recovered(world: World, options: { takeOver?: boolean; host?: string } = {}): Promise<Outcome | null> {
  const guard = startGuard(world, { run, host: options.host ?? 'here' });
  const end = await world.time.run(guard.process, () =>
    recoverInstance(world, guard, planOf('good', run), run, options.takeOver ?? false),
  );
  if (end.end !== 'done') throw new Error(`the recovery is ${end.end}`);
  return end.value;
}

describe('the recovery of a transaction', () => {
  test('keeps what a package manager has finished that outlived guard', async () => {
    const world = await killedTransaction(() => false);
    expect(await recovered(world)).toEqual({ outcome: 'kept' });
    expect(versionOf(world)).toBe('v2');
  });

  test('waits no longer for a process that never ends than the run would have, and says so (F33)', async () => {
    const world = await killedTransaction(() => true);
    expect(await recovered(world)).toEqual({ outcome: 'rolled-back', cause: 'inconclusive' });
    expect(versionOf(world)).toBe('v1');
    const notices = (world.journal.get(run) ?? []).flatMap((event) => (event.type === 'notice' ? [event.message] : []));
    expect(notices).toEqual([
      expect.stringMatching(/apt still works in web \(process 4711\)\. Waiting up to .* --take-over/),
    ]);
  });

  test('does not wait at all with --take-over, and never keeps what is still under way', async () => {
    const world = await killedTransaction(() => true);
    const before = world.server.clock.monotonic();
    expect(await recovered(world, { takeOver: true })).toEqual({ outcome: 'rolled-back', cause: 'inconclusive' });
    expect(world.server.clock.monotonic() - before).toBeLessThan(60_000);
    expect(versionOf(world)).toBe('v1');
  });

  test('does not keep what a restart of the instance has cut off', async () => {
    const world = await killedTransaction(() => false);
    world.instance.lastStartedAt = new Date(world.server.clock.now()).toISOString();
    expect(await recovered(world)).toEqual({ outcome: 'rolled-back', cause: 'inconclusive' });
    expect(versionOf(world)).toBe('v1');
  });
});

/** What the record says in the end. */
const endOf = (world: World): Outcome | undefined => foldEvents(run, '', world.journal.get(run) ?? []).ended?.outcome;

/** As the agent runs it: it waits until the package manager has ended. */
function waitingTransaction(
  { tools: { platform, clock } }: Guard,
  begin: Transaction['begin'] = () => {},
): Transaction {
  return {
    manager: 'apt',
    pid,
    packages: 1,
    fingerprint: 'one',
    begin,
    ended: async (signal) => {
      const wait = { pids: () => [pid], settleMs: 0, limitMs: 86_400_000, readyMs: 1000 };
      const end = await waitForTransaction({ platform, clock }, 'web', wait, signal);
      return { end: { kind: 'lost', message: end }, finished: true };
    },
  };
}

test('--take-over gets through while the guard that holds the instance lives, which then waits for nothing more', async () => {
  const world = createWorldWith(() => true);
  const holder = startGuard(world, { run });
  const plan = planOf('good', run, { change: transactionChange(waitingTransaction(holder)) });
  const held = guardedRun(plan, holder.tools);
  await world.time.pass(10_000);
  expect(await recovered(world)).toMatchObject({ outcome: 'busy' });
  expect(await recovered(world, { takeOver: true })).toMatchObject({ outcome: 'rolled-back' });
  expect(world.instance.snapshots).toEqual([]);
  const end = await world.time.run(holder.process, () => held);
  expect(end).toMatchObject({ end: 'done', value: { outcome: 'rollback-failed', lost: true } });
  expect(world.server.clock.monotonic()).toBeLessThan(120_000);
  expect(endOf(world)).toMatchObject({ outcome: 'rolled-back' });
});

test('a run that another guard has taken over knows it when it is asked, before it renews its lease', async () => {
  const world = createWorldWith(() => true);
  const holder = startGuard(world, { run });
  let isHeld = (): Promise<boolean> => Promise.reject(new Error('it never began'));
  const transaction = waitingTransaction(holder, (ask) => void (isHeld = ask));
  const held = guardedRun(planOf('good', run, { change: transactionChange(transaction) }), holder.tools);
  await world.time.pass(1000);
  expect(await world.time.run(holder.process, () => isHeld())).toMatchObject({ value: true });
  await world.time.pass(1000);
  const point = world.instance.snapshots.find(({ name }) => name === inFlightName);
  if (point === undefined) throw new Error('it has no restore point');
  point.expiresAt = expiryOfLease(newLease()).toISOString();
  expect(await world.time.run(holder.process, () => isHeld())).toMatchObject({ value: false });
  expect(await world.time.run(holder.process, () => held)).toMatchObject({
    value: { outcome: 'rollback-failed', lost: true },
  });
});

test('a package manager does not continue if the run was taken over while its record was written', async () => {
  const world = createWorldWith(() => true);
  const holder = startGuard(world, { run });
  const point = () => world.instance.snapshots.find(({ name }) => name === inFlightName);
  const { record } = holder.tools.recorder;
  let hasBegun = false;
  const transaction = waitingTransaction(holder, () => void (hasBegun = true));
  const slow: RunTools = {
    ...holder.tools,
    recorder: {
      ...holder.tools.recorder,
      record: async (event) => {
        const snapshot = point();
        if (event.type === 'change-begun' && snapshot !== undefined) {
          snapshot.expiresAt = expiryOfLease(newLease()).toISOString();
          await holder.tools.clock.sleep(1000);
        }
        return record(event);
      },
    },
  };
  const end = await world.time.run(holder.process, () =>
    guardedRun(planOf('good', run, { change: transactionChange(transaction) }), slow),
  );
  expect(end).toMatchObject({ value: { outcome: 'rollback-failed', lost: true } });
  expect(hasBegun).toBe(false);
});

test('what a living guard has lost because the server was silent is recovered without waiting for its process', async () => {
  let lives = true;
  const world = createWorldWith(() => lives);
  const holder = startGuard(world, { run });
  const plan = planOf('good', run, { change: transactionChange(waitingTransaction(holder)) });
  const held = guardedRun(plan, holder.tools);
  await world.time.pass(10_000);
  world.server.downUntil = world.server.clock.monotonic() + 300_000;
  const end = await world.time.run(holder.process, () => held);
  expect(end).toMatchObject({ end: 'done', value: { outcome: 'rollback-failed', lost: true } });
  world.server.downUntil = world.server.clock.monotonic();
  lives = false;
  expect(await recovered(world)).toEqual({ outcome: 'kept' });
  expect(world.instance.snapshots.map(({ name }) => name)).not.toContain('guard-in-flight');
});

test('a recovery that waits for a process waits no longer once another one has taken the run over (F33)', async () => {
  const world = await killedTransaction(() => true);
  const waiting = startGuard(world, { run });
  const first = recoverInstance(world, waiting, planOf('good', run), run);
  await world.time.pass(10_000);
  const before = world.server.clock.monotonic();
  expect(await recovered(world, { takeOver: true })).toMatchObject({ outcome: 'rolled-back' });
  const end = await world.time.run(waiting.process, () => first);
  expect(end).toMatchObject({ end: 'done', value: { outcome: 'rollback-failed', lost: true } });
  expect(world.server.clock.monotonic() - before).toBeLessThan(120_000);
  expect(endOf(world)).toMatchObject({ outcome: 'rolled-back' });
  expect(world.instance.snapshots).toEqual([]);
});
