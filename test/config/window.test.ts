import { describe, expect, test } from 'vitest';
import { commandCheck } from '../../src/check-default.ts';
import { settingsFor, type Flags } from '../../src/config/effective-settings.ts';
import { windowMistakes } from '../../src/config/window.ts';
import { requireWindow } from '../../src/health/watch/window.ts';
import { read } from './read.ts';

const text = `
defaults:
  checks:
    slow: { tcp: 25, startPeriod: 5m }
    quick: { tcp: 22 }
instances:
  "w*":
    checks:
      slow: { tcp: 25, startPeriod: 10m }
  patient:
    verifyTimeout: 1h
`;

const mistakesFor = (name: string, flags: Flags = {}) => {
  const configuration = read(text);
  const instance = { name, remote: null };
  return windowMistakes(configuration, instance, settingsFor(configuration, instance, flags), requireWindow);
};

describe('a window too short ever to fail (F32)', () => {
  test('is a mistake where the check is defined', () => {
    expect(mistakesFor('db')).toMatchObject([{ file: '/etc/guard/guard.yaml', location: { line: 4, column: 5 } }]);
  });

  test('is told at the most exact of the blocks that define it', () => {
    expect(mistakesFor('web')).toMatchObject([{ location: { line: 9, column: 7 } }]);
  });

  test('is none where a block or a flag gives it the time', () => {
    expect(mistakesFor('patient')).toEqual([]);
    expect(mistakesFor('db', { verifyTimeoutMs: 3_600_000 })).toEqual([]);
  });

  test("is the command line's own, where a flag defines the check", () => {
    const checks = [commandCheck('true', { startPeriodMs: 3_600_000 })];
    expect(mistakesFor('patient', { checks })).toMatchObject([
      { file: null, location: null, advice: expect.stringContaining('--check-start-period') as unknown },
    ]);
  });
});
