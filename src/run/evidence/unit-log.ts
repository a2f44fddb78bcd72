import type { Verdict } from '../../event.ts';
import { ask } from '../../incus/ask.ts';
import { neutralise } from '../../text.ts';
import type { Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';

/** Whoever waits for a rollback does not wait longer for a log, in milliseconds. */
const limitMs = 3000;
const mostUnits = 3;
const mostLines = 8;
const longestLine = 300;

/** The units that a verdict is about, in its order: their names come from inside the instance. */
export function unitsIn({ reasons }: Pick<Verdict, 'reasons'>): string[] {
  const units = reasons.flatMap(({ subject }) => /^unit:([\w@.:\\-]{1,200})$/.exec(subject)?.[1] ?? []);
  return [...new Set(units)].slice(0, mostUnits);
}

/** Records the last lines that the failed units wrote: the reason stands there more often than anywhere else. */
export async function recordUnitLogs(
  plan: Pick<Plan, 'instance'>,
  tools: Pick<RunTools, 'incus' | 'recorder'>,
  verdict: Verdict,
): Promise<void> {
  const logs = await Promise.all(unitsIn(verdict).map(async (unit) => ({ unit, lines: await linesOf(plan, tools, unit) })));
  for (const { unit, lines } of logs)
    if (lines.length > 0) await tools.recorder.record({ type: 'unit-log', unit, lines });
}

async function linesOf(
  { instance }: Pick<Plan, 'instance'>,
  { incus }: Pick<RunTools, 'incus'>,
  unit: string,
): Promise<readonly string[]> {
  const answer = await ask(incus, instance, {
    command: ['sh', '-c', script, 'guard', unit, String(mostLines)],
    user: 0,
    group: 0,
    cwd: '/',
    limitMs,
    maxBytes: 16 * 1024,
  });
  return answer.ok ? logLines(answer.value.stdout) : [];
}

/** Pure; bounded, with nothing in it that a terminal would obey. */
export function logLines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-mostLines)
    .map((line) => neutralise(line.trimEnd(), longestLine));
}

/** Without a journal, the lines of the system's log that name the unit. */
const script = `
if command -v journalctl >/dev/null 2>&1; then
  journalctl --no-pager --quiet --boot --unit="$1" --lines="$2" -o short 2>/dev/null
else
  for log in /var/log/messages /var/log/syslog; do
    [ -f "$log" ] && tail -c 200000 "$log" | grep -F -- "$1" | tail -n "$2"
  done
fi
:`;
