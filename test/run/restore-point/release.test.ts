import { expect, test } from 'vitest';
import { newLease } from '../../../src/run/lock/in-flight.ts';
import { keepLease } from '../../../src/run/lock/lease.ts';
import { keptKey, markerKey } from '../../../src/run/lock/marker.ts';
import { releaseRestorePoint, type Release } from '../../../src/run/restore-point/release.ts';
import { createWorld, instanceName, startGuard } from '../engine/world.ts';

const run = '20270101-000000-aaaa';

test.each<[string, Release, string]>([
  ['a kept change is noted', { change: 'kept', keep: true, name: `guard-${run}`, expiresMs: null }, run],
  ['a kept change without a restore point to keep is noted', { change: 'kept', keep: false }, run],
  ['nothing is noted of another one', { keep: false }, ''],
])('%s on the instance, although somebody removed its restore point', async (_, release, noted) => {
  const world = createWorld();
  const { process, tools, platform } = startGuard(world, { run });
  const marker = { v: 1, run, holder: tools.holder, wasRunning: true, restorePointName: 'x', leaseMs: 1, at: 0 };
  world.instance.metadata = { [markerKey]: JSON.stringify(marker) };
  const end = await world.time.run(process, async () => {
    const createdAt = '2027-01-01T00:00:00Z';
    const { clock, recorder } = tools;
    const held = { instance: instanceName, run, lease: newLease(), createdAt, leaseMs: 120_000 };
    const lease = keepLease({ platform, clock }, held);
    // The proof of its beginning is no longer recent.
    await clock.sleep(60_000);
    const subject = { instance: instanceName, remote: null, lease, createdAt, volumes: [], limitMs: 60_000 };
    return releaseRestorePoint({ platform, clock, recorder }, subject, release);
  });
  expect(end).toMatchObject({ value: { ok: true, value: null } });
  expect(world.instance.metadata[markerKey] ?? '').toBe('');
  expect(world.instance.metadata[keptKey] ?? '').toBe(noted);
});
