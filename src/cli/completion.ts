import { Argument, type Command } from 'commander';
import { resolveAddress } from '../platform/incus/remote/address.ts';
import { openIncusPlatform } from '../platform/incus/incus.ts';
import { writeLines } from '../report/write.ts';
import type { Call } from './call.ts';
import { completionScripts } from './completion-scripts.ts';
import { completionsOf, wantsFiles } from './completion-words.ts';
import { listRunIds } from '../journal/runs.ts';
import { stateDirectoryOf, type Context } from './context.ts';

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
    const typed = words ?? [];
    const found = completionsOf(program, typed, await instanceNames(context), await runIds(context));
    // The shells' scripts offer names of files unless they are told ":".
    const lines = [
      ...(wantsFiles(program, typed) ? [] : [':']),
      ...found.map(({ word, message }) => `${word}\t${message}`),
    ];
    if (lines.length > 0) await writeLines(context.stdout, lines);
    exit(0);
  });
}

/** The newest: older ones are found by `guard runs`. */
async function runIds(context: Context): Promise<readonly string[]> {
  return (await listRunIds(stateDirectoryOf(context))).slice(0, 20);
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
