import { Argument, type Command } from 'commander';
import { resolveAddress } from '../platform/incus/remote/address.ts';
import { openIncusPlatform } from '../platform/incus/incus.ts';
import { writeLines } from '../report/write.ts';
import type { Call } from './call.ts';
import { completionScripts } from './completion-scripts.ts';
import { completionsOf } from './completion-words.ts';
import type { Context } from './context.ts';

const help = `
Examples:
  guard completion bash > /etc/bash_completion.d/guard
  guard completion zsh > /usr/local/share/zsh/site-functions/_guard
  guard completion fish > ~/.config/fish/completions/guard.fish`;

/** `guard completion`, and what its scripts ask at the tab key. */
export function defineCompletion(program: Command, { context, words, exit }: Call): void {
  program
    .command('completion')
    .description("write the script with which a shell completes guard's words")
    .addArgument(new Argument('<shell>').choices(Object.keys(completionScripts)))
    .addHelpText('after', help)
    .action(async (shell: keyof typeof completionScripts) => {
      await writeLines(context.stdout, [completionScripts[shell].trim()]);
      exit(0);
    });
  program.command('complete', { hidden: true }).action(async () => {
    const found = completionsOf(program, words ?? [], await instanceNames(context));
    if (found.length > 0)
      await writeLines(
        context.stdout,
        found.map(({ word, message }) => `${word}\t${message}`),
      );
    exit(0);
  });
}

/** Those of the local daemon; none where it does not answer at once, or where the default is a remote. */
async function instanceNames({ environment, clock }: Context): Promise<readonly string[]> {
  const address = await resolveAddress({ environment, remoteAndName: 'x', projectFlag: null });
  if (!address.ok || address.value.kind !== 'local') return [];
  const { socket, project } = address.value;
  const { platform, close } = openIncusPlatform({ socket, project, clock });
  const over = new AbortController();
  const names = await Promise.race([platform.listInstanceNames(), clock.sleep(patienceMs, over.signal)]);
  over.abort();
  close();
  return names !== undefined && names.ok ? names.value : [];
}

/** A person waits, with a finger on the tab key. */
const patienceMs = 1000;
