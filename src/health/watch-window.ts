import type { CheckDefinition } from '../check-definition.ts';
import { sayDuration } from '../duration.ts';

export interface WindowSettings {
  /** How long everything required may take to hold. */
  readonly limitMs: number;
  readonly soakMs: number;
  readonly checks: readonly CheckDefinition[];
}

/**
 * A window in which a required check could never fail is a mistake of the configuration (F32): one sentence about the
 * first, or null. The whole start period and all tries must fit into the limit. The tries must fit into the soak as well;
 * the start period need not, because the soak begins only after the first success, which ends it. Without a soak
 * (`0s`) nothing has to fit.
 */
export const windowMistake = (settings: WindowSettings): string | null => {
  for (const check of settings.checks) {
    if (check.severity !== 'required') continue;
    const triesMs = check.intervalMs * check.retries;
    const neededMs = check.startPeriodMs + triesMs;
    if (settings.limitMs < neededMs)
      return `Check "${check.name}" could never fail: its start period and ${check.retries} tries take ${sayDuration(neededMs)}, but the time to verify is ${sayDuration(settings.limitMs)}.`;
    if (settings.soakMs > 0 && settings.soakMs < triesMs)
      return `Check "${check.name}" could never fail while health must hold: ${check.retries} tries take ${sayDuration(triesMs)}, but the soak is ${sayDuration(settings.soakMs)}.`;
  }
  return null;
};
