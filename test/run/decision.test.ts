import { describe, expect, test } from 'vitest';
import type { CheckResult, CommandEnd, Verdict, VerdictKind } from '../../src/event.ts';
import { decide, type Attempt } from '../../src/run/decision.ts';
import { isOkStatus, type Policy } from '../../src/run/plan.ts';

const plan = {
  okStatus: [
    { first: 0, last: 0 },
    { first: 100, last: 103 },
  ],
  onFailure: { command: 'keep', unhealthy: 'ask', inconclusive: 'rollback', timeout: 'keep' },
} as const satisfies { onFailure: Record<string, Policy>; okStatus: unknown };

const verdict = (kind: VerdictKind): Verdict => ({ verdict: kind, reasons: [], advisories: [], checks: [] });

const attempt = (more: Partial<Attempt>): Attempt => ({
  end: { kind: 'exited', status: 0 },
  verdict: verdict('healthy'),
  interruptedBy: null,
  ...more,
});

describe('a run is kept only where success is proven (F10, F46)', () => {
  test.each<[string, CommandEnd]>([
    ['status 0', { kind: 'exited', status: 0 }],
    ['a status that counts as success', { kind: 'exited', status: 101 }],
    ['a restart of the instance by the command', { kind: 'instance-stopped', restarted: true }],
  ])('%s and a healthy verdict', (_, end) => {
    expect(decide(plan, attempt({ end }))).toEqual({ cause: null });
  });

  test.each<[VerdictKind, Policy]>([
    ['unhealthy', 'ask'],
    ['inconclusive', 'rollback'],
  ])('a command that succeeded, and the verdict %s: the policy for it', (kind, policy) => {
    expect(decide(plan, attempt({ verdict: verdict(kind) }))).toEqual({ cause: kind, policy });
  });

  test('a command that succeeded without a verdict is inconclusive', () => {
    expect(decide(plan, attempt({ verdict: null }))).toEqual({ cause: 'inconclusive', policy: 'rollback' });
  });
});

describe('checks that fail because nothing comes in time', () => {
  const check = (name: string, timedOut: boolean): CheckResult => ({
    name,
    severity: 'required',
    status: 'failed',
    message: '',
    ms: 1,
    ...(timedOut ? { timedOut } : {}),
  });
  const judged = (subjects: readonly string[], ...checks: CheckResult[]): Verdict => ({
    ...verdict('unhealthy'),
    reasons: subjects.map((subject) => ({ subject, severity: 'required', message: 'no' })),
    checks,
  });

  test.each<[string, Verdict, 'timeout' | 'unhealthy']>([
    ['alone', judged(['check:slow'], check('slow', true)), 'timeout'],
    [
      'beside one that says no',
      judged(['check:slow', 'check:no'], check('slow', true), check('no', false)),
      'unhealthy',
    ],
    ['beside a unit that failed', judged(['check:slow', 'unit:a'], check('slow', true)), 'unhealthy'],
    ['that had failed before, beside a unit', judged(['unit:a'], check('slow', true)), 'unhealthy'],
  ])('%s', (_name, given, cause) => {
    expect(decide(plan, attempt({ verdict: given }))).toMatchObject({ cause });
  });
});

describe('a command that failed', () => {
  test.each<[CommandEnd, 'command' | 'timeout']>([
    [{ kind: 'exited', status: 1 }, 'command'],
    [{ kind: 'exited', status: 99 }, 'command'],
    [{ kind: 'exited', status: 104 }, 'command'],
    [{ kind: 'not-found' }, 'command'],
    [{ kind: 'not-executable' }, 'command'],
    [{ kind: 'instance-stopped', restarted: false }, 'command'],
    [{ kind: 'lost', message: 'the connection broke' }, 'command'],
    [{ kind: 'interrupted', signal: 'SIGINT' }, 'command'],
    [{ kind: 'timeout', limitMs: 1 }, 'timeout'],
    [{ kind: 'idle-timeout', limitMs: 1 }, 'timeout'],
  ])('%j is the cause %s, whatever was seen of the instance', (end, cause) => {
    expect(decide(plan, attempt({ end, verdict: null }))).toEqual({ cause, policy: 'keep' });
    expect(decide(plan, attempt({ end }))).toEqual({ cause, policy: 'keep' });
  });
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s at any moment is a rollback, whatever else happened and whatever the policy says (F12)',
  (signal) => {
    const interrupted = { cause: 'interrupted', policy: 'rollback', signal };
    expect(decide(plan, attempt({ interruptedBy: signal }))).toEqual(interrupted);
    expect(decide(plan, attempt({ interruptedBy: signal, end: { kind: 'exited', status: 1 } }))).toEqual(interrupted);
    expect(decide(plan, attempt({ interruptedBy: signal, verdict: null }))).toEqual(interrupted);
  },
);

test('the ranges of --ok-status include both ends, and no ranges accept nothing', () => {
  const accepted = Array.from({ length: 256 }, (_, status) => status).filter((status) => isOkStatus(plan, status));
  expect(accepted).toEqual([0, 100, 101, 102, 103]);
  expect(isOkStatus({ okStatus: [] }, 0)).toBe(false);
});
