import type { RunSummary } from '../journal/run-index.ts';
import { exitStatusOf, outcomeName } from '../run/outcome.ts';
import { neutralise, shellWords } from '../text.ts';

const columns = ['run', 'instance', 'outcome', 'exit', 'command'] as const;

/** The table of `guard runs`; `width` cuts the last column. */
export const runsTable = (runs: readonly RunSummary[], width: number): string => {
  const rows = [columns.map((name) => name.toUpperCase()), ...runs.map(cells)];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows.map((row) => cut(row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  '), width)).join('\n');
};

/** One run as `guard runs --json` writes it. */
export const runSummary = ({ run, started, ended, restorePoint, released }: RunSummary) => ({
  run,
  instance: started?.instance ?? null,
  project: started?.project ?? null,
  remote: started?.remote ?? null,
  command: started?.command ?? null,
  startedAt: started?.at ?? null,
  /** Null while it runs, or where it was interrupted without an end. */
  outcome: ended?.outcome.outcome ?? null,
  exitStatus: ended ? exitStatusOf(ended.outcome) : null,
  ms: ended?.ms ?? null,
  restorePoint: released ? released.restorePoint : (restorePoint?.name ?? null),
});

const cells = ({ run, started, ended }: RunSummary): string[] => [
  run,
  started === null ? '' : `${started.remote === null ? '' : `${started.remote}:`}${started.instance}`,
  ended ? outcomeName(ended.outcome) : 'not ended',
  ended ? String(exitStatusOf(ended.outcome)) : '',
  neutralise(shellWords(started?.command ?? [])),
];

const cut = (line: string, width: number): string => {
  const trimmed = line.trimEnd();
  return trimmed.length > width ? `${trimmed.slice(0, Math.max(1, width - 1))}…` : trimmed;
};
