import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckStatus, CheckResult, Severity } from '../../src/event.ts';
import { joinReasons, judge, judgeAlone } from '../../src/health/verdict.ts';
import type { Facts } from '../../src/health/facts.ts';
import { facts as factsOf, failed, owner, service, tcp, units } from './example-facts.ts';
import { baselineOf, lookOf, resultOf } from './samples.ts';

const judged = (then: CheckStatus, now: CheckStatus, severity: Severity = 'required') =>
  judge(
    baselineOf({ checks: [resultOf('web', then, { severity })] }),
    lookOf({ checks: [resultOf('web', now, { severity })] }),
  );

describe('a check before and after', () => {
  it.each([
    ['passed', 'passed', 'healthy'],
    ['passed', 'failed', 'unhealthy'],
    ['passed', 'unknown', 'inconclusive'],
    ['failed', 'passed', 'healthy'],
    ['failed', 'failed', 'healthy'],
    ['failed', 'unknown', 'healthy'],
    ['unknown', 'failed', 'healthy'],
    ['unknown', 'unknown', 'healthy'],
  ] as const)('%s, then %s, is %s (F34)', (then, now, verdict) => {
    expect(judged(then, now).verdict).toBe(verdict);
    expect(judged(then, now, 'advisory').verdict).toBe('healthy');
  });

  it('tells what failed before and does not decide', () => {
    expect(judged('failed', 'failed').advisories).toEqual([
      expect.objectContaining({ subject: 'check:web', severity: 'advisory' }),
    ]);
  });

  it('cannot be asked when it is gone', () => {
    const verdict = judge(baselineOf({ checks: [resultOf('scripts/required.d/10.sh', 'passed')] }), lookOf());
    expect(verdict.verdict).toBe('inconclusive');
    expect(verdict.reasons[0]?.message).toContain('no longer exists');
  });

  it('is only told when it is new', () => {
    const verdict = judge(baselineOf(), lookOf({ checks: [resultOf('scripts/required.d/10.sh', 'failed')] }));
    expect(verdict).toMatchObject({ verdict: 'healthy', advisories: [{ subject: 'check:scripts/required.d/10.sh' }] });
  });

  it('says how much longer it took than before (F33)', () => {
    const before = baselineOf({ checks: [resultOf('web', 'passed', { ms: 200 })] });
    const failed = judge(before, lookOf({ checks: [resultOf('web', 'failed', { ms: 10_000 })] }));
    expect(failed.reasons[0]?.message).toContain('after 10 s; before, it took 200 ms');
    const slow = judge(before, lookOf({ checks: [resultOf('web', 'passed', { ms: 9000 })] }));
    expect(slow).toMatchObject({ verdict: 'healthy', advisories: [{ subject: 'check:web' }] });
  });
});

describe('what was and what is, side by side', () => {
  it('is told of units and checks', () => {
    const { reasons } = judge(
      baselineOf({
        facts: factsOf({ units: units(service('pdns.service')) }),
        checks: [resultOf('web', 'passed', { message: 'HTTP 200' })],
      }),
      lookOf({
        facts: factsOf({ units: units(failed('pdns.service')) }),
        checks: [resultOf('web', 'failed', { message: 'HTTP\u001b 502' })],
      }),
    );
    expect(reasons).toMatchObject([
      { subject: 'unit:pdns.service', before: 'running', after: expect.stringMatching(/^failed/) },
      { subject: 'check:web', before: 'passed: HTTP 200', after: 'failed: HTTP\\x1b 502' },
    ]);
  });
});

