import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createAgentLog } from '../../src/report/agent-log.ts';
import { systemClock } from '../../src/clock.ts';

test.each([
  ['go 20261123-1 guard-20261123-1 43', 'allowed, restore point guard-20261123-1'],
  ['go-already-guarded', 'allowed, already part of a run'],
  [
    'go-unguarded guard.yaml excludes this transaction.',
    'allowed without a restore point: guard.yaml excludes this transaction.',
  ],
  ['no No room in the pool.', 'aborted: No room in the pool.'],
])('an answer is a sentence in the log: %s', (reply, sentence) => {
  const stderr = new PassThrough();
  const log = createAgentLog({ stdout: new PassThrough(), stderr, json: false, clock: systemClock });
  log({ type: 'transaction-answered', instance: 'web', project: 'default', remote: null, reply, ms: 12.3 });
  expect(String(stderr.read())).toBe(`guard agent: web: ${sentence} (after 12 ms)\n`);
});
