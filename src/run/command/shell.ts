import { basename } from 'node:path/posix';
import type { Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';
import { runCommand } from './command.ts';
import type { BootMark } from './instance-stop.ts';

const shells = ['sh', 'ash', 'bash', 'dash', 'fish', 'ksh', 'mksh', 'zsh'];

/** Whether the command is a shell in which the person works, rather than one that runs a script and ends. */
export function isShellSession({ command }: Pick<Plan, 'command'>, { io, person }: RunTools): boolean {
  const [program, ...options] = command.words;
  if (io.terminal === null || person === null) return false;
  if (basename(program) === 'su') return !options.some((option) => /^(-c|--command)/.test(option));
  return shells.includes(basename(program)) && options.every((option) => /^(-[il]+|--login|-)$/.test(option));
}

const anyShell = ['sh', '-c', 'command -v bash >/dev/null 2>&1 && exec bash; exec sh'] as const;

/** Gives the person a shell inside, to look around. What they do there is theirs, and has no limit of time. */
export async function openShell(plan: Plan, tools: RunTools, boot: BootMark | null): Promise<void> {
  await tools.recorder.record({
    type: 'notice',
    level: 'info',
    message: `A shell in ${plan.instance}. guard asks again when you leave it with "exit".`,
  });
  await runCommand(
    {
      ...plan,
      command: { ...plan.command, words: anyShell },
      limits: { ...plan.limits, commandMs: null, idleMs: null },
    },
    tools,
    boot,
  );
}
