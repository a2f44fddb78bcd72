import { longestWaitMs } from '../deadline.ts';

/** From which to which value something makes sense that is no row of the table of settings, in guard.yaml and as an option. */

export interface TimeLimits {
  readonly leastMs: number;
  readonly mostMs: number;
}

export interface NumberLimits {
  readonly least: number;
  readonly most: number;
}

const day = 24 * 3_600_000;

/** Node's timers end at 24 days. */
export const mostTimeMs = 7 * day;

function from(leastMs: number, mostMs = mostTimeMs): TimeLimits {
  return { leastMs, mostMs };
}

export const timeLimits = {
  extend: from(1000, longestWaitMs),
  checkTimeout: from(1),
  checkInterval: from(100),
  checkStartPeriod: from(0),
  hookTimeout: from(1),
} as const satisfies Record<string, TimeLimits>;

export const numberLimits = {
  checkRetries: { least: 1, most: 1000 },
  parallel: { least: 1, most: 1000 },
  // The kernel's.
  userId: { least: 0, most: 4_294_967_294 },
} as const satisfies Record<string, NumberLimits>;

const units = [
  ['d', day],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** As it is written in the file: `90s`, `5m`, `0s`. */
export function writeTime(ms: number): string {
  const [unit, size] = units.find(([, size]) => ms >= size && ms % size === 0) ?? ['ms', 1];
  return ms === 0 ? '0s' : `${ms / size}${unit}`;
}

/** What is expected: `a time from 1s to 7d, or never`. */
export function describeTimeLimits({ leastMs, mostMs }: TimeLimits, orNever: boolean): string {
  return `a time from ${writeTime(leastMs)} to ${writeTime(mostMs)}${orNever ? ', or never' : ''}`;
}

export function isWithin(ms: number, { leastMs, mostMs }: TimeLimits): boolean {
  return ms >= leastMs && ms <= mostMs;
}
