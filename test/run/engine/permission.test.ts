import { expect, test } from 'vitest';
import type { Outcome } from '../../../src/event.ts';
import { guardedRun } from '../../../src/run/guarded-run.ts';
import { readMarker } from '../../../src/run/lock/marker.ts';
import { expiryOfLease, inFlightName, newLease } from '../../../src/run/lock/in-flight.ts';
import { value } from '../../platform/conformance.ts';
import { createWorld, instanceName, planOf, startGuard, versionOf, type World } from './world.ts';

// A run of a rollout begins its change only while the rollout lets it.

const run = '20270101-000000-cccc';
const minute = 60_000;

/** Another run holds the instance from now on, and for ever. */
async function holdInstance(world: World): Promise<void> {
  const { platform } = startGuard(world, { run: '20270101-000000-aaaa', host: 'there' });
  const point = { name: inFlightName, expiresAt: expiryOfLease(newLease()) };
  const taken = platform.createSnapshot(instanceName, point, { limitMs: minute });
  await world.time.pass(minute);
  expect(await taken).toMatchObject({ ok: true });
}

async function instanceOf(world: World) {
  const { platform } = startGuard(world, { run: '20270101-000000-dddd' });
  const [instance, snapshots] = [platform.getInstance(instanceName), platform.listSnapshots(instanceName)];
  await world.time.pass(minute);
  return { instance: value(await instance), snapshots: value(await snapshots) };
}

test('a run that waits for its instance ends the wait when its rollout withdraws the permission', async () => {
  const world = createWorld();
  await holdInstance(world);
  const { tools } = startGuard(world, { run });
  const withdrawal = new AbortController();
  const plan = planOf('good', run);
  let outcome: Outcome | null = null;
  const permission = { withdrawn: withdrawal.signal, ask: async () => null };
  const waiting = { ...plan, limits: { ...plan.limits, lockMs: 60 * minute } };
  void guardedRun(waiting, { ...tools, permission }).then((end) => (outcome = end));
  await world.time.pass(10 * minute);
  expect(outcome).toBeNull();
  withdrawal.abort();
  await world.time.pass(minute);
  expect(outcome).toMatchObject({ outcome: 'busy' });
  expect(readMarker((await instanceOf(world)).instance)).toBeNull();
  expect(versionOf(world)).toBe('v1');
});

test('a run whose rollout does not let it begin leaves nothing behind', async () => {
  const world = createWorld();
  const { tools } = startGuard(world, { run });
  let outcome: Outcome | null = null;
  let wasLocked = false;
  const permission = {
    withdrawn: new AbortController().signal,
    ask: async () => {
      const seen = await tools.platform.getSnapshot(instanceName, inFlightName);
      wasLocked = seen.ok;
      return 'The rollout stopped.';
    },
  };
  void guardedRun(planOf('good', run), { ...tools, permission }).then((end) => (outcome = end));
  await world.time.pass(10 * minute);
  expect(outcome).toMatchObject({ outcome: 'refused', refusal: { message: 'The rollout stopped.' } });
  expect(wasLocked).toBe(true);
  const { instance, snapshots } = await instanceOf(world);
  expect(readMarker(instance)).toBeNull();
  expect(snapshots).toEqual([]);
  expect(versionOf(world)).toBe('v1');
});
