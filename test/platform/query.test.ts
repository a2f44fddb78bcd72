import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { ExecEnd, Executions } from '../../src/platform/platform.ts';
import { queryWith } from '../../src/platform/query.ts';
import { ok } from '../../src/result.ts';

/** A server that loses the output of the first `losses` execs. */
function losing(losses: number): { readonly startExec: Executions['startExec']; readonly execs: () => number } {
  let execs = 0;
  const startExec: Executions['startExec'] = async (_instance, _request, { stdout }) => {
    execs += 1;
    const isLost = execs <= losses;
    stdout.write(isLost ? '' : 'whole');
    const end: ExecEnd = { kind: 'exited', status: 0, ...(isLost ? { outputLost: true } : {}) };
    const nothing = (): void => {};
    return ok({ operation: '', resize: nothing, signal: nothing, abandon: nothing, ended: Promise.resolve(ok(end)) });
  };
  return { startExec, execs: () => execs };
}

const question = { command: ['cat', '/etc/hostname'], limitMs: 1000, maxBytes: 1000 };

describe('a question whose output the server loses', () => {
  test('is asked again where it only reads', async () => {
    const { startExec, execs } = losing(2);
    const answer = await queryWith(startExec, systemClock)('web', { ...question, readOnly: true });
    expect(answer).toMatchObject({ ok: true, value: { stdout: 'whole', truncated: false } });
    expect(execs()).toBe(3);
  });

  test('has no answer where all of them are lost: nothing is no answer', async () => {
    const { startExec } = losing(100);
    const answer = await queryWith(startExec, systemClock)('web', { ...question, readOnly: true });
    expect(answer).toMatchObject({ ok: false, error: { kind: 'connection-lost' } });
  });

  test('is asked once where it may change something, and its answer is marked', async () => {
    const { startExec, execs } = losing(1);
    const answer = await queryWith(startExec, systemClock)('web', question);
    expect(answer).toMatchObject({ ok: true, value: { stdout: '', truncated: true } });
    expect(execs()).toBe(1);
  });
});
