import { remainingMs } from '../deadline.ts';
import type { Outcome } from '../event.ts';
import type { Result } from '../result.ts';
import { attemptChange } from './attempt.ts';
import type { RunPlan, WholeAttempt } from './changes/change.ts';
import { unconfirmedWithoutPoint } from './confirmation/known-wait.ts';
import { awaitConfirmation } from './confirmation/wait.ts';
import { keepChange, rollBackChange } from './conclude.ts';
import { startFirstObservation } from './first-observation.ts';
import { inspect } from './inspect.ts';
import { alsoBy } from './interruption.ts';
import { lockLost, lossOf } from './lock/lease.ts';
import { removeMarker } from './lock/marker-changes.ts';
import type { Plan } from './plan.ts';
import { prepare } from './prepare.ts';
import type { PreparedRun } from './prepared-run.ts';
import { inPhase } from './recorder.ts';
import { watchRestores } from './restore-watch.ts';
import { resolve } from './resolution.ts';
import type { RunTools } from './tools.ts';

/**
 * One guarded change:
 * inspect → baseline → restore point → command → verify → keep, or → evidence → stop → restore → start → verify again.
 */
export async function guardedRun(plan: RunPlan, tools: RunTools): Promise<Outcome> {
  const began = tools.clock.monotonic();
  const outcome = await wholeRun(plan, tools);
  await tools.recorder.record({ type: 'run-ended', outcome, ms: tools.clock.monotonic() - began });
  return outcome;
}

async function wholeRun(plan: RunPlan, tools: RunTools): Promise<Outcome> {
  const prepared = await inspectAndPrepare(plan, tools);
  if (!prepared.ok) return prepared.error;

  const { generation } = prepared.value.inspected.instance;
  const restores = generation === null ? watchRestores(tools.platform, plan.instance) : null;
  try {
    return await changeAndDecide(plan, tools, { ...prepared.value, restores });
  } finally {
    restores?.close();
    await prepared.value.lease.stop();
  }
}

async function inspectAndPrepare(plan: RunPlan, tools: RunTools): Promise<Result<PreparedRun, Outcome>> {
  const first = startFirstObservation(plan, tools);
  try {
    const inspected = await inPhase(
      tools,
      'inspect',
      () => inspect(plan, tools),
      (result) => ({ ok: result.ok, message: result.ok ? result.value.instance.status.toLowerCase() : 'refused' }),
    );
    return inspected.ok ? await prepare(plan, tools, inspected.value, first) : inspected;
  } finally {
    first?.stop();
  }
}

async function changeAndDecide(plan: RunPlan, tools: RunTools, prepared: PreparedRun): Promise<Outcome> {
  const { lease } = prepared;
  const underway = { ...tools, interruption: alsoBy(tools.interruption, lease.signal) };
  const first = await attemptChange(plan, underway, prepared);
  const { decision, cause, attempt, nothingChanged, chosen } = await resolve(plan, underway, prepared, first);
  const loss = await lossOf(lease);
  if (loss !== null) return lockLost('inconclusive', loss);
  const unconfirmed = cause === null ? await awaitConfirmationWhereWanted(plan, underway, prepared, attempt) : null;
  if (unconfirmed !== null) return unconfirmed;
  await tools.recorder.record({
    type: 'decided',
    decision,
    cause,
    ...(chosen ? { chosen } : {}),
    ...(nothingChanged ? { nothingChanged } : {}),
  });
  const outcome = await (decision === 'keep' || cause === null
    ? keepChange(plan, tools, prepared, { cause, unchanged: attempt.unchanged, nothingChanged })
    : rollBackChange(plan, tools, prepared, { cause, attempt }));
  return unlessTakenOver(plan, tools, prepared, outcome);
}

/** Null where the change is confirmed, or needs no confirmation: the run goes on to its end. */
async function awaitConfirmationWhereWanted(
  plan: RunPlan,
  tools: RunTools,
  prepared: PreparedRun,
  attempt: WholeAttempt,
): Promise<Outcome | null> {
  const { confirmation } = plan;
  if (confirmation === null || attempt.unchanged) return null;
  const { end, deadline } = await awaitConfirmation({ ...plan, confirmation }, tools, prepared);
  // Nothing can be proven of an instance under a name that it does not have any more.
  if (end === 'missing') return { outcome: 'waiting', deadline: deadline.at };
  const loss = await lossOf(prepared.lease);
  // Whoever settled the change may have finished it as well. After a long sleep of this machine it may also still wait.
  if (loss !== null || end === 'taken-over') {
    const found = await tools.confirmation.outcomeOf(plan.run);
    if (found !== null) return found;
    // A server that does not answer, or an instance that was renamed, is no decision: the keeper acts at the deadline.
    const isUnseen = loss === 'silent' || loss === 'absent';
    const goesOn = end === 'left' && isUnseen && remainingMs(deadline, tools.confirmation.readClocks()) > 0;
    return goesOn ? { outcome: 'waiting', deadline: deadline.at } : lockLost('not-confirmed', loss ?? 'taken-over');
  }
  switch (end) {
    case 'confirmed':
      return null;
    case 'left':
      return { outcome: 'waiting', deadline: deadline.at };
    case 'refused':
    case 'expired': {
      await tools.recorder.record({ type: 'decided', decision: 'rollback', cause: 'not-confirmed' });
      const proof = await prepared.lease.prove();
      if (!proof.ok && proof.error === 'gone') return endWithoutPoint(plan, tools);
      const outcome = await rollBackChange(plan, tools, prepared, { cause: 'not-confirmed', attempt });
      return unlessTakenOver(plan, tools, prepared, outcome);
    }
  }
}

/** Nothing can be rolled back, so the instance is only freed. */
async function endWithoutPoint({ run, instance, limits }: Plan, tools: RunTools): Promise<Outcome> {
  await removeMarker(tools, instance, { run, lease: null }, limits.readyMs);
  await tools.recorder.record({ type: 'released', restorePoint: null });
  return unconfirmedWithoutPoint(instance);
}

/** Where a keeper took a run over from a guard that was stopped in the middle of it, the outcome is what the keeper did. */
async function unlessTakenOver(
  { confirmation, run }: Plan,
  tools: RunTools,
  { lease }: PreparedRun,
  outcome: Outcome,
): Promise<Outcome> {
  if (confirmation === null || outcome.outcome !== 'rollback-failed' || !lease.signal.aborted) return outcome;
  return (await tools.confirmation.outcomeOf(run)) ?? outcome;
}
