import { Option, type Command } from 'commander';
import { readClocks } from '../journal/boot-clock.ts';
import { isPredecessor, type InstanceIdentity } from '../journal/instance-identity.ts';
import { listRuns, listRunsNamed, listRunsOf } from '../journal/run-index.ts';
import { newestFirst, type RunSummary } from '../journal/run-summary.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { nearest, neutralise } from '../text.ts';
import { runsTable, runSummary } from '../report/runs-table.ts';
import { writeLines } from '../report/write.ts';
import type { Call } from './call.ts';
import { writePage, type PageOptions } from './page.ts';
import { identityOfReached } from './identity.ts';
import { recordedTargets } from './recorded-targets.ts';
import { countWithin } from './values.ts';

interface RunsOptions extends PageOptions {
  readonly json?: boolean;
  readonly limit: number;
}

/** `guard runs`: past runs, newest first. */
export function defineRuns(program: Command, call: Call): void {
  program
    .command('runs')
    .description('list past runs, newest first')
    .argument('[instance]', 'list only the runs of this instance')
    .addOption(
      new Option('--limit <count>', 'list at most this many runs')
        .argParser(countWithin({ least: 1, most: 1_000_000 }))
        .default(50),
    )
    .option('--json', 'write each run to stdout as one line of JSON')
    .addOption(new Option('--html <file>', 'write the list as a page to this file').conflicts('json'))
    .option('--open', 'open the page of --html in the browser')
    .addHelpText(
      'after',
      '\nExit status:\n    0  the runs were listed, also if there are none\n   64  the command line is wrong',
    )
    .action(async (instance: string | undefined, options: RunsOptions) => {
      const { context } = call;
      const name = instance?.slice(instance.indexOf(':') + 1) ?? null;
      const { runs, ofOthers } = await wantedRuns(context, instance ?? null, name, options.limit);
      if (options.html !== undefined) {
        const { historyPage } = await import('../report/page/history-page.ts');
        await writePage(call, historyPage({ instance: name, runs, version: context.version }), options);
        return;
      }
      const lines = options.json
        ? runs.map((run) => JSON.stringify(runSummary(run)))
        : [runsTable(runs, context.stdout, readClocks(context.clock.now))];
      await writeLines(context.stdout, lines);
      // The table is for programs as well: its heading stays, and the reason goes to stderr.
      if (runs.length === 0 && ofOthers === 0) await writeLines(context.stderr, [await nothingRecorded(context, name)]);
      if (ofOthers > 0) await writeLines(context.stderr, [describeOthers(name ?? '', ofOthers)]);
    });
}

/** How long the server may take to tell which instance has the name now, in milliseconds. */
const patienceMs = 3000;

/**
 * The runs of the instance that has the name now, also under earlier names of it; `ofOthers` counts those of deleted instances of that
 * name. Where the server does not answer, or has no such instance, the name alone decides.
 */
async function wantedRuns(
  context: Context,
  address: string | null,
  name: string | null,
  limit: number,
): Promise<{ readonly runs: readonly RunSummary[]; readonly ofOthers: number }> {
  const state = stateDirectoryOf(context);
  if (address === null || name === null) return { runs: await listRuns(state, limit), ofOthers: 0 };
  const named = await listRunsNamed(state, { instance: name }, limit);
  const identity = await identityNow(context, address);
  if (identity?.uuid == null) return { runs: named, ofOthers: 0 };
  const isOther = ({ started, restorePoint }: RunSummary): boolean =>
    started !== null && isPredecessor(started, identity, restorePoint?.createdAt ?? null);
  const others = named.filter(isOther);
  const own = await listRunsOf(state, identity, limit);
  const elsewhere = named.filter((run) => !isOther(run) && !own.some((one) => one.run === run.run));
  return { runs: [...own, ...elsewhere].toSorted(newestFirst).slice(0, limit), ofOthers: others.length };
}

async function identityNow(context: Context, address: string): Promise<InstanceIdentity | null> {
  const over = new AbortController();
  const asked = context.reach(address, null).then(async (reached) => {
    if (!reached.ok) return null;
    const identity = await identityOfReached(reached.value);
    await reached.value.close();
    return identity;
  });
  const identity = await Promise.race([asked, context.clock.sleep(patienceMs, over.signal)]);
  over.abort();
  return identity ?? null;
}

function describeOthers(instance: string, count: number): string {
  const runs = count === 1 ? '1 run' : `${count} runs`;
  return `guard: ${runs} of an earlier instance "${neutralise(instance)}", which was deleted, ${count === 1 ? 'is' : 'are'} not listed. \`guard runs\` lists the runs of all instances.`;
}

async function nothingRecorded(context: Context, instance: string | null): Promise<string> {
  const whose = instance === null ? '' : ` of "${neutralise(instance)}"`;
  return `guard: there is no run${whose} in the records of this host (${stateDirectoryOf(context)}).${await meant(context, instance)}`;
}

/** A recorded instance with nearly that name. */
async function meant(context: Context, instance: string | null): Promise<string> {
  if (instance === null) return '';
  const recorded = (await recordedTargets(stateDirectoryOf(context))).map((target) => target.instance);
  const near = nearest(instance, recorded);
  if (near !== null) return ` Did you mean: guard runs ${neutralise(near)}?`;
  return recorded.length === 0 ? '' : ' See `guard runs` for those of all instances.';
}
