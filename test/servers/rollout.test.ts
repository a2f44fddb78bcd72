import { afterAll, beforeAll, expect, test } from 'vitest';

import { guardUnderTest, type Ended, type GuardUnderTest } from '../e2e/guard.ts';
import { createFleet, fileIn, projectRecord, type TestFleet } from '../rollouts/fleet.ts';

// A rollout of five on the server that run.sh chose. test/e2e/rollout.test.ts and test/rollouts have the depth.

let fleet: TestFleet;
let guard: GuardUnderTest;

beforeAll(async () => {
  fleet = await createFleet('servers-rollout', 5);
  guard = await guardUnderTest();
});
afterAll(async () => {
  await fleet.remove();
  await guard.remove();
});

const roll = (words: readonly string[], script: string): Promise<Ended> =>
  guard.run(['--project', fleet.project, '--soak', '0s', ...words, '--', 'sh', '-c', script]);
const filesIn = (path: string): Promise<(string | null)[]> =>
  Promise.all(fleet.names.map((name) => fileIn(fleet, name, path)));

test('a change of five is kept on all of them', async () => {
  const ended = await roll(['--all', '--canary', '1', '--max-parallel', '2'], 'echo once >>/root/all');
  expect(ended).toMatchObject({ status: 0, stderr: expect.stringMatching(/is complete: 5 kept/) });
  expect(await filesIn('/root/all')).toEqual(['once', 'once', 'once', 'once', 'once']);
  expect(await projectRecord(fleet)).toBe('');
});

test('a change that fails on one of five is taken back on all of them', async () => {
  const ended = await roll([...fleet.names, '--all-or-nothing'], `echo once >>/root/half; test $(hostname) != web-04`);
  expect(ended).toMatchObject({ status: 40 });
  expect(ended.stderr).toMatch(/3 rolled back too, 1 rolled back, 1 not started/);
  expect(await filesIn('/root/half')).toEqual([null, null, null, null, null]);
});
