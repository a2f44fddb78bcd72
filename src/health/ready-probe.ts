import { oneLine } from './checks/answer.ts';

/** What `guest/readiness.sh` found. */
export interface Inside {
  /** What the boot still waits for, as a phrase; null if the boot is finished or its state is unknown. */
  readonly boot: string | null;
  /** Whether a service manager says so itself. */
  readonly managed: boolean;
  /** Age of process 1 in milliseconds, or null where it cannot be known. */
  readonly ageMs: number | null;
  /** Package managers at work, one phrase each. */
  readonly locks: readonly string[];
}

/** Total: whatever comes, it says what can be believed. Without any known line (no shell inside) nothing is pending. */
export function readReadiness(text: string): Inside {
  const lines = text.split('\n').map(splitFirst);
  const find = (word: string): string | null => lines.find(([first]) => first === word)?.[1] ?? null;
  const all = (word: string): string[] => lines.filter(([first]) => first === word).map(([, rest]) => rest);
  const jobs = all('job').slice(0, 3);
  const systemd = find('systemd');
  const openrc = find('openrc');
  return {
    boot: systemd !== null ? systemdBoot(systemd, jobs) : openrc !== null ? openrcBoot(openrc, jobs) : null,
    managed: find('none') === null,
    ageMs: ageOf(find('one'), find('self')),
    locks: [...new Set(all('lock').map(lockPhrase))],
  };
}

function splitFirst(line: string): readonly [string, string] {
  const space = line.indexOf(' ');
  return space === -1 ? [line, ''] : [line.slice(0, space), line.slice(space + 1)];
}

function systemdBoot(state: string, jobs: readonly string[]): string | null {
  return ['running', 'degraded', 'maintenance'].includes(state)
    ? null
    : `systemd is ${state === 'stopping' ? 'stopping' : 'still starting'}${waitingFor(jobs)}`;
}

function openrcBoot(text: string, jobs: readonly string[]): string | null {
  const [level = '', busy = ''] = text.split(' ');
  return busy === 'over' && !['sysinit', 'boot', ''].includes(level)
    ? null
    : `OpenRC is still starting${waitingFor(jobs)}`;
}

function waitingFor(jobs: readonly string[]): string {
  return jobs.length === 0 ? '' : ` (${jobs.map((job) => oneLine(job, 60)).join(', ')})`;
}

/** Both start times count in ticks of 10 ms since the host's boot, also where /proc/uptime is the container's own. */
function ageOf(one: string | null, self: string | null): number | null {
  const from = startTicks(one);
  const to = startTicks(self);
  return from === null || to === null || to < from ? null : (to - from) * 10;
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold anything, also `)`. */
function startTicks(stat: string | null): number | null {
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  const ticks = Number(fields[19]);
  return Number.isSafeInteger(ticks) && ticks >= 0 && fields[19] !== '' ? ticks : null;
}

function lockPhrase(text: string): string {
  const [pid = '', file = '', ...name] = text.split(' ');
  const holder = oneLine(name.join(' '), 40) || 'a process';
  return pid === '0'
    ? `${oneLine(file, 80)} exists, which ${holder} leaves while it works`
    : `${holder} (process ${oneLine(pid, 20)}) holds ${oneLine(file, 80)}`;
}
