import { styleText } from 'node:util';
import { formatDuration } from '../duration.ts';
import type { RunSummary } from '../journal/run-summary.ts';
import { neutralise, shellWords } from '../text.ts';
import type { ClockReading } from '../deadline.ts';
import { stateOf, timeLeftOf, waitingUntil } from './run-state.ts';
import { tableLines, type Column, type TableScreen } from './table.ts';
import { formatTime } from '../time.ts';

/** Without a reading of the clocks no time left is shown. */
function columnsOf(
  reading: ClockReading | null,
): readonly [Column<RunSummary>, Column<RunSummary>, ...Column<RunSummary>[]] {
  return [
    { title: 'RUN', cell: ({ run }) => run, dispensable: 0 },
    { title: 'WHEN', cell: ({ started }) => (started ? formatTime(started.at, 'minute') : ''), dispensable: 3 },
    { title: 'INSTANCE', cell: ({ started }) => (started ? neutralise(addressOf(started)) : ''), dispensable: 0 },
    { title: 'OUTCOME', cell: (run) => describeState(run, reading), dispensable: 0 },
    { title: 'EXIT', cell: (run) => String(stateOf(run).exitStatus ?? ''), dispensable: 1 },
    { title: 'TOOK', cell: ({ ended }) => (ended ? formatDuration(ended.ms) : ''), dispensable: 2 },
    { title: 'COMMAND', cell: ({ started }) => neutralise(shellWords(started?.command ?? [])), dispensable: 0 },
  ];
}

/** `kept`; `waiting, 4m left` while a change waits. */
function describeState(run: RunSummary, reading: ClockReading | null): string {
  const { name } = stateOf(run);
  const left = reading === null ? '' : timeLeftOf(run, reading);
  return left === '' ? name : `${name}, ${left}`;
}

/** The table of `guard runs`. Where the runs are of several servers or projects, it says which. */
export function runsTable(
  runs: readonly RunSummary[],
  screen: TableScreen = {},
  reading: ClockReading | null = null,
): string {
  const [heading = '', ...lines] = tableLines(runs, columnsFor(runs, reading), screen);
  if (screen.hasColors?.(16) !== true) return [heading, ...lines].join('\n');
  const coloured = lines.map((line, index) => {
    const run = runs[index];
    if (run === undefined) return line;
    const { name, colour } = stateOf(run);
    // Later versions of Node would look at stdout, whatever stream this is for.
    return line.replace(` ${name}`, ` ${styleText(colour, name, { validateStream: false })}`);
  });
  return [heading, ...coloured].join('\n');
}

function columnsFor(runs: readonly RunSummary[], reading: ClockReading | null): readonly Column<RunSummary>[] {
  const servers = serverNames(runs);
  const projects = new Set(runs.map(({ started }) => started?.project ?? 'default'));
  const [run, when, ...rest] = columnsOf(reading);
  const server: Column<RunSummary> = {
    title: 'SERVER',
    cell: ({ started }) => (started?.server == null ? '' : (servers.get(started.server) ?? '')),
    dispensable: 5,
  };
  const project: Column<RunSummary> = {
    title: 'PROJECT',
    cell: ({ started }) => neutralise(started?.project ?? ''),
    dispensable: 4,
  };
  return [run, when, ...(servers.size > 1 ? [server] : []), ...(projects.size > 1 ? [project] : []), ...rest];
}

/** A server has the name of the remote that reached it; servers of the same name are told apart by their certificates. */
function serverNames(runs: readonly RunSummary[]): ReadonlyMap<string, string> {
  const remotes = new Map<string, string>();
  for (const { started } of runs)
    if (started?.server != null && !remotes.has(started.server))
      remotes.set(started.server, neutralise(started.remote ?? 'local'));
  const names = [...remotes.values()];
  return new Map(
    [...remotes].map(([server, name]) => [
      server,
      names.filter((other) => other === name).length > 1 ? `${name} ${neutralise(server).slice(0, 12)}` : name,
    ]),
  );
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

function pick({ instance, project, remote, server, command, at }: NonNullable<RunSummary['started']>) {
  return {
    instance,
    project,
    remote,
    server: server ?? null,
    command,
    startedAt: at,
  };
}

const nothingStarted = {
  instance: null,
  project: null,
  remote: null,
  server: null,
  command: null,
  startedAt: null,
};

function addressOf({ remote, instance }: NonNullable<RunSummary['started']>): string {
  return remote === null ? instance : `${remote}:${instance}`;
}
