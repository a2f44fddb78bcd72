import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { askCheck, askDefinition } from '../../../src/health/checks/check.ts';
import type { AskContext } from '../../../src/health/observation.ts';
import { openIncusPlatform } from '../../../src/platform/incus/incus.ts';
import { checkOf } from '../samples.ts';

const unreachable: AskContext = {
  platform: openIncusPlatform({ socket: '/nonexistent/incus.socket', project: 'default', clock: systemClock }).platform,
  instance: 'c1',
  clock: systemClock,
};

describe('a check that cannot be put', () => {
  it('is not a failure where Incus does not answer', async () => {
    const result = await askCheck(checkOf('web'), unreachable);
    expect(result).toMatchObject({ name: 'web', severity: 'required', status: 'unknown' });
    expect(result.message).toContain('/nonexistent/incus.socket');
  });

  it('is not an exception where guard itself makes a mistake (F10)', async () => {
    const broken = { ...unreachable, platform: null as unknown as AskContext['platform'] };
    expect(await askCheck(checkOf('web'), broken)).toMatchObject({
      status: 'unknown',
      message: expect.stringContaining('a bug in guard') as string,
    });
  });

  it('is one answer for a whole folder of scripts', async () => {
    const { name, severity, timeoutMs, intervalMs, retries, startPeriodMs } = checkOf('green');
    const folder = {
      name,
      severity,
      timeoutMs,
      intervalMs,
      retries,
      startPeriodMs,
      kind: 'directory',
      path: '/x',
    } as const;
    expect(await askDefinition(folder, unreachable, (work) => work())).toMatchObject([
      { name: 'green', status: 'unknown' },
    ]);
  });

  it('is not asked at all after an interruption', async () => {
    const result = await askCheck(checkOf('web'), { ...unreachable, signal: AbortSignal.abort() });
    expect(result).toMatchObject({ status: 'unknown', message: 'guard was interrupted' });
  });
});
