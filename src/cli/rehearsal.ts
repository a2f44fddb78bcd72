import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Listener, RecordedEvent } from '../event.ts';
import { newRunId } from '../journal/run-id.ts';
import { createView } from '../report/view.ts';
import { writeLines } from '../report/write.ts';
import { describeDrift, driftBetween, noticesBefore, noticesOfChanges, type DriftNotice } from '../rehearsal/drift.ts';
import { openPackageProxy } from '../rehearsal/package-proxy.ts';
import { rehearse, type RehearsalEnd } from '../rehearsal/rehearse.ts';
import { exitStatusOf } from '../run/outcome.ts';
import { previewPackages } from '../run/packages/preview.ts';
import type { RunPlan } from '../run/changes/change.ts';
import type { CommandIo } from '../run/tools.ts';
import { createRunNotifier } from './run-notifier.ts';
import type { Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { about } from './reports.ts';
import type { RunOptions } from './run-options.ts';
import { runTools } from './run-tools.ts';
import type { Session } from './session.ts';

/** One rehearsal with all it needs. */
export interface OneRehearsal {
  /** As of the run on the instance. */
  readonly plan: RunPlan;
  readonly io: CommandIo;
  readonly session: Session;
  readonly options: RunOptions;
  /** The instance as the user wrote it. */
  readonly instance: string;
  /** The run that follows where this passes; null for a rehearsal alone. */
  readonly before: string | null;
  /** A run follows whose id is not known yet. */
  readonly isCompared?: boolean;
  /** Sees every event. */
  readonly onEvent?: Listener;
}

/** Rehearses, shows it, and tells those who want to know. */
export async function runRehearsal(
  context: Context,
  one: OneRehearsal,
): Promise<RehearsalEnd & { readonly run: string; readonly status: number }> {
  const { options, session, before } = one;
  const { reached, settings } = session;
  // Of a rehearsal before its run there are two records, each with an id of its own.
  const run = before === null ? one.plan.run : newRunId(context.clock.now());
  const plan = { ...one.plan, run };
  const target = { instance: one.instance, command: plan.command.words, rehearsal: true } as const;
  const here = await about(context, target);
  const view = createView({ ...here, json: options.json ?? false, quiet: options.quiet ?? false });
  const notifier = createRunNotifier(context, plan);
  const listener: Listener = (event) => {
    notifier.onEvent(event);
    void one.onEvent?.(event);
    return view.listener(event);
  };
  const own = { plan, io: one.io, reached, interruption: context.interrupter, listener, person: null };
  const tools = { ...runTools(context, own), openProxy: openPackageProxy };
  const mayCopyFiles = settings.rehearse === 'copy';
  const end = await rehearse(
    { plan, before, isCompared: one.isCompared ?? false, keepCopy: options.keepRehearsal ?? false, mayCopyFiles },
    tools,
  );
  for (const message of await notifier.notify(settings.notify, end.outcome))
    await writeLines(context.stderr, [`guard: ${message}`]);
  return { ...end, run, status: exitStatusOf(end.outcome) };
}

/** What a rehearsal gives the run after it. */
export interface Rehearsed {
  readonly run: string;
  /** What there is to say before the change; `noticesAfter` has it too. */
  readonly before: readonly DriftNotice[];
  /** What is to be told and recorded of the run after one of its events: how it differs from the rehearsal. */
  readonly noticesAfter: (event: RecordedEvent) => readonly DriftNotice[];
}

/** Rehearses before the run. A number is the exit status where the run may not follow. */
export async function rehearseFirst(context: Context, one: OneRehearsal): Promise<Rehearsed | number> {
  const rehearsed = await runRehearsal(context, one);
  if (rehearsed.status !== 0) return rehearsed.status;
  const { plan, session, options } = one;
  const { preview, changes } = rehearsed;
  const now =
    preview === null ? null : await previewPackages(session.reached.platform, plan.instance, plan.command.words);
  const drift = preview === null || now === null ? [] : driftBetween(preview, now);
  if (drift.length > 0 && options.allowDrift !== true)
    return reportOutcome(context, options.json ?? false, {
      outcome: 'rehearsal-inconclusive',
      refusal: {
        message: `The change differs from the rehearsed one: ${describeDrift(drift)}.`,
        advice: 'Rehearse again, or pass --allow-drift.',
      },
    });
  const before = preview === null || now === null ? [] : noticesBefore(preview, now);
  return {
    run: rehearsed.run,
    before,
    noticesAfter: (event) => {
      if (event.type === 'run-started') return before;
      return event.type === 'changes' && changes !== null ? noticesOfChanges(changes, event.changes) : [];
    },
  };
}

/** The most input that is given twice, in bytes. */
const mostInput = 16 * 1024 * 1024;

/** Input that comes once, for a command that runs twice. Null where it is too long to be kept. */
export async function inputForTwo(io: CommandIo): Promise<readonly [CommandIo, CommandIo] | null> {
  if (io.terminal !== null || io.stdin === null) return [io, io];
  const input = await buffer(io.stdin);
  if (input.length > mostInput) return null;
  return [
    { ...io, stdin: Readable.from([input]) },
    { ...io, stdin: Readable.from([input]) },
  ];
}
