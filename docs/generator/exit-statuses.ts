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
      'How a run ended, for scripts. They are part of the promise: a later version does not give them another meaning.',
      table(
        ['exit', 'outcome', 'meaning'],
        outcomeTable.map(({ exit, name, meaning }) => [String(exit), name, meaning]),
      ),
      "The command's own status is in the report and in `guard show`; with `--passthrough` guard exits with it where the outcome is 10. 70 means a bug in guard: please report it.",
      '## Commands with statuses of their own',
      ...commands.slice(1).flatMap(({ name, after }) => {
        const statuses = /^Exit status:\n(?: .*\n?)+/m.exec(after)?.[0];
        return statuses === undefined ? [] : [code(name), block(statuses.replace(/^Exit status:\n/, ''))];
      }),
    ),
  };
}