describe('what was and what is of a server', () => {
  const nginx = owner('nginx.service');
  const before = {
    units: units(service('nginx.service')),
    sockets: [tcp('0.0.0.0', 80, nginx), tcp('0.0.0.0', 443, nginx)],
  };
  const reasonsOf = (then: Partial<Facts>, now: Partial<Facts>) =>
    judge(baselineOf({ facts: factsOf(then) }), lookOf({ facts: factsOf(now) })).reasons;

  it('is told of its ports', () => {
    expect(reasonsOf(before, { ...before, sockets: [tcp('0.0.0.0', 80, nginx)] })).toMatchObject([
      { before: 'listening on tcp/443', after: 'nothing on tcp/443' },
    ]);
    expect(
      reasonsOf(before, { ...before, sockets: [tcp('127.0.0.1', 80, nginx), tcp('0.0.0.0', 443, nginx)] }),
    ).toMatchObject([{ before: 'listening on tcp/80', after: 'tcp/80 only at 127.0.0.1' }]);
  });

  it('is told of its answers', () => {
    const answer = (said: string | null) => ({ protocol: 'http' as const, port: 'tcp/80', question: '/', said });
    expect(reasonsOf({ ...before, answers: [answer('200')] }, { ...before, answers: [answer('502')] })).toMatchObject([
      { before: '200', after: '502' },
    ]);
    expect(reasonsOf({ ...before, answers: [answer('200')] }, { ...before, answers: [answer(null)] })).toMatchObject([
      { before: '200', after: 'no answer' },
    ]);
  });
});

describe('facts and the instance itself', () => {
  it('blames a unit that failed since', () => {
    const verdict = judge(
      baselineOf({ facts: factsOf({ units: units(service('pdns.service')) }) }),
      lookOf({ facts: factsOf({ units: units(failed('pdns.service')) }) }),
    );
    expect(verdict.verdict).toBe('unhealthy');
    expect(verdict.reasons[0]?.subject).toBe('unit:pdns.service');
  });

  it('blames no unit that had failed before (F34)', () => {
    const facts = factsOf({ units: units(failed('pdns.service')) });
    expect(judge(baselineOf({ facts }), lookOf({ facts })).verdict).toBe('healthy');
  });

  it('is unhealthy when it does not run', () => {
    const look = lookOf({ state: { kind: 'not-running', message: 'its status is "Stopped"' }, facts: null });
    expect(judge(baselineOf(), look).verdict).toBe('unhealthy');
    expect(judgeAlone(look).verdict).toBe('unhealthy');
  });

  it('is inconclusive when it runs and nobody answers (F36)', () => {
    const look = lookOf({ state: { kind: 'unreachable', message: 'no answer' }, facts: null, factsSay: 'no answer' });
    expect(judge(baselineOf(), look).verdict).toBe('inconclusive');
    expect(judgeAlone(look).verdict).toBe('inconclusive');
  });

  it('is inconclusive when facts that were there are not there any more', () => {
    expect(judge(baselineOf(), lookOf({ facts: null, factsSay: 'no shell' })).verdict).toBe('inconclusive');
    expect(judge(baselineOf(), lookOf({ facts: factsOf({ units: null }) })).verdict).toBe('inconclusive');
  });

  it('needs no facts where there were none', () => {
    const verdict = judge(baselineOf({ facts: null, factsSay: 'no shell' }), lookOf());
    expect(verdict).toMatchObject({ verdict: 'healthy', advisories: [{ subject: 'facts' }] });
  });

  it('compares none where they are not wanted', () => {
    const before = baselineOf({ automatic: false, facts: null });
    expect(judge(before, lookOf({ facts: null }))).toMatchObject({ verdict: 'healthy', advisories: [] });
  });
});

describe('an instance before the command', () => {
  it.each([
    ['passed', 'healthy'],
    ['failed', 'unhealthy'],
    ['unknown', 'inconclusive'],
  ] as const)('with a required check that %s is %s', (status, verdict) => {
    expect(judgeAlone(lookOf({ checks: [resultOf('web', status)] })).verdict).toBe(verdict);
    expect(judgeAlone(lookOf({ checks: [resultOf('web', status, { severity: 'advisory' })] })).verdict).toBe('healthy');
  });

  it('may be degraded', () => {
    const verdict = judgeAlone(lookOf({ facts: factsOf({ units: units(failed('old.service')) }) }));
    expect(verdict).toMatchObject({ verdict: 'healthy', advisories: [{ subject: 'unit:old.service' }] });
  });

  it('cannot write control sequences into a report', () => {
    const verdict = judgeAlone(lookOf({ facts: factsOf({ units: units(failed('\u001b[2Jevil.service')) }) }));
    expect(JSON.stringify(verdict.advisories)).not.toContain('\\u001b');
  });
});

