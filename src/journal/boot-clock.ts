import { readFileSync } from 'node:fs';
import type { ClockReading } from '../deadline.ts';

/** Reads this machine's clocks: the wall clock, and the time since boot with time spent suspended (proc_uptime(5)). */
export function readClocks(now: () => number): ClockReading {
  const uptime = Number.parseFloat(readProc('/proc/uptime'));
  // Without /proc no boot is like another one: then the wall clock decides.
  if (Number.isNaN(uptime)) return { now: now(), bootId: `unknown-${process.pid}`, sinceBootMs: 0 };
  return { now: now(), bootId: bootId(), sinceBootMs: uptime * 1000 };
}

/**
 * In a container the uptime is that of the container (lxcfs(1)), which a restart resets while the kernel's boot id stays. So the
 * start of the first process belongs to it.
 */
function bootId(): string {
  const kernel = readProc('/proc/sys/kernel/random/boot_id').trim();
  return `${kernel}/${startOf(readProc('/proc/1/stat'))}`;
}

/** When a process started, in clock ticks since boot: field 22 of proc_pid_stat(5). Its name may contain spaces and parentheses. */
export function startOf(stat: string): string {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
