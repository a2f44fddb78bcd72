import { expect, test } from 'vitest';
import { guardedRun } from '../../../src/run/guarded-run.ts';
import { createWorld, planOf, startGuard } from './world.ts';

const run = '20270101-000000-aaaa';

test('a run that another host has taken over does not restart the instance before its verdict', async () => {
  const world = createWorld();
  const guard = startGuard(world, { run });
  const { lastStartedAt } = world.instance;
  world.onCommand = () => {
    // The lease is the expiry of the restore point in flight: this is how another host takes it over.
    const [inFlight] = world.instance.snapshots;
    if (inFlight) inFlight.expiresAt = '2199-01-01T00:00:00Z';
  };
  const end = await world.time.run(guard.process, () =>
    guardedRun(planOf('good', run, { restart: true }), guard.tools),
  );
  expect(end).toMatchObject({ end: 'done', value: { outcome: expect.not.stringMatching(/^kept$/) as string } });
  expect(world.instance.snapshots).toHaveLength(1);
  expect(world.instance).toMatchObject({ status: 'Running', lastStartedAt });
});
