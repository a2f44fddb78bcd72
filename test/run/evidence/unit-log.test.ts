import { expect, test } from 'vitest';
import { logLines, unitsIn } from '../../../src/run/evidence/unit-log.ts';

const line = (second: number, text: string): string => `Nov 29 23:31:${String(second).padStart(2, '0')} web ${text}`;

test('a service that restarts says each thing once, and systemd does not drown it', () => {
  const text = [
    line(1, 'hello[10]: unknown setting: greeting'),
    line(1, 'systemd[1]: hello.service: Main process exited'),
    line(2, 'systemd[1]: Started hello.service'),
    line(2, 'hello[11]: reading /etc/hello.conf'),
    line(3, 'hello[11]: unknown setting: greeting'),
    line(3, 'systemd[1]: hello.service: Main process exited'),
  ].join('\n');
  expect(logLines(text)).toEqual([
    line(2, 'hello[11]: reading /etc/hello.conf'),
    line(3, 'hello[11]: unknown setting: greeting'),
  ]);
});

test('where the service said nothing, systemd is heard', () => {
  expect(logLines(line(1, 'systemd[1]: hello.service: Failed with result timeout'))).toHaveLength(1);
});

test('what comes out is bounded, with nothing in it that a terminal would obey', () => {
  const lines = logLines(
    Array.from({ length: 100 }, (_, at) => line(at % 60, `hello[1]: \u001b[31m ${at} ${'x'.repeat(1000)}`)).join('\n'),
  );
  expect(lines.length).toBeLessThanOrEqual(5);
  for (const one of lines) {
    expect(one).not.toContain('\u001b');
    expect(one.length).toBeLessThan(400);
  }
});

test('the units of a verdict, three at most, and no name that could be an option or a path', () => {
  const reasons = [
    'unit:a.service',
    'unit:a.service',
    'unit:--flush',
    'unit:../x',
    'check:web',
    'unit:b@1.service',
    'unit:c',
    'unit:d',
  ].map((subject) => ({ subject, severity: 'required' as const, message: '' }));
  expect(unitsIn({ reasons })).toEqual(['a.service', 'b@1.service', 'c']);
});
