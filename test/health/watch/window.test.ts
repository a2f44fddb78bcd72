import { describe, expect, it } from 'vitest';
import type { CheckDefinition } from '../../../src/check-definition.ts';
import { defaultSettings } from '../../../src/config/defaults.ts';
import { requireWindow } from '../../../src/health/watch/window.ts';
import { checkOf } from '../samples.ts';

const mistake = (timing: Parameters<typeof checkOf>[1], limitMs: number, soakMs: number) =>
  mistakeIn([checkOf('web', timing)], limitMs, soakMs);

function mistakeIn(checks: readonly CheckDefinition[], limitMs: number, soakMs: number): string | null {
  const fits = requireWindow({ limitMs, soakMs, checks });
  return fits.ok ? null : fits.error;
}

describe('a window too short ever to fail (F32)', () => {
  it('is none with the defaults', () => {
    const { verifyTimeoutMs: limitMs, soakMs } = defaultSettings;
    expect(mistakeIn([checkOf('web'), checkOf('slow', { startPeriodMs: 60_000 })], limitMs, soakMs)).toBeNull();
  });

  it('is a limit that ends before the start period and all tries', () => {
    const timing = { startPeriodMs: 60_000, intervalMs: 5000, retries: 3 };
    expect(mistake(timing, 74_999, 20_000)).toContain('"web"');
    expect(mistake(timing, 75_000, 20_000)).toBeNull();
  });

  it('is a soak that ends before all tries', () => {
    const timing = { intervalMs: 5000, retries: 3 };
    expect(mistake(timing, 120_000, 14_999)).toContain('soak');
    expect(mistake(timing, 120_000, 15_000)).toBeNull();
  });

  it('is not the absence of a soak', () => {
    expect(mistake({ intervalMs: 5000, retries: 3 }, 120_000, 0)).toBeNull();
  });

  it("is nobody's mistake where nobody chose the timing of the check", () => {
    expect(mistake({}, 1000, 1000)).toBeNull();
    expect(mistake({ intervalMs: 2001 }, 1000, 1000)).not.toBeNull();
  });

  it('does not matter for an advisory check', () => {
    expect(mistake({ intervalMs: 60_000, retries: 9, severity: 'advisory' }, 1000, 1000)).toBeNull();
  });
});
