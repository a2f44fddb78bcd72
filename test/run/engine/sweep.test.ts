import { expect, test } from 'vitest';
import { mishapsAt, runKinds, sweepOne } from './sweep.ts';

test.each(runKinds)('$name: whatever befalls any request, recovery keeps the promises (F12)', async (kind) => {
  const began = process.cpuUsage();
  const { requests, violations } = await sweepOne(kind, null, 'here');
  const found = [...violations];
  let runs = 0;
  for (let at = 0; at < requests; at += 1)
    for (const [mishap, recoverer] of mishapsAt(at)) {
      const swept = await sweepOne(kind, mishap, recoverer);
      runs += 1;
      const { fault, forEver } = mishap;
      const what = `${fault}${forEver ? ' for ever' : ''} at ${at}, recovered ${recoverer}`;
      found.push(...swept.violations.map((violation) => `${what}: ${violation}`));
    }
  const { user, system } = process.cpuUsage(began);
  console.log(kind.name, requests, runs, (user + system) / 1000 / runs, 'ms', found.length);
  console.log(found.slice(0,400).join('\n'));
  expect(found.length).toEqual(0);
}, 600_000);
