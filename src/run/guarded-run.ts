import type { Outcome } from '../event.ts';
import type { Result } from '../result.ts';
import { attemptChange, type WholeAttempt } from './attempt.ts';
import { awaitConfirmation } from './confirmation/wait.ts';
import { decide, type Decision } from './decision.ts';
import { rollBackChange, keepChange, lockTakenOver } from './conclude.ts';
import { startFirstObservation } from './first-observation.ts';
import { inspect } from './inspect.ts';
import type { Plan } from './plan.ts';
import { prepare, type PreparedRun } from './prepare.ts';
import { inPhase } from './recorder.ts';
import type { RunTools } from './tools.ts';

/**
 * One guarded change:
 * inspect → baseline → restore point → command → verify → keep, or → evidence → stop → restore → start → verify again.
 */
export async function guardedRun(plan: Plan, tools: RunTools): Promise<Outcome> {
  const began = tools.clock.monotonic();
  const outcome = await wholeRun(plan, tools);
  await tools.recorder.record({ type: 'run-ended', outcome, ms: tools.clock.monotonic() - began });
  return outcome;
}

async function wholeRun(plan: Plan, tools: RunTools): Promise<Outcome> {
  const prepared = await inspectAndPrepare(plan, tools);
  if (!prepared.ok) return prepared.error;

  try {
    return await changeAndDecide(plan, tools, prepared.value);
  } finally {
    await prepared.value.lease.stop();
  }
}

async function inspectAndPrepare(plan: Plan, tools: RunTools): Promise<Result<PreparedRun, Outcome>> {
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

async function changeAndDecide(plan: Plan, tools: RunTools, prepared: PreparedRun): Promise<Outcome> {
  const attempt = await attemptChange(plan, tools, prepared);
  const decision = decide(plan, attempt);
  const keep = await shouldKeep(plan, tools, decision);
  if (await prepared.lease.isLost(plan.run)) return lockTakenOver(decision.cause ?? 'inconclusive');
  const unconfirmed = await awaitConfirmationWhereWanted(plan, tools, prepared, attempt, decision);
  if (unconfirmed !== null) return unconfirmed;
  await tools.recorder.record({ type: 'decided', decision: keep ? 'keep' : 'rollback', cause: decision.cause });
  return keep || decision.cause === null
    ? keepChange(plan, tools, prepared, { cause: decision.cause, unchanged: attempt.unchanged })
    : rollBackChange(plan, tools, prepared, { cause: decision.cause, attempt });
}

/** Null where the change is confirmed, or needs no confirmation: the run goes on to its end. */
async function awaitConfirmationWhereWanted(
  plan: Plan,
  tools: RunTools,
  prepared: PreparedRun,
  attempt: WholeAttempt,
  decision: Decision,
): Promise<Outcome | null> {
  const { confirmation } = plan;
  if (decision.cause !== null || confirmation === null || attempt.unchanged) return null;
  const { end, deadline } = await awaitConfirmation({ ...plan, confirmation }, tools);
  switch (end) {
    case 'confirmed':
      return null;
    case 'left':
      return { outcome: 'waiting', deadline: deadline.at };
    case 'taken-over':
      return lockTakenOver('not-confirmed');
    case 'refused':
    case 'expired':
      await tools.recorder.record({ type: 'decided', decision: 'rollback', cause: 'not-confirmed' });
      return rollBackChange(plan, tools, prepared, { cause: 'not-confirmed', attempt });
  }
}

/** Resolves `ask` to keep or rollback. No answer in time is a rollback. */
async function shouldKeep(plan: Plan, tools: RunTools, decision: Decision): Promise<boolean> {
  if (decision.cause === null) return true;
  switch (decision.policy) {
    case 'keep':
      return true;
    case 'rollback':
      return false;
    case 'ask':
      return (await tools.askToKeep?.(decision.cause, plan.askMs, tools.interruption.signal)) ?? false;
  }
}
