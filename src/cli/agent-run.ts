import type { AgentListener, Subject } from '../agent-event.ts';
import { newsFor } from '../agent/news.ts';
import type { Place } from '../agent/roster.ts';
import type { RunOrder } from '../agent/transaction-run.ts';
import type { Notice } from '../config/settings.ts';
import type { Outcome } from '../event.ts';
import { pruneRecords } from '../journal/retention.ts';
import { newRunId } from '../journal/run-id.ts';
import { guardedRun } from '../run/guarded-run.ts';
import type { Plan } from '../run/plan.ts';
import { createAftermath, type Aftermath } from './aftermath.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { planOf } from './plan-of.ts';
import { runTools } from './run-tools.ts';

/** Runs what a package manager of an instance has asked for, with a record like that of any other run. */
export async function runTransaction(
  context: Context,
  tell: AgentListener,
  place: Place,
  instance: string,
  order: RunOrder,
): Promise<Outcome> {
  const began = context.clock.monotonic();
  const reached = { ...place, instance };
  const plan = planOfTransaction(context, place, instance, order);
  const aftermath = createAftermath(context, plan);
  const news = newsFor(place.incus, instance);
  const io = { terminal: null, stdin: null, stdout: context.stdout, stderr: context.stderr, begin: () => () => {} };
  const tools = runTools(context, {
    plan,
    io,
    reached,
    interruption: order.interruption,
    person: null,
    listener: async (event) => {
      aftermath.hear(event);
      await order.listener(event);
      // The last moment at which anybody inside can read it.
      if (event.type === 'decided' && event.decision === 'rollback') await news.warn(warning(plan));
    },
  });
  const outcome = await guardedRun(plan, tools);
  await tools.recorder.close();
  if (outcome.outcome === 'kept') await pruneRecords(stateDirectoryOf(context)).catch(() => []);
  const ms = context.clock.monotonic() - began;
  await tellAll({ tell, subject: { instance, project: place.project, remote: place.remote }, ms }, place, plan, {
    aftermath,
    outcome,
    notices: order.settings.notify,
  });
  return outcome;
}

/** Tells the log, the people inside, and whoever wants to be told, how a transaction's run has ended. */
export async function tellAll(
  to: { readonly tell: AgentListener; readonly subject: Subject; readonly ms: number },
  place: Place,
  { run }: Pick<Plan, 'run'>,
  end: { readonly aftermath: Aftermath; readonly outcome: Outcome; readonly notices: readonly Notice[] },
): Promise<void> {
  const { tell, subject } = to;
  const { outcome, aftermath } = end;
  tell({ type: 'transaction-ended', ...subject, run, outcome: outcome.outcome, ms: to.ms });
  const news = newsFor(place.incus, subject.instance);
  switch (outcome.outcome) {
    case 'kept':
      await news.clear();
      break;
    case 'rolled-back':
    case 'rolled-back-not-well':
    case 'kept-unhealthy':
    case 'rollback-failed':
      await news.leave(`guard, on the host of this instance:\n${aftermath.says(outcome)}`);
      break;
    default:
      break;
  }
  for (const says of await aftermath.tell(end.notices, outcome)) tell({ type: 'agent-warning', ...subject, says });
}

function planOfTransaction(context: Context, place: Place, instance: string, order: RunOrder): Plan {
  const { settings, words, obeyQuarantine, transaction } = order;
  const run = newRunId(context.clock.now());
  const reached = { ...place, instance };
  return {
    ...planOf({ run, version: context.version, reached, words, settings, name: null, obeyQuarantine }),
    change: { kind: 'transaction', transaction },
    // Its package manager waits inside.
    stopFirst: false,
    // A package manager is what an instance is mended with.
    allowUnhealthy: true,
  };
}

function warning({ run, restorePoint }: Plan): string {
  return `guard: this instance is not well after the change of its packages.\nIt goes back to ${restorePoint.name} now, and every shell ends.\nRecord on the host: guard show ${run}`;
}
