import { afterAll, expect, test } from 'vitest';
import { confirmationChaos, describeConfirmationTrial } from '../chaos/confirmation.ts';
import { bringUp, takeDown } from '../host/host.ts';

// A host of its own in each run: its daemon is killed.
const hostName = `cc-${Date.now().toString(36)}`;

afterAll(async () => {
  await takeDown(await bringUp({ name: hostName }));
});

test('killed at three random moments while a change waits: confirmed or rolled back, never both, never neither', async () => {
  const trials = await confirmationChaos({ seed: 2, indexes: [0, 1, 2], hostName, say: () => {} });
  expect(trials.filter(({ faults }) => faults.length > 0).map(describeConfirmationTrial)).toEqual([]);
  expect(trials).toHaveLength(3);
}, 600_000);
