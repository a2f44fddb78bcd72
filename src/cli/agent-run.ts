import { Writable } from 'node:stream';
import type { AgentListener, Subject } from '../agent-event.ts';
import { userNoticesFor } from '../agent/user-notices.ts';
import type { ServerProject } from '../agent/instance-watcher.ts';
import type { RunOrder } from '../agent/transaction-run.ts';
import type { Notice } from '../config/notice.ts';
import type { Outcome } from '../event.ts';
import { newRunId } from '../journal/run-id.ts';
import { guardedRun } from '../run/guarded-run.ts';
import type { RunPlan } from '../run/changes/change.ts';
import { transactionChange } from '../run/changes/transaction.ts';
import { createRunNotifier, type RunNotifier } from './run-notifier.ts';
import type { Context } from './context.ts';
import { buildPlan } from './build-plan.ts';
import { runTools } from './run-tools.ts';

/** Runs what a package manager of an instance has asked for, with a record like that of any other run. */
export async function runTransaction(
  context: Context,
  emit: AgentListener,
  serverProject: ServerProject,
  instance: string,
  order: RunOrder,
): Promise<Outcome> {
  const began = context.clock.monotonic();
  const reached = { ...serverProject, instance };
  const plan = planOfTransaction(context, serverProject, instance, order);
  const rehearsed = order.rehearse ? await rehearseTransaction(context, serverProject, plan, order) : null;
  if (rehearsed !== null && rehearsed.outcome.outcome !== 'rehearsal-passed') {
    const subject = { instance, project: serverProject.project, remote: serverProject.remote };
    const ms = context.clock.monotonic() - began;
    emit({ type: 'transaction-ended', ...subject, run: rehearsed.run, outcome: rehearsed.outcome.outcome, ms });
    // What could not be rehearsed or judged says nothing of the change: the run itself has a way back.
    if (['rehearsal-failed', 'quarantined', 'interrupted'].includes(rehearsed.outcome.outcome))
      return rehearsed.outcome;
  }
  const aftermath = createRunNotifier(context, plan);
  const news = userNoticesFor(serverProject.platform, instance);
  const io = { terminal: null, stdin: null, stdout: context.stdout, stderr: context.stderr, begin: () => () => {} };
  const tools = runTools(context, {
    plan,
    io,
    reached,
    interruption: order.interruption,
    person: null,
    listener: async (event) => {
      aftermath.onEvent(event);
      await order.listener(event);
      // The last moment at which anybody inside can read it.
      if (event.type === 'decided' && event.decision === 'rollback') await news.warn(warning(plan));
    },
  });
  const outcome = await guardedRun(plan, tools);
  await tools.recorder.close();
  const ms = context.clock.monotonic() - began;
  await warnUsers(
    { emit, subject: { instance, project: serverProject.project, remote: serverProject.remote }, ms },
    serverProject,
    plan,
    {
      aftermath,
      outcome,
      notices: order.settings.notify,
    },
  );
  return outcome;
}

/** Reports the end of a transaction's run to the log, the users of the instance and the receivers of notifications. */
export async function warnUsers(
  to: { readonly emit: AgentListener; readonly subject: Subject; readonly ms: number },
  serverProject: ServerProject,
  { run }: Pick<RunPlan, 'run'>,
  end: { readonly aftermath: RunNotifier; readonly outcome: Outcome; readonly notices: readonly Notice[] },
): Promise<void> {
  const { emit, subject } = to;
  const { outcome, aftermath } = end;
  emit({ type: 'transaction-ended', ...subject, run, outcome: outcome.outcome, ms: to.ms });
  const news = userNoticesFor(serverProject.platform, subject.instance);
  switch (outcome.outcome) {
    case 'kept':
      await news.clear();
      break;
    case 'rolled-back':
    case 'rolled-back-not-well':
    case 'kept-unhealthy':
    case 'rollback-failed':
      await news.leave(`guard, on the host of this instance:\n${aftermath.summary(outcome)}`);
      break;
    default:
      break;
  }
  for (const message of await aftermath.notify(end.notices, outcome))
    emit({ type: 'agent-warning', ...subject, message });
}

/** The transaction's command on a copy, with a record and notifications of its own. */
async function rehearseTransaction(
  context: Context,
  serverProject: ServerProject,
  plan: RunPlan,
  order: RunOrder,
): Promise<{ readonly run: string; readonly outcome: Outcome }> {
  // Loaded late: few hooks rehearse.
  const { rehearse } = await import('../rehearsal/rehearse.ts');
  const { openPackageProxy: openProxy } = await import('../rehearsal/package-proxy.ts');
  const own = { ...plan, run: newRunId(context.clock.now()) };
  const notifier = createRunNotifier(context, own);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const tools = runTools(context, {
    plan: own,
    io: { terminal: null, stdin: null, stdout: silent, stderr: silent, begin: () => () => {} },
    reached: { ...serverProject, instance: plan.instance },
    interruption: order.interruption,
    person: null,
    listener: notifier.onEvent,
  });
  const mayCopyFiles = order.settings.rehearse === 'copy';
  const { outcome } = await rehearse(
    { plan: own, before: plan.run, keepCopy: false, mayCopyFiles },
    { ...tools, openProxy },
  );
  await tools.recorder.close();
  await notifier.notify(order.settings.notify, outcome);
  return { run: own.run, outcome };
}

function planOfTransaction(context: Context, serverProject: ServerProject, instance: string, order: RunOrder): RunPlan {
  const { settings, words, obeyQuarantine, transaction } = order;
  const run = newRunId(context.clock.now());
  const reached = { ...serverProject, instance };
  return {
    ...buildPlan({ run, version: context.version, reached, words, settings, name: null, obeyQuarantine }),
    change: transactionChange(transaction),
    // Its package manager waits inside.
    stopFirst: false,
    // Unattended upgrades have nobody who could confirm them.
    confirmation: null,
    // A package manager is needed to repair the instance.
    allowUnhealthy: true,
  };
}

function warning({ run, restorePoint }: RunPlan): string {
  return `guard: this instance is unhealthy after its packages changed.\nguard is rolling it back to ${restorePoint.name}, which ends every shell.\nRecord on the host: guard show ${run}`;
}
