import type { Command } from 'commander';
import { findRunId } from '../journal/run-id.ts';
import { listRunIds, readRun } from '../journal/runs.ts';
import { reportOfRecord } from '../report/run-report.ts';
import { showRun } from '../report/show.ts';
import { writeLines } from '../report/write.ts';
import { stateDirectoryOf } from './context.ts';
import type { Call } from './call.ts';
import { writePage, type PageOptions } from './page.ts';
import { UsageMistake } from './usage.ts';

interface ShowOptions extends PageOptions {
  readonly json?: boolean;
}

/** `guard show`: one run. */
export function defineShow(program: Command, call: Call): void {
  program
    .command('show')
    .description('show one run: timeline, checks, what changed, evidence')
    .argument('<run>', "its id, the beginning of it, its last four characters, or 'last'")
    .option('--json', "write the run's events on stdout, one a line")
    .option('--html <file>', 'write the run as a page to this file')
    .option('--open', 'open the page of --html in the browser')
    .addHelpText('after', '\nExit status:\n    0  shown\n   64  there is no such run, or more than one begins so')
    .action(async (wanted: string, options: ShowOptions) => {
      const state = stateDirectoryOf(call.context);
      const record = await readRun(state, await runNamed(state, wanted));
      if (record === null) throw new UsageMistake(`The record of run "${wanted}" cannot be read.`, 'See `guard runs`.');
      if (options.html !== undefined) {
        const { runPage } = await import('../report/page/run-page.ts');
        const { readEvidence } = await import('../report/page/evidence-text.ts');
        const evidence = readEvidence(record.evidence?.files ?? []);
        await writePage(
          call,
          runPage({ report: reportOfRecord(record), evidence, version: call.context.version }),
          options,
        );
        return;
      }
      const lines = options.json ? record.events.map((event) => JSON.stringify(event)) : [showRun(record)];
      await writeLines(call.context.stdout, lines);
    });
}

async function runNamed(state: string, wanted: string): Promise<string> {
  const found = findRunId(await listRunIds(state), wanted);
  if (found.ok) return found.value;
  switch (found.error.kind) {
    case 'unknown':
      throw new UsageMistake(`There is no run "${wanted}".`, 'See `guard runs` for those there are.');
    case 'ambiguous':
      throw new UsageMistake(
        `More than one run is meant by "${wanted}": ${found.error.candidates.join(', ')}.`,
        'Write more of the id.',
      );
  }
}
