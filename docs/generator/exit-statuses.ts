import { outcomeTable } from '../../src/run/outcome.ts';
import type { CommandDescription } from './command-line.ts';
import { block, code, generatedNote, joined, table, type Page } from './markdown.ts';

/** docs/reference/exit-statuses.md. */
export function exitStatusesPage(commands: readonly CommandDescription[]): Page {
  return {
    path: 'docs/reference/exit-statuses.md',
    text: joined(
      generatedNote,
      '# Exit statuses',
      'The exit status tells scripts how a run ended. Later versions of guard do not change the meaning of a status.',
      table(
        ['exit', 'outcome', 'meaning'],
        outcomeTable.map(({ exit, name, meaning }) => [String(exit), name, meaning]),
      ),
      'The report and `guard show` contain the exit status of the command itself. With `--passthrough`, guard exits with that status instead of 10. 70 is a bug in guard: please report it.',
      '## Exit statuses of other commands',
      ...commands.slice(1).flatMap(({ name, after }) => {
        const statuses = /^Exit status:\n(?: .*\n?)+/m.exec(after)?.[0];
        return statuses === undefined ? [] : [code(name), block(statuses.replace(/^Exit status:\n/, ''))];
      }),
    ),
  };
}
