import { describe, expect, test } from 'vitest';

import type { Fault } from '../../../src/platform/memory/requests.ts';
import { tryConfirmation, type Story, type Victim } from './confirmation-trial.ts';

const confirm = { action: { kind: 'confirm' }, afterMs: 10_000, host: 'here' } as const;
const refuse = { action: { kind: 'refuse' }, afterMs: 10_000, host: 'here' } as const;
const extend = { action: { kind: 'extend', ms: 90_000 }, afterMs: 20_000, host: 'here' } as const;
const late = { ...confirm, afterMs: 59_900 } as const;

const stories: readonly Story[] = [true, false].flatMap((detach): Story[] => {
  const who = detach ? 'detached' : 'attended';
  return [
    { name: `${who}, expires`, detach, acts: [], version: 'v1' },
    { name: `${who}, confirmed`, detach, acts: [confirm], version: 'v2' },
    { name: `${who}, confirmed on another host`, detach, acts: [{ ...confirm, host: 'elsewhere' }], version: 'v2' },
    { name: `${who}, refused`, detach, acts: [refuse], version: 'v1' },
    {
      name: `${who}, extended, then confirmed`,
      detach,
      acts: [extend, { ...confirm, afterMs: 80_000 }],
      version: 'v2',
    },
    { name: `${who}, extended, then expires`, detach, acts: [extend], version: 'v1' },
    { name: `${who}, confirmed and refused at once`, detach, acts: [confirm, refuse], version: 'v2' },
    { name: `${who}, confirmed twice at once`, detach, acts: [confirm, confirm], version: 'v2' },
    { name: `${who}, confirmed as it expires`, detach, acts: [late, { ...late, host: 'elsewhere' }], version: 'v2' },
  ];
});

const faults: readonly Fault[] = ['die-before', 'die-during', 'die-after', 'lost-after', 'lost-before'];
const victims: readonly Victim[] = ['maker', 'keeper', 'actor'];

/** The requests at which something goes wrong: the first and the last, and some between, since polling repeats itself. */
function indexes(requests: number): number[] {
  return [...Array(requests).keys()].filter((at) => at < 8 || at >= requests - 16 || at % 61 === 0);
}

describe('whatever befalls a request while a change waits, it ends as confirmed or as rolled back, never both, never neither', () => {
  test.each(stories)('$name', { timeout: 600_000 }, async (story) => {
    const { version, requests, violations } = await tryConfirmation(story, null);
    expect({ version, violations }).toEqual({ version: story.version, violations: [] });
    const found: string[] = [];
    for (const victim of victims)
      for (const at of indexes(requests[victim]))
        for (const fault of faults) {
          const end = await tryConfirmation(story, { victim, fault, at });
          found.push(...end.violations.map((violation) => `${fault} at request ${at} of the ${victim}: ${violation}`));
        }
    expect(found).toEqual([]);
  });
});
