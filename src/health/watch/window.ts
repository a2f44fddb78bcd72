import { checkDefaults } from '../../check-default.ts';
import type { CheckDefinition } from '../../check-definition.ts';
import { formatDuration } from '../../duration.ts';
import { err, ok, type Result } from '../../result.ts';

export interface WindowSettings {
  /** How long everything required may take to hold. */
  readonly limitMs: number;
  readonly soakMs: number;
  readonly checks: readonly CheckDefinition[];
}

/**
 * A window in which a required check cannot use its start period and all its tries is a mistake of the configuration
 * (F32): the error is one sentence about the first. All of them must fit into the time to verify. The tries must fit into the
 * soak as well; the start period need not, because the soak begins only after the first success, which ends it. Without a
 * soak (`0s`) nothing has to fit. Default timing is not a mistake of the user: the soak is extended for it.
 */
export function requireWindow(settings: WindowSettings): Result<void, string> {
  for (const check of settings.checks) {
    if (check.severity !== 'required' || hasDefaultTiming(check)) continue;
    const tries = `${check.retries} ${check.retries === 1 ? 'attempt' : 'attempts'} every ${formatDuration(check.intervalMs)}`;
    const triesMs = check.intervalMs * check.retries;
    const neededMs = check.startPeriodMs + triesMs;
    if (settings.limitMs < neededMs) {
      const start = check.startPeriodMs > 0 ? `a start period of ${formatDuration(check.startPeriodMs)} and ` : '';
      return err(
        `Check "${check.name}" could never fail in time: ${start}${tries} take ${formatDuration(neededMs)}, but the time limit of the verification is ${formatDuration(settings.limitMs)}.`,
      );
    }
    if (settings.soakMs > 0 && settings.soakMs < triesMs)
      return err(
        `Check "${check.name}" could never fail during the soak time: ${tries} take ${formatDuration(triesMs)}, but the soak time is ${formatDuration(settings.soakMs)}.`,
      );
  }
  return ok(undefined);
}

function hasDefaultTiming(check: CheckDefinition): boolean {
  return (
    check.intervalMs === checkDefaults.intervalMs &&
    check.retries === checkDefaults.retries &&
    check.startPeriodMs === checkDefaults.startPeriodMs
  );
}
