import { afterAll, expect, test } from 'vitest';
import { chaos } from '../chaos/main.ts';
import { isBad, describeTrial } from '../chaos/table.ts';
import { bringUp, takeDown } from '../host/host.ts';

// A host of its own in each run: its daemon is killed.
const hostName = `c-${Date.now().toString(36)}`;

afterAll(async () => {
  await takeDown(await bringUp({ name: hostName }));
});

test('guard and the daemon killed at six random moments: nothing is lost, leaked or stuck (F12, F14)', async () => {
  const trials = await chaos({ seed: 3, indexes: [0, 1, 2, 3, 4, 5], hostName, say: () => {} });
  expect(trials.filter(isBad).map(describeTrial)).toEqual([]);
  expect(trials).toHaveLength(6);
  expect(trials.some(({ struck }) => struck)).toBe(true);
});
