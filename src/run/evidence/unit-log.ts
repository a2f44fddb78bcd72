import script from '../../guest/unit-log.sh?raw';
import type { Verdict } from '../../event.ts';
import { neutralise } from '../../text.ts';
import type { Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';

/** Whoever waits for a rollback does not wait longer for a log, in milliseconds. */
const limitMs = 3000;
const mostUnits = 3;
const mostLines = 5;
/** Lines that are looked through for them. */
const linesRead = 60;
const longestLine = 300;

/** The units that a verdict is about, in its order: their names come from inside the instance. */
export function unitsIn({ reasons }: Pick<Verdict, 'reasons'>): string[] {
  const units = reasons.flatMap(({ subject }) => /^unit:(\w[\w@.:\\-]{0,199})$/.exec(subject)?.[1] ?? []);
  return [...new Set(units)].slice(0, mostUnits);
}

/**
 * Records the last lines that the failed units wrote since the baseline: they usually contain the reason. Older lines would
 * blame the change for something else. `since` is the instance's own clock in seconds since 1970; null if it is unknown.
 */
export async function recordUnitLogs(
  plan: Pick<Plan, 'instance'>,
  tools: Pick<RunTools, 'platform' | 'recorder'>,
  verdict: Verdict,
  since: number | null,
): Promise<void> {
  const logs = await Promise.all(
    unitsIn(verdict).map(async (unit) => ({ unit, lines: await linesOf(plan, tools, unit, since) })),
  );
  for (const { unit, lines } of logs)
    if (lines.length > 0) await tools.recorder.record({ type: 'unit-log', unit, lines });
}

async function linesOf(
  { instance }: Pick<Plan, 'instance'>,
  { platform }: Pick<RunTools, 'platform'>,
  unit: string,
  since: number | null,
): Promise<readonly string[]> {
  const answer = await platform.query(instance, {
    command: ['sh', '-c', script, 'guard', unit, String(linesRead), String(Math.floor(since ?? 0))],
    user: 0,
    group: 0,
    cwd: '/',
    limitMs,
    maxBytes: 16 * 1024,
    readOnly: true,
  });
  return answer.ok ? logLines(answer.value.stdout) : [];
}

/** The unit's own last words, each once: a service that restarts repeats them. systemd's, where it said nothing. Pure. */
export function logLines(text: string): string[] {
  const all = text.split('\n').filter((line) => line.trim() !== '');
  const own = all.filter((line) => !/ systemd\[1\]: /.test(line));
  const last = new Map<string, string>();
  for (const line of own.length > 0 ? own : all) {
    // Without the time and the number of the process.
    const message = line.replace(/^.{15} \S+ /, '').replace(/^([^:[]+)\[\d+\]/, '$1');
    last.delete(message);
    last.set(message, line);
  }
  return [...last.values()].slice(-mostLines).map((line) => neutralise(line.trimEnd(), longestLine));
}
