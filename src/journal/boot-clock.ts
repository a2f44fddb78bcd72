import { readFileSync } from 'node:fs';
import type { ClockReading } from '../deadline.ts';

/** Reads this machine's clocks: the wall clock, and the time since boot with time spent suspended (proc_uptime(5)). */
export function readClocks(now: () => number): ClockReading {
  const uptime = Number.parseFloat(readProc('/proc/uptime'));
  // Without /proc no boot is like another one: then the wall clock decides.
  if (Number.isNaN(uptime)) return { now: now(), bootId: `unknown-${process.pid}`, sinceBootMs: 0 };
  return { now: now(), bootId: readProc('/proc/sys/kernel/random/boot_id').trim(), sinceBootMs: uptime * 1000 };
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
