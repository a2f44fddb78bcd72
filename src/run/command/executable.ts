import type { Outcome } from '../../event.ts';
import { runProbe } from '../../incus/exec-query.ts';
import type { Instance } from '../../incus/instance.ts';
import type { Plan } from '../plan.ts';
import { refused } from '../refusal.ts';
import type { RunTools } from '../tools.ts';

const limitMs = 10_000;

/** Whether the command is looked for in the usual folders, and may be run by whoever sees it there. */
export function isFoundByAnybody(
  { command }: Pick<Plan, 'command'>,
  { expandedConfig }: Pick<Instance, 'expandedConfig'>,
): boolean {
  return (
    command.user === 0 &&
    command.group === 0 &&
    command.environment['PATH'] === undefined &&
    expandedConfig['environment.PATH'] === undefined
  );
}

/**
 * Refuses a command that the instance does not have, before anything is changed: a typing error must not cost a service
 * its uptime. Asked beforehand, because Incus reports every later 127 alike, also that of a script that ran half-way.
 * Null where it is there, or where nobody can tell (no shell inside).
 */
export async function refuseMissingExecutable(
  plan: Plan,
  tools: RunTools,
  signal: AbortSignal,
): Promise<Outcome | null> {
  const [word] = plan.command.words;
  const answer = await runProbe(tools.incus, plan.instance, {
    command: ['sh', '-c', lookup, 'guard', word],
    environment: plan.command.environment,
    user: plan.command.user,
    group: plan.command.group,
    cwd: plan.command.cwd,
    limitMs,
    maxBytes: 4096,
    signal,
  });
  if (!answer.ok || answer.value.status !== 0) return null;
  switch (answer.value.stdout.trim()) {
    case 'missing':
      return refused(
        `There is no command "${word}" in ${plan.instance} (it would end with status 127).`,
        'Check its spelling; a path must be the path inside the instance.',
      );
    case 'not executable':
      return refused(
        `"${word}" in ${plan.instance} cannot be executed (it would end with status 126).`,
        `See its mode with: incus exec ${plan.instance} -- ls -l ${word}`,
      );
    default:
      return null;
  }
}

/** A search of our own: `command -v` would also find what only a shell can run, and hide a program behind its builtin. */
const lookup = `
case $1 in
  */*) if [ ! -e "$1" ]; then echo missing; elif [ ! -x "$1" ] || [ -d "$1" ]; then echo 'not executable'; fi; exit ;;
esac
IFS=:
for folder in $PATH; do
  if [ -f "$folder/$1" ] && [ -x "$folder/$1" ]; then exit; fi
done
echo missing`;
