import { Option, type Command } from 'commander';
import { timeLimits } from '../config/limits.ts';
import { findRunId } from '../journal/run-id.ts';
import { listRunIds, readRun } from '../journal/runs.ts';
import { listWaiting } from '../journal/waiting-runs.ts';
import { findWaiting } from '../run/confirmation/waiting.ts';
import { refused } from '../run/refusal.ts';
import { ok } from '../result.ts';
import type { Call } from './call.ts';
import { keepDeadlines } from './confirmation-keeper.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { addCommonOptions, type RunOptions } from './run-options.ts';
import { withExisting } from './session.ts';
import { settleAndFinish } from './settle-waiting.ts';
import { UsageMistake } from './usage.ts';
import { duration } from './values.ts';

interface ConfirmOptions extends RunOptions {
  readonly extend?: number;
  readonly keepDeadline?: string;
}

const help = `
Exit status:
    0  the change is kept, or its deadline was moved
   14  the change was rolled back: somebody rolled it back at the same moment
   30  no change waits for a confirmation, or its deadline has passed
   64  the command line is wrong
   78  guard.yaml is wrong`;

/** `guard confirm`: keep a change that waits for a confirmation. */
export function defineConfirm(program: Command, call: Call): void {
  const command = program
    .command('confirm')
    .description('keep a change that waits for a confirmation (--confirm)')
    .argument('[run-or-instance]', "id of the waiting run, its beginning, or 'last'; or the instance")
    .addOption(
      new Option('--extend <time>', 'do not confirm yet: set the deadline to this time from now').argParser(
        duration(timeLimits.extend),
      ),
    )
    .addOption(new Option('--keep-deadline <run>', 'wait for the deadline of this run and act on it').hideHelp())
    .addHelpText('after', help);
  addCommonOptions(command).action(async (wanted: string | undefined, options: ConfirmOptions) => {
    if (options.keepDeadline !== undefined) {
      await keepDeadlines(call.context, { only: options.keepDeadline, signal: call.context.interrupter.signal });
      call.exit(0);
      return;
    }
    if (wanted === undefined)
      throw new UsageMistake('guard confirm needs a run or an instance.', 'See `guard runs` for the runs that wait.');
    call.exit(await confirm(call.context, wanted, options));
  });
}

async function confirm(context: Context, wanted: string, options: ConfirmOptions): Promise<number> {
  const target = await targetOf(context, wanted, options);
  const ended = target.run === null ? await endedRun(context, wanted) : null;
  if (ended !== null)
    return reportOutcome(context, options.json ?? false, refused(ended, 'See `guard runs` for how the runs ended.'));
  return withExisting(
    context,
    { instance: target.instance, options: target.options, withTerminal: false },
    async (session) => {
      const json = options.json ?? false;
      const waiting = await findWaiting(session.reached.platform, session.reached.instance);
      if (!waiting.ok) return reportOutcome(context, json, waiting.error);
      if (waiting.value === null || (target.run !== null && waiting.value.run !== target.run))
        return reportOutcome(
          context,
          json,
          refused(
            target.run === null
              ? `No change of "${session.reached.instance}" waits for a confirmation.`
              : `Run ${target.run} does not wait for a confirmation.`,
            'See `guard runs` for how the runs ended.',
          ),
        );
      const action =
        options.extend === undefined
          ? ({ kind: 'confirm' } as const)
          : ({ kind: 'extend', ms: options.extend } as const);
      return settleAndFinish(context, session, waiting.value, action, target.options);
    },
  );
}

/** Where a run is meant that does not wait: that, in a sentence. Null where an instance may be meant. */
async function endedRun(context: Context, wanted: string): Promise<string | null> {
  if (wanted === 'last') return 'No change that this host made waits for a confirmation.';
  const runs = await listRunIds(stateDirectoryOf(context));
  return runs.includes(wanted) ? `Run ${wanted} does not wait for a confirmation.` : null;
}

/** A run of this host, by its id; else an instance. */
async function targetOf(
  context: Context,
  wanted: string,
  options: ConfirmOptions,
): Promise<{ readonly instance: string; readonly run: string | null; readonly options: ConfirmOptions }> {
  const state = stateDirectoryOf(context);
  const waiting = listWaiting(state);
  const newest = wanted === 'last' ? waiting.at(-1) : undefined;
  const found = newest === undefined ? findRunId(waiting, wanted) : ok(newest);
  const record = found.ok ? await readRun(state, found.value) : null;
  if (record?.started == null) return { instance: wanted, run: null, options };
  const { instance, project, remote } = record.started;
  return {
    instance: remote === null ? instance : `${remote}:${instance}`,
    run: record.run,
    options: { ...options, project },
  };
}
