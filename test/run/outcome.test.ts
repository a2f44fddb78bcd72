import { expect, test } from 'vitest';
import type { Outcome } from '../../src/event.ts';
import { exitStatusOf, outcomeName, outcomeTable } from '../../src/run/outcome.ts';

const refusal = { message: '', advice: '' };

const rows: readonly (readonly [Outcome, number])[] = [
  [{ outcome: 'kept' }, 0],
  [{ outcome: 'rolled-back', cause: 'command' }, 10],
  [{ outcome: 'rolled-back', cause: 'unhealthy' }, 11],
  [{ outcome: 'rolled-back', cause: 'timeout' }, 12],
  [{ outcome: 'rolled-back', cause: 'inconclusive' }, 12],
  [{ outcome: 'kept-unhealthy', cause: 'command' }, 13],
  [{ outcome: 'rolled-back', cause: 'not-confirmed' }, 14],
  [{ outcome: 'kept-unchanged', cause: 'command' }, 15],
  [{ outcome: 'waiting', deadline: 1 }, 16],
  [{ outcome: 'rolled-back-not-well', cause: 'interrupted' }, 20],
  [{ outcome: 'rollback-failed', cause: 'interrupted', message: '', manualRecovery: [] }, 21],
  [{ outcome: 'refused', refusal }, 30],
  [{ outcome: 'busy', refusal }, 31],
  [{ outcome: 'quarantined', refusal }, 32],
  [{ outcome: 'rehearsal-failed', cause: 'unhealthy', stage: 'restart' }, 33],
  [{ outcome: 'rehearsal-inconclusive', refusal }, 34],
  [{ outcome: 'usage', refusal }, 64],
  [{ outcome: 'configuration', refusal }, 78],
  [{ outcome: 'interrupted', signal: 'SIGHUP' }, 129],
  [{ outcome: 'interrupted', signal: 'SIGINT' }, 130],
  [{ outcome: 'interrupted', signal: 'SIGTERM' }, 143],
];

test.each(rows)('%j ends with %i', (outcome, status) => {
  expect(exitStatusOf(outcome)).toBe(status);
  expect(outcomeTable.find(({ name }) => name === outcomeName(outcome))).toBeDefined();
});

test('the table has exactly the statuses that can come, each once, and success alone is 0 (F9)', () => {
  const statuses: number[] = outcomeTable.map(({ exit }) => exit);
  // Of a rollout, not of one run: test/rollout/execute.test.ts.
  const ofRollouts = [40, 41];
  expect(statuses.filter((status) => !ofRollouts.includes(status))).toEqual([
    ...new Set(rows.map(([, status]) => status)),
  ]);
  expect(rows.filter(([, status]) => status === 0)).toEqual([[{ outcome: 'kept' }, 0]]);
});

test('a rehearsal that passed is a success under a name of its own', () => {
  expect(exitStatusOf({ outcome: 'rehearsal-passed' })).toBe(0);
  expect(outcomeName({ outcome: 'rehearsal-passed' })).toBe('rehearsal passed');
});
