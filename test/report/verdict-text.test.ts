import { expect, test } from 'vitest';
import { verdictLines } from '../../src/report/verdict-text.ts';
import { check, finding } from './example-events.ts';

test('every check with its answer, then what else was found', () => {
  const lines = verdictLines('web', {
    verdict: 'unhealthy',
    reasons: [
      { ...finding('check "dns" fails: exit status 1'), subject: 'check:dns' },
      finding('unit pdns.service has failed'),
    ],
    advisories: [{ ...finding('a package is half installed'), severity: 'advisory' }],
    checks: [
      check('dns', 'failed'),
      check('web', 'passed'),
      { ...check('far', 'unknown'), message: 'nobody answered', severity: 'advisory' },
    ],
  });
  expect(lines.join('\n')).toMatchInlineSnapshot(`
    "web is unhealthy
      ✖ dns: exit status 1 (3 ms)
      ✔ web: exit status 1 (3 ms)
      ? far (advisory): nobody answered (3 ms)
      ✖ unit pdns.service has failed
      · a package is half installed"
  `);
});

test('without checks it says what little was asked', () => {
  expect(verdictLines('web', { verdict: 'healthy', reasons: [], advisories: [], checks: [] })).toEqual([
    'web is healthy (no check of yours is configured)',
  ]);
});

test('what others wrote cannot steer the terminal', () => {
  const evil = 'a\u001b[31mb';
  const lines = verdictLines('web', {
    verdict: 'unhealthy',
    reasons: [finding(evil)],
    advisories: [finding(evil)],
    checks: [{ ...check(evil, 'failed'), message: evil }],
  });
  expect(lines.join('')).not.toContain('\u001b');
});
