import { readFileSync } from 'node:fs';

/**
 * Whether the terminal listens to this process. A job in the background (`guard … &`) that reads from its terminal, or sets
 * its mode, is stopped by the kernel, and would hold the lock until the user types `fg`.
 */
export function isInForeground(stat: string | null = ownStat()): boolean {
  if (stat === null) return true;
  // After the program's name in brackets: state, parent, group, session, terminal, foreground group (proc_pid_stat(5)).
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return foreground === '-1' || group === foreground;
}

function ownStat(): string | null {
  try {
    return readFileSync('/proc/self/stat', 'utf8');
  } catch {
    return null;
  }
}
