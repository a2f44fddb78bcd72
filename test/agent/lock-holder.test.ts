import { describe, expect, test } from 'vitest';
import { findActiveRun } from '../../src/agent/lock-holder.ts';
import { connectMemory } from '../../src/platform/memory/memory.ts';
import { addInstance, createMemoryServer } from '../../src/platform/memory/server.ts';
import { createVirtualTime } from '../../src/platform/memory/virtual-time.ts';
import { expiryOfLease, inFlightName, newLease, type Lease } from '../../src/run/lock/in-flight.ts';
import { markerKey, type RunMarker } from '../../src/run/lock/marker.ts';

const marker: RunMarker = {
  v: 1,
  run: '20261123-120000-abcd',
  holder: { host: 'here', bootId: 'boot', pid: 4711, network: 'net:[1]', id: 'i' },
  wasRunning: true,
  restorePointName: 'guard-20261123-120000-abcd',
  leaseMs: 120_000,
  at: 3,
};

const lease = newLease();

const waiting = { state: 'waiting', deadline: { bootId: 'boot', sinceBootMs: 60_000, at: 60_000 } } as const;

/** What a package manager is told whose instance has this marker, and after how long. */
async function askedOf(
  mark: RunMarker | null,
  {
    holder,
    same = false,
    lost = () => false,
  }: {
    readonly holder: 'alive' | 'dead' | 'elsewhere';
    readonly same?: boolean;
    readonly lost?: (lease: Lease | null) => boolean;
  },
) {
  const time = createVirtualTime();
  const server = createMemoryServer({ clock: time.startProcess().clock, exec: () => Promise.resolve(0) });
  const instance = addInstance(server, 'c1', {});
  instance.metadata = mark === null ? {} : { [markerKey]: JSON.stringify(mark) };
  const process = time.startProcess();
  const { clock } = process;
  const platform = connectMemory(server, { process });
  const tools = {
    platform,
    clock,
    inspectHolder: () => holder,
    hasLost: (_run: string, of: Lease | null) => Promise.resolve(lost(of)),
  };
  const ended = await time.run(process, async () => {
    await platform.createSnapshot('c1', { name: inFlightName, expiresAt: expiryOfLease(lease) }, { limitMs: 1000 });
    const began = clock.monotonic();
    const found = await findActiveRun(tools, 'c1', 30_000, () => Promise.resolve(same));
    return { ...found, afterMs: clock.monotonic() - began };
  });
  if (ended.end !== 'done') throw new Error(`It ended as ${ended.end}.`);
  return ended.value;
}

describe('a package manager that asks while a restore point is in flight', () => {
  test.each(['alive', 'elsewhere'] as const)('is part of the change of a run whose guard is %s', async (holder) => {
    expect(await askedOf(marker, { holder })).toMatchObject({ kind: 'guarded' });
  });

  test('belongs to the interrupted run that it began itself', async () => {
    expect(await askedOf(marker, { holder: 'dead', same: true })).toMatchObject({ kind: 'guarded' });
    expect(await askedOf({ ...marker, recovering: true }, { holder: 'alive', same: true })).toMatchObject({
      kind: 'guarded',
    });
  });

  test('is never part of a run that its living guard has lost: whoever finishes it may roll it back', async () => {
    const found = await askedOf(marker, { holder: 'alive', lost: () => true });
    expect(found).toMatchObject({ kind: 'unknown', message: expect.stringContaining('guard recover') });
  });

  test('is never part of a run that another host has just taken over, as the lease of its restore point shows', async () => {
    const own = newLease();
    const lost = (of: Lease | null): boolean => of?.base !== own.base;
    expect(await askedOf(marker, { holder: 'alive', lost })).toMatchObject({ kind: 'unknown' });
    expect(await askedOf(marker, { holder: 'alive', lost: (of) => of?.base !== lease.base })).toMatchObject({
      kind: 'guarded',
    });
  });

  test('is never part of a run that is being recovered: the rollback would undo what it changes', async () => {
    const found = await askedOf({ ...marker, recovering: true }, { holder: 'alive' });
    expect(found).toMatchObject({ kind: 'unknown', message: expect.stringContaining('is being recovered') });
    expect(found.afterMs).toBeGreaterThanOrEqual(30_000);
  });

  test('waits for the recovery of an interrupted run', async () => {
    const found = await askedOf(marker, { holder: 'dead' });
    expect(found).toMatchObject({ kind: 'unknown', message: expect.stringContaining('guard recover') });
    expect(found.afterMs).toBeGreaterThanOrEqual(30_000);
  });

  test('is never part of a change that waits to be confirmed', async () => {
    expect(await askedOf({ ...marker, confirmation: waiting }, { holder: 'alive' })).toMatchObject({
      kind: 'unknown',
      message: expect.stringContaining('waits to be confirmed'),
    });
  });
});
