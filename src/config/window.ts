import type { CheckDefinition } from '../check-definition.ts';
import type { Result } from '../result.ts';
import type { Configuration } from './configuration.ts';
import type { ConfigurationMistake, SourceLocation } from './mistake.ts';
import type { InstanceName } from './instance-name.ts';
import type { Settings } from './settings.ts';

/** Whether some checks can fail in the time they are given; the error is one sentence: `requireWindow` of `health/`. */
export type WindowRule = (window: {
  readonly limitMs: number;
  readonly soakMs: number;
  readonly checks: readonly CheckDefinition[];
}) => Result<void, string>;

/**
 * Checks that could never fail in the time they are given (F32), at the place where the most exact block defines them.
 * `file` is null where a flag defines the check: the mistake is then in the command line.
 */
export function windowMistakes(
  configuration: Configuration,
  instance: InstanceName,
  settings: Pick<Settings, 'verifyTimeoutMs' | 'soakMs' | 'checks'>,
  rule: WindowRule,
): readonly ConfigurationMistake[] {
  return settings.checks.flatMap((check) => {
    const fits = rule({ limitMs: settings.verifyTimeoutMs, soakMs: settings.soakMs, checks: [check] });
    if (fits.ok) return [];
    const location = locationOfCheck(configuration, instance, check.name);
    return [
      {
        file: location === null ? null : (configuration.file?.path ?? null),
        location,
        message: fits.error,
        advice: location === null ? adviceForFlags : adviceForFile,
      },
    ];
  });
}

const adviceForFile =
  'Give it more time ("verifyTimeout", "soak"), or reduce the "interval", "retries" or "startPeriod" of the check.';
const adviceForFlags =
  'Give it more time (--verify-timeout, --soak), or reduce --check-interval, --check-retries or --check-start-period.';

function locationOfCheck(configuration: Configuration, instance: InstanceName, name: string): SourceLocation | null {
  const definedBy = [
    ...(configuration.defaults.checks?.[name] ? [['defaults']] : []),
    ...configuration.blocks
      .filter((block) => block.matches(instance) && block.layer.checks?.[name])
      .map((block) => ['instances', block.pattern]),
  ].at(-1);
  return definedBy ? (configuration.file?.locate([...definedBy, 'checks', name]) ?? null) : null;
}
