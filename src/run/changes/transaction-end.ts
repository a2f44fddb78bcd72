import { waitUntilIdle } from '../../health/ready.ts';
import type { Clock } from '../../clock.ts';
import type { Platform } from '../../platform/platform.ts';
import type { PlatformFailure } from '../../platform/failure.ts';
import { ok, type Result } from '../../result.ts';

/** A process in the instance, from its /proc/PID/stat. */
export interface ProcessInside {
  /** Identifies the process together with its pid. */
  readonly startTicks: number;
  /** It has a terminal, so a person probably sees its output. */
  readonly terminal: boolean;
}

/** How the wait for a package manager ended. */
export type WaitEnd = 'ended' | 'limit' | 'stopped' | 'restarted' | 'aborted';

/** What to wait for. All times in milliseconds. */
export interface Wait {
  /** The processes of the package managers; more may join while one of them runs, or within `settleMs` after. */
  readonly pids: () => readonly number[];
  readonly settleMs: number;
  readonly limitMs: number;
  /** How long an instance that stopped may take to run again. */
  readonly readyMs: number;
}

type WaitTools = { readonly platform: Platform; readonly clock: Clock };

const pace = { first: 100, growth: 1.4, most: 1000 } as const;

/** How long to wait for a lock whose process is gone: a crashed manager leaves some permanently. Milliseconds. */
const lockMs = 30_000;

/**
 * Waits until the processes of the package manager have ended and its lock is free. These processes
 * survive guard, a lost connection and a restart of the daemon. The signal ends the wait.
 */
export async function waitForTransaction(
  tools: WaitTools,
  instance: string,
  wait: Wait,
  signal?: AbortSignal,
): Promise<WaitEnd> {
  const { clock } = tools;
  const deadline = clock.monotonic() + wait.limitMs;
  const seen = new Map<number, number>();
  let goneSince: { readonly at: number; readonly pids: number } | null = null;
  for (let pause: number = pace.first; clock.monotonic() < deadline; pause = Math.min(pause * pace.growth, pace.most)) {
    if (signal?.aborted === true) return 'aborted';
    const pids = wait.pids();
    const look = await inspectProcesses(tools, instance, [1, ...pids]);
    if (!look.ok && (await hasStopped(tools, instance, wait.readyMs))) return 'stopped';
    if (look.ok) {
      if (isOther(seen, 1, look.value)) return 'restarted';
      const alive = pids.some((pid) => look.value.has(pid) && !isOther(seen, pid, look.value));
      if (alive || goneSince?.pids !== pids.length)
        goneSince = alive ? null : await goneNow(tools, instance, pids.length);
      // Transactions that follow immediately belong to it: another dpkg of the same apt, the next command of a script.
      if (goneSince && clock.monotonic() - goneSince.at >= wait.settleMs) return 'ended';
    }
    await clock.sleep(Math.min(pause, goneSince ? Math.max(20, wait.settleMs) : pause), signal);
  }
  return 'limit';
}

/** Reads the processes with these numbers inside; those that are gone, or have ended and are not waited for yet, are left out. */
export async function inspectProcesses(
  { platform }: Pick<WaitTools, 'platform'>,
  instance: string,
  pids: readonly number[],
): Promise<Result<ReadonlyMap<number, ProcessInside>, PlatformFailure>> {
  const answer = await platform.query(instance, {
    command: ['sh', '-c', script, 'guard', ...pids.map(String)],
    limitMs: 10_000,
    maxBytes: 64 * 1024,
    readOnly: true,
  });
  return answer.ok ? ok(new Map(answer.value.stdout.split('\n').flatMap(readStat))) : answer;
}

const script = `for pid in "$@"; do
  if [ -r "/proc/$pid/stat" ] && read -r stat <"/proc/$pid/stat"; then echo "$stat"; fi
done 2>/dev/null; :`;

/** Fields 3, 7 and 22 of /proc/PID/stat (proc(5)); the name before them may contain spaces and parentheses. */
function readStat(line: string): [number, ProcessInside][] {
  const pid = Number(/^(\d+) \(/.exec(line)?.[1] ?? Number.NaN);
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const startTicks = Number(fields[19] ?? Number.NaN);
  if (Number.isNaN(pid) || Number.isNaN(startTicks) || 'ZX'.includes(fields[0] ?? 'X')) return [];
  return [[pid, { startTicks, terminal: (fields[4] ?? '0') !== '0' }]];
}

function isOther(seen: Map<number, number>, pid: number, processes: ReadonlyMap<number, ProcessInside>): boolean {
  const now = processes.get(pid)?.startTicks;
  if (now === undefined) return false;
  const before = seen.get(pid) ?? now;
  seen.set(pid, before);
  return before !== now;
}

async function goneNow(tools: WaitTools, instance: string, pids: number): Promise<{ at: number; pids: number }> {
  await waitUntilIdle({ ...tools, instance }, { limitMs: lockMs });
  return { at: tools.clock.monotonic(), pids };
}

/** An unresponsive daemon says nothing about the instance; a reboot is "Stopped" for a moment. */
async function hasStopped({ platform, clock }: WaitTools, instance: string, readyMs: number): Promise<boolean> {
  const deadline = clock.monotonic() + readyMs;
  for (;;) {
    const found = await platform.getInstance(instance);
    if (!found.ok) return found.error.kind === 'not-found';
    if (found.value.status === 'Running') return false;
    if (clock.monotonic() >= deadline) return true;
    await clock.sleep(pace.most);
  }
}
