import { afterAll, expect, test } from 'vitest';
import { describeRehearsalTrial, rehearsalChaos } from '../chaos/rehearsal.ts';
import { bringUp, takeDown } from '../host/host.ts';

// A host of its own in each run: its daemon is killed.
const hostName = `cs-${Date.now().toString(36)}`;

afterAll(async () => {
  await takeDown(await bringUp({ name: hostName }));
});

test('killed at three random moments of a rehearsal: no copy is left, and the instance is untouched', async () => {
  const options = { seed: 2, indexes: [0, 1, 2], hostName, mayKillDaemon: true, say: () => {} };
  const trials = await rehearsalChaos(options);
  expect(trials.filter(({ faults }) => faults.length > 0).map(describeRehearsalTrial)).toEqual([]);
  expect(trials).toHaveLength(3);
  expect(trials.some(({ struck }) => struck)).toBe(true);
}, 600_000);
