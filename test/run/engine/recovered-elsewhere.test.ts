import { expect, test } from 'vitest';
import { guardedRun } from '../../../src/run/guarded-run.ts';
import { keptKey, rolledBackKey } from '../../../src/run/lock/marker.ts';
import { recoverInstance } from './recovery.ts';
import { createWorld, planOf, startGuard } from './world.ts';

const run = '20270101-000000-aaaa';

test.each([
  ['kept, which the instance says', { [keptKey]: run }, { outcome: 'kept' }],
  ['rolled back, which the instance says', { [rolledBackKey]: run }, { outcome: 'rolled-back' }],
  ['rolled back, and an earlier run is meant', { [rolledBackKey]: 'x' }, { outcome: 'rollback-failed' }],
  ['ended in a way that nothing tells', {}, { outcome: 'rollback-failed' }],
])('a run without a decision in its record that another host %s (F12)', async (_, metadata, outcome) => {
  const world = createWorld();
  const plan = planOf('good', run);
  const guard = startGuard(world, { run });
  world.onCommand = () => guard.process.kill();
  expect(await world.time.run(guard.process, () => guardedRun(plan, guard.tools))).toEqual({ end: 'killed' });
  // As another host leaves it with `--keep 0`.
  world.instance.snapshots = [];
  world.instance.metadata = metadata;
  const next = startGuard(world, { run });
  const end = await world.time.run(next.process, () => recoverInstance(world, next, plan, run));
  expect(end).toMatchObject({ end: 'done', value: outcome });
});
