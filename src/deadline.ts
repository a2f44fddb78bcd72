/**
 * When an unconfirmed change is rolled back. The wall clock can be set back or forward while the change waits, so within
 * one boot the time since that boot decides; after a reboot, and on another host, only the wall clock is left.
 */
export interface Deadline {
  /** Wall-clock time, milliseconds since 1970. */
  readonly at: number;
  /** The boot in which the deadline was set. */
  readonly bootId: string;
  /** The same moment in milliseconds since that boot, time spent suspended included. */
  readonly sinceBootMs: number;
}

/** What this machine's clocks show at one moment. */
export interface ClockReading {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly bootId: string;
  /** Milliseconds since boot, time spent suspended included (CLOCK_BOOTTIME). */
  readonly sinceBootMs: number;
}

/** The longest that a change may wait from now on, in milliseconds: a week. */
export const longestWaitMs = 7 * 24 * 3_600_000;

/** The deadline that lies `ms` milliseconds after the reading. */
export function deadlineAfter(reading: ClockReading, ms: number): Deadline {
  return { at: reading.now + ms, bootId: reading.bootId, sinceBootMs: reading.sinceBootMs + ms };
}

/** Milliseconds until the deadline; zero or less when it has passed. */
export function remainingMs(deadline: Deadline, reading: ClockReading): number {
  return deadline.bootId === reading.bootId ? deadline.sinceBootMs - reading.sinceBootMs : deadline.at - reading.now;
}

/** A deadline as the journal and the instance's mark keep it; null where the value is none. */
export function parseDeadline(value: unknown): Deadline | null {
  if (typeof value !== 'object' || value === null) return null;
  const { at, bootId, sinceBootMs } = value as Readonly<Record<string, unknown>>;
  return isTime(at) && typeof bootId === 'string' && isTime(sinceBootMs) ? { at, bootId, sinceBootMs } : null;
}

/** The last moment that a Date can show, in milliseconds since 1970. Anybody who may configure the instance can write more. */
const lastTime = 8.64e15;

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= lastTime;
}
