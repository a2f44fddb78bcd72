import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Holder } from '../event.ts';

/** Identifies this process across hosts and reboots. */
export function currentHolder(): Holder {
  return {
    host: hostname(),
    bootId: bootId(),
    pid: process.pid,
    startTicks: inspectProcess(process.pid)?.startTicks ?? 0,
  };
}

/** Whether the process of a run is alive; `elsewhere` if only another host can tell. */
export function inspectHolder(holder: Holder): 'alive' | 'dead' | 'elsewhere' {
  if (holder.host !== hostname()) return 'elsewhere';
  // The same host after a reboot: earlier processes are dead.
  if (holder.bootId !== bootId()) return 'dead';
  const found = inspectProcess(holder.pid);
  // The same pid with another start time is another process. A zombie (Z) counts as dead.
  return found?.startTicks === holder.startTicks && !'ZX'.includes(found.state) ? 'alive' : 'dead';
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Fields 3 and 22 of /proc/PID/stat (proc(5)); the name before them may contain spaces and parentheses. Null: no such process. */
function inspectProcess(pid: number): { readonly state: string; readonly startTicks: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? 'X', startTicks: Number(fields[19]) };
  } catch {
    return null;
  }
}
