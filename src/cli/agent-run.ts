import type { AgentListener } from '../agent-event.ts';
import type { Place } from '../agent/roster.ts';
import type { RunOrder } from '../agent/transaction-run.ts';
import type { Outcome } from '../event.ts';
import { pruneRecords } from '../journal/retention.ts';
import { newRunId } from '../journal/run-id.ts';
import { guardedRun } from '../run/guarded-run.ts';
import type { Plan } from '../run/plan.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { planOf } from './plan-of.ts';
import { runTools } from './run-tools.ts';

/** Runs what a package manager of an instance has asked for, with a record like that of any other run. */
export const runTransaction = async (
  context: Context,
  tell: AgentListener,
  place: Place,
  instance: string,
  order: RunOrder,
): Promise<Outcome> => {
  const reached = { ...place, instance };
  const { settings, words, obeyQuarantine } = order;
  const plan: Plan = {
    ...planOf({
      run: newRunId(context.clock.now()),
      version: context.version,
      reached,
      words,
      settings,
      name: null,
      obeyQuarantine,
    }),
    change: { kind: 'transaction', transaction: order.transaction },
    // A package manager is what an instance is mended with.
    allowUnhealthy: true,
  };
  const { listener, interruption } = order;
  const io = { terminal: null, stdin: null, stdout: context.stdout, stderr: context.stderr };
  const tools = runTools(context, { plan, io, reached, interruption, listener, askToKeep: null });
  const outcome = await guardedRun(plan, tools);
  await tools.recorder.close();
  if (outcome.outcome === 'kept') await pruneRecords(stateDirectoryOf(context)).catch(() => []);
  const { project, remote } = place;
  tell({ type: 'transaction-ended', instance, project, remote, run: plan.run, outcome: outcome.outcome });
  return outcome;
};
