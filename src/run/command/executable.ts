import type { Outcome } from '../../event.ts';
import type { Instance } from '../../platform/platform.ts';
import type { Plan } from '../plan.ts';
import { mayProvide } from '../push/source.ts';
import { refused } from '../refusal.ts';
import type { RunTools } from '../tools.ts';

const limitMs = 10_000;

/** The default of `cwd`. In the few images without it, commands run in `/`. */
const usualFolder = '/root';

/** Whether the command is searched in the usual folders, and executable for every user. */
export function isFoundByAnybody(
  { command }: Pick<Plan, 'command'>,
  { environment }: Pick<Instance, 'environment'>,
): boolean {
  return (
    command.cwd === usualFolder &&
    command.user === 0 &&
    command.group === 0 &&
    command.environment['PATH'] === undefined &&
    environment['PATH'] === undefined
  );
}

/**
 * Refuses a command that the instance does not have, and a folder to run it in, before anything is changed: a typing error
 * must not cost a service its uptime, and Incus runs a command whose folder is missing in `/`. Asked beforehand, because
 * Incus reports every later 127 alike, also that of a script that ran half-way. Null where both are there, or where nobody
 * can tell (no shell inside).
 */
export async function refuseMissingExecutable(
  plan: Plan,
  tools: RunTools,
  signal: AbortSignal,
): Promise<Outcome | null> {
  const { words, cwd, environment, user, group } = plan.command;
  const [word] = words;
  const answer = await tools.platform.query(plan.instance, {
    command: ['sh', '-c', lookup, 'guard', mayProvide(plan.pushes, word, cwd) ? '' : word, folderToFind(plan)],
    environment,
    user,
    group,
    cwd,
    limitMs,
    maxBytes: 4096,
    readOnly: true,
    signal,
  });
  if (!answer.ok || answer.value.status !== 0) return null;
  switch (answer.value.stdout.trim()) {
    case 'no folder':
      return refused(
        `There is no folder "${cwd}" in ${plan.instance} that user ${user} may enter.`,
        'Correct --cwd: it is a path inside the instance.',
      );
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

/** Whether a push provides all of it, so that no search is needed. */
export function isBroughtIn({ pushes, command }: Pick<Plan, 'pushes' | 'command'>): boolean {
  return mayProvide(pushes, command.words[0], command.cwd) && folderToFind({ pushes, command }) === '';
}

/** The folder that must already exist; empty if none. */
function folderToFind({ pushes, command: { cwd } }: Pick<Plan, 'pushes' | 'command'>): string {
  return cwd === usualFolder || mayProvide(pushes, './', cwd) ? '' : cwd;
}

/** Not `command -v`, which also finds builtins and functions of the shell. */
const lookup = `
if [ -n "$2" ] && ! cd "$2" 2>/dev/null; then echo 'no folder'; exit; fi
case $1 in
  '') exit ;;
  */*) if [ ! -e "$1" ]; then echo missing; elif [ ! -x "$1" ] || [ -d "$1" ]; then echo 'not executable'; fi; exit ;;
esac
IFS=:
for folder in $PATH; do
  if [ -f "$folder/$1" ] && [ -x "$folder/$1" ]; then exit; fi
done
echo missing`;
