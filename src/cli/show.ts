import type { Command } from 'commander';
import { readRun } from '../journal/runs.ts';
import { showRun } from '../report/show.ts';
import { writeLines } from '../report/write.ts';
import { stateDirectoryOf } from './context.ts';
import type { Call } from './call.ts';
import { runNamed } from './run-named.ts';
import { UsageMistake } from './usage.ts';

/** `guard show`: one run. */
export function defineShow(program: Command, call: Call): void {
  program
    .command('show')
    .description('show one run: timeline, checks, what changed, evidence')
    .argument('<run>', "its id, the beginning of it, its last four characters, or 'last'")
    .option('--json', "write the run's events on stdout, one a line")
    .addHelpText('after', '\nExit status:\n    0  shown\n   64  there is no such run, or more than one begins so')
    .action(async (wanted: string, options: { readonly json?: boolean }) => {
      const state = stateDirectoryOf(call.context);
      const record = await readRun(state, await runNamed(state, wanted));
      if (record === null) throw new UsageMistake(`The record of run "${wanted}" cannot be read.`, 'See `guard runs`.');
      const lines = options.json ? record.events.map((event) => JSON.stringify(event)) : [showRun(record)];
      await writeLines(call.context.stdout, lines);
    });
}
