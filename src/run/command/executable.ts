import { posix } from 'node:path';
import lookup from '../../guest/find-executable.sh?raw';
import type { Outcome } from '../../event.ts';
import type { Instance } from '../../platform/platform.ts';
import { err, ok, type Result } from '../../result.ts';
import type { Plan, PushPlan } from '../plan.ts';
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
 * must not cost a service its uptime, and Incus runs a command whose folder is missing in `/`. guard checks this before the run, because
 * afterwards exit status 127 can also come from a script that has already changed something. Without a shell inside guard cannot check it,
 * and does not refuse.
 */
export async function refuseMissingExecutable(
  plan: Plan,
  tools: RunTools,
  signal: AbortSignal,
): Promise<Result<void, Outcome>> {
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
  if (!answer.ok || answer.value.status !== 0) return ok(undefined);
  switch (answer.value.stdout.trim()) {
    case 'no folder':
      return err(
        refused(
          `There is no folder "${cwd}" in ${plan.instance} that user ${user} may enter.`,
          'Correct --cwd: it is a path inside the instance.',
        ),
      );
    case 'missing':
      return err(
        refused(
          `There is no command "${word}" in ${plan.instance} (it would end with status 127).`,
          adviceForMissing(plan.instance, word),
        ),
      );
    case 'not executable':
      return err(
        refused(
          `"${word}" in ${plan.instance} cannot be executed (it would end with status 126).`,
          `See its mode with: ${tools.platform.commands.exec(plan, ['ls', '-l', word])}`,
        ),
      );
    default:
      return ok(undefined);
  }
}

/** Whether a push provides all of it, so that no search is needed. */
export function isBroughtIn({ pushes, command }: Pick<Plan, 'pushes' | 'command'>): boolean {
  return mayProvide(pushes, command.words[0], command.cwd) && folderToFind({ pushes, command }) === '';
}

/** Whether a push could provide the command, so that its absence now does not matter. */
export function mayProvide(pushes: readonly PushPlan[], word: string, cwd: string): boolean {
  const path = posix.resolve(cwd, word);
  return pushes.some(({ inside, kind }) =>
    word.includes('/')
      ? path === inside || path.startsWith(inside === '/' ? '/' : `${inside}/`)
      : kind === 'folder' || posix.basename(inside) === word,
  );
}

/** The folder that must already exist; empty if none. */
function folderToFind({ pushes, command: { cwd } }: Pick<Plan, 'pushes' | 'command'>): string {
  return cwd === usualFolder || mayProvide(pushes, './', cwd) ? '' : cwd;
}

/** Words that only a shell understands. */
const shellWordsOnly = ['cd', 'export', 'source', '.', 'set', 'alias', 'ulimit', 'umask', 'if', 'for', 'while', 'exec'];

/** The usual mistakes: one quoted word for a whole command line, a word of the shell, an option of guard after the `--`. */
export function adviceForMissing(instance: string, word: string): string {
  if (/[;&|<>$]/.test(word) || shellWordsOnly.includes(word))
    return `guard uses no shell. Run one: guard ${instance} -- sh -c '…'`;
  if (/\s/.test(word)) return `Do not quote the whole command: guard ${instance} -- ${word}`;
  if (word.startsWith('-'))
    return `Write the options of guard before the instance: guard ${word} ${instance} -- <command>`;
  return 'Check its spelling; a path must be the path inside the instance.';
}
