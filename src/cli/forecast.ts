import { Writable } from 'node:stream';
import { Option, type Command } from 'commander';
import { numberLimits } from '../config/limits.ts';
import type { Outcome, RecordedEvent } from '../event.ts';
import { newRunId } from '../journal/run-id.ts';
import { unfinishedRuns } from '../journal/run-index.ts';
import { forecastSummary, forecastTable, type Forecast } from '../report/forecast-table.ts';
import { writeLines } from '../report/write.ts';
import { explainMissing } from '../run/missing-instance.ts';
import { exitStatusOf, outcomeName } from '../run/outcome.ts';
import { refused, refusedBecause } from '../run/refusal.ts';
import type { CommandIo } from '../run/tools.ts';
import { neutralise } from '../text.ts';
import { buildPlan } from './build-plan.ts';
import type { Call } from './call.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { refuseUnwritableRecords } from './records.ts';
import { recoverInstance } from './recover.ts';
import { workOn } from './recover-rehearsal.ts';
import { recoverSeparately } from './recoveries.ts';
import { pendingUpgrade, withoutManager } from './rehearse.ts';
import { runRehearsal } from './rehearsal.ts';
import { reportOutcome } from './report-outcome.ts';
import { about, withReports } from './reports.ts';
import { resolveSettings } from './resolve-settings.ts';
import { addCommonOptions, addReportOption, type RunOptions } from './run-options.ts';
import { countWithin } from './values.ts';

interface ForecastOptions extends RunOptions {
  readonly parallel?: number;
}

const help = `
Exit status:
    0  every copy survived its pending upgrades
   33  at least one copy did not survive
   34  at least one rehearsal could not be carried out or judged
The instances themselves are not changed.`;

const defaultParallel = 2;

/** `guard forecast`: which pending upgrade would break what, found on copies. */
export function defineForecast(program: Command, call: Call): void {
  const command = program
    .command('forecast')
    .description('rehearse the pending upgrades on copies of the instances, and show which of them fail')
    .argument('[instance...]', 'name or remote:name (default: every running container of the project)')
    .addOption(
      new Option(
        '--parallel <count>',
        `rehearse this many instances at the same time (default: ${defaultParallel})`,
      ).argParser(countWithin(numberLimits.parallel)),
    )
    .option(
      '--rehearse-copy',
      'rehearse even if the storage driver has to copy every file and the instance is frozen meanwhile; also written --rehearse=copy',
    )
    .addHelpText('after', help);
  addReportOption(addCommonOptions(command)).action(async (instances: readonly string[], options: ForecastOptions) => {
    call.exit(await forecast(call.context, instances, options));
  });
}

/** Copies that a killed rehearsal has left: their instances could not be rehearsed. Runs are left to `guard recover`. */
async function removeLeftCopies(context: Context, { config }: ForecastOptions): Promise<void> {
  const runs = await unfinishedRuns(stateDirectoryOf(context));
  const own = { quiet: true, ...(config === undefined ? {} : { config }) };
  const left = runs.filter((record) => record.started?.rehearsal !== undefined && workOn(record) === 'over');
  await recoverSeparately(context, left, new Set(), (bare, name, record) =>
    recoverInstance(bare, name, { ...own, project: record.started?.project ?? 'default' }, record),
  );
}

async function forecast(context: Context, named: readonly string[], options: ForecastOptions): Promise<number> {
  const json = options.json ?? false;
  const unwritable = await refuseUnwritableRecords(context, json);
  if (unwritable !== null) return unwritable;
  await removeLeftCopies(context, options);
  const instances = named.length > 0 ? named : await runningContainers(context, options);
  if (!Array.isArray(instances)) return reportOutcome(context, json, instances as Outcome);
  const targets = instances.map((instance) => ({ instance, command: [], rehearsal: true }) as const);
  return withReports(context, options, targets, async (reporting) => {
    const tellOne = createTeller(reporting, options);
    const forecasts = await inParallel(instances, options.parallel ?? defaultParallel, context, async (instance) => {
      const one = await forecastOne(context, instance, options);
      await tellOne(one);
      return one;
    });
    await writeLines(
      context.stdout,
      json ? forecasts.map((one) => JSON.stringify(forecastSummary(one))) : [forecastTable(forecasts, context.stdout)],
    );
    return statusOf(context, forecasts);
  });
}

