import type { RunRecord } from '../journal/runs.ts';
import { createPrefixedLines } from '../report/prefixed-lines.ts';
import { createView } from '../report/view.ts';
import { showCursor } from '../report/write.ts';
import { newRunId } from '../journal/run-id.ts';
import { exitStatusOf } from '../run/outcome.ts';
import { neutralise } from '../text.ts';
import type { Context } from './context.ts';
import { reportsOfOne } from './reports.ts';
import { untilSignal } from './until-signal.ts';

/** The instances whose recoveries have not ended yet. */
export type Unfinished = Set<string>;

type RecoverOne = (context: Context, name: string, record: RunRecord) => Promise<number>;

/**
 * Finishes the runs of a host: those of one instance one after the other, and no instance waits for another one. Returns the
 * worst exit status.
 */
export async function recoverSeparately(
  context: Context,
  records: readonly RunRecord[],
  unfinished: Unfinished,
  recoverOne: RecoverOne,
): Promise<number> {
  const labels = [...new Set(records.map(labelOf))];
  for (const label of labels) unfinished.add(label);
  const statuses = await Promise.all(
    labels.map(async (label) => {
      const own = labels.length === 1 ? { context, flush: () => {} } : contextOf(context, label);
      let worst = 0;
      // One that cannot be recovered does not stop the rest.
      for (const record of records.filter((one) => labelOf(one) === label))
        worst = Math.max(worst, await recoverOne(own.context, nameOf(record), record));
      own.flush();
      unfinished.delete(label);
      return worst;
    }),
  );
  return Math.max(0, ...statuses);
}

function labelOf(record: RunRecord): string {
  const project = record.started?.project ?? 'default';
  return project === 'default' ? nameOf(record) : `${nameOf(record)} (project ${project})`;
}

/** `remote:instance`, as it is typed. */
function nameOf({ started }: RunRecord): string {
  const { instance = '', remote = null } = started ?? {};
  return remote === null ? instance : `${remote}:${instance}`;
}

/** Several recoveries write on one terminal: whole lines, each behind the name of its instance. */
function contextOf(context: Context, label: string): { readonly context: Context; readonly flush: () => void } {
  const { stream, flush } = createPrefixedLines(context.stderr, `${neutralise(label)}: `);
  const { reports } = context;
  return {
    context: { ...context, stderr: stream, ...(reports === undefined ? {} : { reports: reportsOfOne(reports) }) },
    flush,
  };
}

/**
 * Ends at the first signal, whatever the work waits for: a recovery can be interrupted at any point, and the next one goes on
 * from there. Returns the exit status.
 */
export async function untilInterrupted(
  context: Context,
  options: { readonly json?: boolean },
  unfinished: Unfinished,
  work: () => Promise<number>,
): Promise<number> {
  const status = await untilSignal(context, work());
  return status ?? reportInterruption(context, options.json ?? false, [...unfinished]);
}

async function reportInterruption(context: Context, json: boolean, labels: readonly string[]): Promise<number> {
  showCursor(context.stderr);
  const at = context.clock.now();
  const left = labels.map((label) => neutralise(label)).join(', ');
  const message = `The recovery was interrupted. Not finished: ${left}. These instances may be stopped until \`guard recover\` finishes them.`;
  const { listener } = createView({ ...context, json, quiet: false });
  await listener({ v: 1, run: newRunId(at), at, type: 'notice', level: 'warning', message });
  return exitStatusOf({ outcome: 'interrupted', signal: context.interrupter.by() ?? 'SIGTERM' });
}