const status = fc.constantFrom<CheckStatus>('passed', 'failed', 'unknown');
const result: fc.Arbitrary<CheckResult> = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  severity: fc.constantFrom<Severity>('required', 'advisory'),
  status,
  message: fc.string(),
  ms: fc.nat(20_000),
});
const results = fc.uniqueArray(result, { selector: ({ name }) => name });

describe('an instance in which nothing can be compared', () => {
  const nothing = lookOf({ facts: null, factsSay: 'there is no shell' });

  it.each([
    ['is inconclusive', {}, 'inconclusive'],
    ['is healthy where the user accepts that', { acceptNothingCompared: true }, 'healthy'],
  ] as const)('%s', (_, options, verdict) => {
    expect(judgeAlone(nothing, options).verdict).toBe(verdict);
    expect(JSON.stringify(judgeAlone(nothing, options))).toContain('nothing inside can be compared');
  });

  it('is judged by its checks, if there are any', () => {
    const checked = { ...nothing, checks: [resultOf('web', 'passed')] };
    expect(judgeAlone(checked).verdict).toBe('healthy');
    expect(judgeAlone(lookOf({ checks: [resultOf('web', 'passed')] }), { automatic: false }).verdict).toBe('healthy');
  });

  it('is inconclusive for guard check without automatic comparison and without a check', () => {
    expect(judgeAlone(lookOf({ facts: null }), { automatic: false }).verdict).toBe('inconclusive');
  });
});

describe('for all answers', () => {
  it('the order of checks does not matter', () => {
    fc.assert(
      fc.property(results, results, (then, now) => {
        const forwards = judge(baselineOf({ checks: then }), lookOf({ checks: now }));
        const backwards = judge(baselineOf({ checks: then.toReversed() }), lookOf({ checks: now.toReversed() }));
        expect(backwards.verdict).toBe(forwards.verdict);
        expect(backwards.reasons.map((one) => one.message).toSorted()).toEqual(
          forwards.reasons.map((one) => one.message).toSorted(),
        );
      }),
    );
  });

  it('what does not pass after it passed before is never healthy, and only that is not', () => {
    fc.assert(
      fc.property(results, results, (then, now) => {
        const lost = then.filter(
          (earlier) =>
            earlier.status === 'passed' &&
            (now.find(({ name }) => name === earlier.name) ?? { ...earlier, status: 'unknown' as const }).status !==
              'passed' &&
            (now.find(({ name }) => name === earlier.name) ?? earlier).severity === 'required',
        );
        const { verdict } = judge(baselineOf({ checks: then }), lookOf({ checks: now }));
        expect(verdict === 'healthy').toBe(lost.length === 0);
      }),
    );
  });

  it('healthy has no reason, and anything else has one; every reason is required', () => {
    fc.assert(
      fc.property(results, results, (then, now) => {
        const { verdict, reasons } = judge(baselineOf({ checks: then }), lookOf({ checks: now }));
        expect(reasons.length > 0).toBe(verdict !== 'healthy');
        expect(reasons.every(({ severity }) => severity === 'required')).toBe(true);
      }),
    );
  });

  it('nothing changed is healthy', () => {
    fc.assert(
      fc.property(results, (checks) => {
        expect(judge(baselineOf({ checks }), lookOf({ checks })).verdict).toBe('healthy');
      }),
    );
  });
});

it('joins its reasons to the end of a sentence, whether they are sentences or not', () => {
  expect(joinReasons([{ message: 'a.service is stopped' }, { message: 'It was killed.' }])).toBe(
    'a.service is stopped; It was killed',
  );
  expect(joinReasons([])).toBe('');
});