/** An outcome where they cannot be listed, or there are none. */
async function runningContainers(context: Context, options: ForecastOptions): Promise<readonly string[] | Outcome> {
  // The project is what counts: no instance of this name is looked for.
  const reached = await context.reach('forecast', options.project ?? null);
  if (!reached.ok) return { outcome: 'refused', refusal: reached.error };
  try {
    const listed = await reached.value.platform.listInstances();
    if (!listed.ok) return refusedBecause(listed.error);
    const names = listed.value
      .filter(({ status, type, ephemeral }) => status === 'Running' && type === 'container' && !ephemeral)
      .map(({ name }) => (reached.value.remote === null ? name : `${reached.value.remote}:${name}`));
    return names.length > 0
      ? names
      : refused(
          `No container of the project "${reached.value.project}" is running.`,
          'Choose another project with --project.',
        );
  } finally {
    await reached.value.close();
  }
}

/** An interruption ends the rehearsals under way, and begins no other. */
async function inParallel(
  instances: readonly string[],
  parallel: number,
  { interrupter }: Context,
  work: (instance: string) => Promise<Forecast>,
): Promise<readonly Forecast[]> {
  const waiting = [...instances];
  const done: Forecast[] = [];
  async function worker(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined && interrupter.by() === null; next = waiting.shift())
      done.push(await work(next));
  }
  await Promise.all(Array.from({ length: parallel }, worker));
  return done;
}

/** Rehearses without a word; what happens is in the events. */
async function forecastOne(context: Context, instance: string, options: ForecastOptions): Promise<Forecast> {
  const events: RecordedEvent[] = [];
  const silent = silence();
  const { reports: _written, ...withoutReports } = context;
  const own = { ...withoutReports, stdout: silent, stderr: silent };
  const failed = (outcome: Outcome): Forecast => ({ instance, outcome, events });
  const reached = await context.reach(instance, options.project ?? null);
  if (!reached.ok) return failed({ outcome: 'refused', refusal: reached.error });
  try {
    const { instance: name, remote } = reached.value;
    const settings = await resolveSettings(own, { name, remote }, options, false);
    if (!settings.ok) return failed(settings.error);
    const session = { reached: reached.value, settings: settings.value };
    const seen = await reached.value.platform.getInstance(name);
    if (!seen.ok) return failed(await explainMissing(reached.value.platform, reached.value, seen.error));
    const words = await pendingUpgrade(session);
    if (words === null) return failed(await withoutManager(reached.value, instance));
    const run = newRunId(context.clock.now());
    const { version } = context;
    const plan = buildPlan({ run, version, reached: reached.value, words, settings: settings.value, name: null });
    const io: CommandIo = { terminal: null, stdin: null, stdout: silent, stderr: silent, begin: () => () => {} };
    const onEvent = (event: RecordedEvent): void => void events.push(event);
    const end = await runRehearsal(own, { plan, io, session, options, instance, before: null, onEvent });
    return { instance, outcome: end.outcome, events };
  } finally {
    await reached.value.close();
  }
}

function silence(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

/** Tells one forecast after another, because the reports are about one target at a time. */
function createTeller(context: Context, options: ForecastOptions): (one: Forecast) => Promise<void> {
  let turn: Promise<void> = Promise.resolve();
  return (one) => {
    turn = turn.then(() => tell(context, one, options));
    return turn;
  };
}

async function tell(
  context: Context,
  { instance, outcome, events }: Forecast,
  options: ForecastOptions,
): Promise<void> {
  const command = events.flatMap((event) => (event.type === 'run-started' ? event.command : []));
  await about(context, { instance, command, rehearsal: true });
  for (const event of events) await context.reports?.listener(event);
  if (events.length === 0) {
    const at = context.clock.now();
    await context.reports?.listener({ v: 1, run: newRunId(at), at, type: 'run-ended', outcome, ms: 0 });
  }
  if (options.json === true || options.quiet === true) return;
  await writeLines(context.stderr, [`guard: ${neutralise(instance)}: ${outcomeName(outcome)}`]);
}

function statusOf({ interrupter }: Context, forecasts: readonly Forecast[]): number {
  const by = interrupter.by();
  if (by !== null) return exitStatusOf({ outcome: 'interrupted', signal: by });
  const statuses = forecasts.map(({ outcome }) => exitStatusOf(outcome));
  if (statuses.includes(33)) return 33;
  return statuses.every((status) => status === 0) ? 0 : 34;
}
