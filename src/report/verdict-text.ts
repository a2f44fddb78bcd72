import { formatDuration } from '../duration.ts';
import type { Verdict } from '../event.ts';
import { neutralise } from '../text.ts';

const marks = { passed: '✔', failed: '✖', unknown: '?' } as const;

/** A verdict on its own, as `guard check` and `guard plan` print it. */
export function verdictLines(instance: string, verdict: Verdict): string[] {
  return [
    `${instance} is ${verdict.verdict}${verdict.checks.length === 0 && verdict.verdict === 'healthy' ? ' (no check of yours is configured)' : ''}`,
    ...verdict.checks.map(
      ({ name, status, message, severity, ms }) =>
        `  ${marks[status]} ${neutralise(name)}${severity === 'advisory' ? ' (advisory)' : ''}: ${neutralise(message)} (${formatDuration(ms)})`,
    ),
    ...verdict.reasons
      .filter(({ subject }) => !subject.startsWith('check:'))
      .map(({ message }) => `  ✖ ${neutralise(message)}`),
    ...verdict.advisories
      .filter(({ subject }) => !subject.startsWith('check:'))
      .map(({ message }) => `  · ${neutralise(message)}`),
  ];
}
