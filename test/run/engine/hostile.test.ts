import { describe, expect, test } from 'vitest';
import { guardedRun } from '../../../src/run/guarded-run.ts';
import { recoverInstance } from './recovery.ts';
import { createWorld, planOf, startGuard, type World } from './world.ts';

const run = '20270101-000000-aaaa';

/** From the end of the command on, nothing that is run inside ever ends by itself. */
function hangFromNowOn(world: World): void {
  world.server.exec = (process) =>
    new Promise((resolve) => process.killed.addEventListener('abort', () => resolve(137), { once: true }));
}

/** What docs/how-to/recovery.md says that a rollback takes at most, with the limits of the plan. Milliseconds. */
function longestRollback({ limits }: ReturnType<typeof planOf>): number {
  const evidenceMs = 10_000;
  const stopMs = limits.stopMs + limits.readyMs;
  const requestsMs = 60_000;
  return evidenceMs + stopMs + limits.restoreMs + limits.readyMs + limits.verifyMs + requestsMs;
}

describe('an instance in which every command hangs', () => {
  const plan = planOf('good', run);

  test('costs its own verdict, and the host no more than the documented time (F33)', async () => {
    const world = createWorld();
    world.onCommand = () => hangFromNowOn(world);
    const guard = startGuard(world, { run });
    const began = world.server.clock.monotonic();
    const end = await world.time.run(guard.process, () => guardedRun(plan, guard.tools));
    expect(end).toMatchObject({ end: 'done', value: { outcome: expect.stringMatching(/^roll/) as string } });
    const longest = (plan.limits.commandMs ?? 0) + plan.limits.verifyMs + 60_000 + longestRollback(plan);
    expect(world.server.clock.monotonic() - began).toBeLessThan(longest);
  });

  test('does not hold up the recovery for longer either', async () => {
    const world = createWorld();
    const guard = startGuard(world, { run });
    world.onCommand = () => {
      hangFromNowOn(world);
      guard.process.kill();
    };
    await world.time.run(guard.process, () => guardedRun(plan, guard.tools));
    const next = startGuard(world, { run });
    const began = world.server.clock.monotonic();
    const end = await world.time.run(next.process, () => recoverInstance(world, next, plan, run));
    expect(end).toMatchObject({ end: 'done', value: { outcome: expect.stringMatching(/^roll/) as string } });
    expect(world.server.clock.monotonic() - began).toBeLessThan(longestRollback(plan));
  });
});
