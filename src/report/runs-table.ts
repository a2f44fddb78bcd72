import { styleText } from 'node:util';
import { formatDuration } from '../duration.ts';
import type { RunSummary } from '../journal/run-index.ts';
import { neutralise, shellWords } from '../text.ts';
import type { ClockReading } from '../deadline.ts';
import { stateOf, timeLeftOf, waitingUntil } from './run-state.ts';
import { formatTime } from './time.ts';

/** The stream that the table is for. */
export interface TableScreen {
  /** A terminal's width; what is longer is cut. A pipe has none, and nothing is cut. */
  readonly columns?: number;
  /** A terminal's own: obeys NO_COLOR, FORCE_COLOR and TERM. */
  readonly hasColors?: (count: number) => boolean;
}

interface Column {
  readonly title: string;
  readonly cell: (run: RunSummary, reading: ClockReading | null) => string;
  /** On a narrow terminal the columns with the highest numbers go first; 0 stays. */
  readonly dispensable: number;
}

const columns: readonly Column[] = [
  { title: 'RUN', cell: ({ run }) => run, dispensable: 0 },
  { title: 'WHEN', cell: ({ started }) => (started ? formatTime(started.at, 'minute') : ''), dispensable: 3 },
  { title: 'INSTANCE', cell: ({ started }) => (started ? neutralise(addressOf(started)) : ''), dispensable: 0 },
  { title: 'OUTCOME', cell: describeState, dispensable: 0 },
  { title: 'EXIT', cell: (run) => String(stateOf(run).exitStatus ?? ''), dispensable: 1 },
  { title: 'TOOK', cell: ({ ended }) => (ended ? formatDuration(ended.ms) : ''), dispensable: 2 },
  { title: 'COMMAND', cell: ({ started }) => neutralise(shellWords(started?.command ?? [])), dispensable: 0 },
];

/** `kept`; `waiting, 4m left` while a change waits. */
function describeState(run: RunSummary, reading: ClockReading | null): string {
  const { name } = stateOf(run);
  const left = reading === null ? '' : timeLeftOf(run, reading);
  return left === '' ? name : `${name}, ${left}`;
}

/** What the last column must have at least before another one goes. */
const leastLast = 16;

/** The table of `guard runs`. Without a reading of the clocks no time left is shown. */
export function runsTable(
  runs: readonly RunSummary[],
  screen: TableScreen = {},
  reading: ClockReading | null = null,
): string {
  const shown = fitting(runs, columns, screen.columns ?? Infinity, reading);
  const hasColours = screen.hasColors?.(16) === true;
  const line = (cells: readonly string[]): string =>
    cut(cells.map((cell, index) => cell.padEnd(shown.widths[index] ?? 0)).join('  '), screen.columns ?? Infinity);
  const heading = line(shown.columns.map(({ title }) => title));
  const lines = runs.map((run) => {
    const text = line(shown.columns.map(({ cell }) => cell(run, reading)));
    const { name, colour } = stateOf(run);
    // Later versions of Node would look at stdout, whatever stream this is for.
    return hasColours ? text.replace(` ${name}`, ` ${styleText(colour, name, { validateStream: false })}`) : text;
  });
  return [heading, ...lines].join('\n');
}

/** One run as `guard runs --json` writes it. Times are milliseconds since 1970; what did not happen is null. */
export function runSummary(run: RunSummary) {
  const { started, ended, commandEnded, restorePoint, released } = run;
  return {
    run: run.run,
    ...(started === null ? nothingStarted : pick(started)),
    endedAt: ended?.at ?? null,
    ms: ended && Math.round(ended.ms),
    outcome: ended?.outcome.outcome ?? null,
    exitStatus: stateOf(run).exitStatus,
    waitingUntil: waitingUntil(run)?.at ?? null,
    commandEnd: commandEnded?.end ?? null,
    restorePoint: released ? released.restorePoint : (restorePoint?.name ?? null),
  };
}

function pick({ instance, project, remote, command, at }: NonNullable<RunSummary['started']>) {
  return {
    instance,
    project,
    remote,
    command,
    startedAt: at,
  };
}

const nothingStarted = { instance: null, project: null, remote: null, command: null, startedAt: null };

function addressOf({ remote, instance }: NonNullable<RunSummary['started']>): string {
  return remote === null ? instance : `${remote}:${instance}`;
}

interface TableLayout {
  readonly columns: readonly Column[];
  readonly widths: readonly number[];
}

function fitting(
  runs: readonly RunSummary[],
  wanted: readonly Column[],
  width: number,
  reading: ClockReading | null,
): TableLayout {
  const widths = wanted.map(({ title, cell }) =>
    Math.max(title.length, ...runs.map((run) => cell(run, reading).length)),
  );
  const others = widths.slice(0, -1).reduce((sum, columnWidth) => sum + columnWidth + 2, 0);
  const least = Math.max(...wanted.map(({ dispensable }) => dispensable));
  if (others + leastLast <= width || least === 0) return { columns: wanted, widths };
  return fitting(
    runs,
    wanted.filter(({ dispensable }) => dispensable !== least),
    width,
    reading,
  );
}

function cut(line: string, width: number): string {
  const trimmed = line.trimEnd();
  return trimmed.length > width ? `${trimmed.slice(0, Math.max(1, width - 1))}…` : trimmed;
}
