import type { Cause, CommandEnd, Outcome } from '../event.ts';
import { attemptChange } from './attempt.ts';
import { decide, type Decision } from './decision.ts';
import { goBack, keepChange } from './ending.ts';
import { inspect } from './inspect.ts';
import type { Plan } from './plan.ts';
import { abandon, prepare, type Prepared } from './prepare.ts';
import { inPhase } from './recorder.ts';
import { refused } from './refusal.ts';
import type { RunTools } from './tools.ts';

/**
 * One guarded change, from top to bottom:
 * inspect → baseline → restore point → command → verify → keep, or → evidence → stop → restore → start → verify again.
 */
export const guardedRun = async (plan: Plan, tools: RunTools): Promise<Outcome> => {
  const began = tools.clock.monotonic();
  const outcome = await wholeRun(plan, tools);
  await tools.recorder.record({ type: 'run-ended', outcome, ms: tools.clock.monotonic() - began });
  return outcome;
};

const wholeRun = async (plan: Plan, tools: RunTools): Promise<Outcome> => {
  const inspected = await inPhase(
    tools,
    'inspect',
    () => inspect(plan, tools),
    (result) => ({ ok: result.ok, says: result.ok ? result.value.instance.status.toLowerCase() : 'refused' }),
  );
  if (!inspected.ok) return inspected.error;

  const prepared = await prepare(plan, tools, inspected.value);
  if (!prepared.ok) return prepared.error;

  const attempt = await attemptChange(plan, tools, prepared.value);
  if (neverBegan(attempt.end)) return refuseTheCommand(plan, tools, prepared.value, attempt.end);

  const decision = decide(plan, attempt);
  const keep = await shouldKeep(plan, tools, decision);
  await tools.recorder.record({ type: 'decided', decision: keep ? 'keep' : 'rollback', cause: decision.cause });
  return keep || decision.cause === null
    ? keepChange(plan, tools, prepared.value, decision.cause)
    : goBack(plan, tools, prepared.value, decision.cause);
};

const neverBegan = (end: CommandEnd): boolean => end.kind === 'not-found' || end.kind === 'not-executable';

/** A typing error must not cost a service its uptime: what never began has changed nothing. */
const refuseTheCommand = (plan: Plan, tools: RunTools, prepared: Prepared, end: CommandEnd): Promise<Outcome> => {
  const [word] = plan.command.words;
  const outcome =
    end.kind === 'not-found'
      ? refused(
          `There is no command "${word}" in ${plan.instance} (status 127).`,
          'Check its spelling; a path must be the path inside the instance.',
        )
      : refused(
          `"${word}" in ${plan.instance} cannot be executed (status 126).`,
          `See its mode with: incus exec ${plan.instance} -- ls -l ${word}`,
        );
  return abandon(plan, tools, prepared.inspected, outcome);
};

/** `ask` becomes keep or rollback here; nobody who answers in time is a rollback. */
const shouldKeep = async (plan: Plan, tools: RunTools, decision: Decision): Promise<boolean> => {
  if (decision.cause === null) return true;
  switch (decision.policy) {
    case 'keep':
      return true;
    case 'rollback':
      return false;
    case 'ask':
      return (await tools.askToKeep?.(decision.cause, plan.askMs)) ?? false;
  }
};
