import type { Command } from 'commander';
import { listRunIds, readRun } from '../journal/runs.ts';
import { showRun } from '../report/show.ts';
import { writeLines } from '../report/write.ts';
import { stateDirectoryOf } from './context.ts';
import type { Call } from './program.ts';
import { UsageMistake } from './usage.ts';

/** `guard show`: one run. */
export const defineShow = (program: Command, call: Call): void => {
  program
    .command('show')
    .description('show one run: timeline, checks, what changed, evidence')
    .argument('<run>', "its id, or the beginning of it, or 'last'")
    .option('--json', "write the run's events on stdout, one a line")
    .addHelpText('after', '\nExit status:\n    0  shown\n   64  there is no such run, or more than one begins so')
    .action(async (wanted: string, options: { readonly json?: boolean }) => {
      const state = stateDirectoryOf(call.context);
      const record = await readRun(state, await runNamed(state, wanted));
      if (record === null) throw new UsageMistake(`The record of run "${wanted}" cannot be read.`, 'See `guard runs`.');
      const lines = options.json ? record.events.map((event) => JSON.stringify(event)) : [showRun(record)];
      await writeLines(call.context.stdout, lines);
    });
};

const runNamed = async (state: string, wanted: string): Promise<string> => {
  const ids = await listRunIds(state);
  const [first, second] = wanted === 'last' ? ids.slice(0, 1) : ids.filter((id) => id.startsWith(wanted));
  if (first === undefined)
    throw new UsageMistake(`There is no run "${wanted}".`, 'See `guard runs` for those there are.');
  if (second !== undefined)
    throw new UsageMistake(
      `More than one run begins with "${wanted}": ${second}, ${first}, …`,
      'Write more of the id.',
    );
  return first;
};
