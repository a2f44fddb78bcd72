import type { Outcome } from '../event.ts';
import type { Result } from '../result.ts';
import { attemptChange } from './attempt.ts';
import { decide, type Decision } from './decision.ts';
import { rollBackChange, keepChange, lockLost } from './conclude.ts';
import { startFirstObservation } from './first-observation.ts';
import { inspect } from './inspect.ts';
import { alsoBy } from './interruption.ts';
import { lossOf } from './lock/lease.ts';
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
  const { lease } = prepared;
  const underway = { ...tools, interruption: alsoBy(tools.interruption, lease.signal) };
  const attempt = await attemptChange(plan, underway, prepared);
  const decision = decide(plan, attempt);
  const keep = await shouldKeep(plan, underway, decision);
  const loss = await lossOf(lease);
  if (loss !== null) return lockLost('inconclusive', loss);
  await tools.recorder.record({ type: 'decided', decision: keep ? 'keep' : 'rollback', cause: decision.cause });
  return keep || decision.cause === null
    ? keepChange(plan, tools, prepared, { cause: decision.cause, unchanged: attempt.unchanged })
    : rollBackChange(plan, tools, prepared, { cause: decision.cause, attempt });
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
