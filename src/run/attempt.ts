import { formatStack } from '../internal-error.ts';
import { nothingSeen, type RunPlan, type WholeAttempt } from './changes/change.ts';
import { commandChange, type AttemptSubject } from './changes/command.ts';
import type { Plan } from './plan.ts';
import type { PreparedRun } from './prepared-run.ts';
import type { RunTools } from './tools.ts';

/** Every failure in here leads to a decision (F10). */
export function attemptChange(plan: RunPlan, tools: RunTools, prepared: PreparedRun): Promise<WholeAttempt> {
  return withoutException(tools, () => plan.change.attempt(plan, tools, prepared));
}

/** The same for a command without a restore point, for the copy of a rehearsal. */
export function attemptCommand(plan: Plan, tools: RunTools, subject: AttemptSubject): Promise<WholeAttempt> {
  return withoutException(tools, () => commandChange.attempt(plan, tools, subject));
}

async function withoutException(tools: RunTools, attempt: () => Promise<WholeAttempt>): Promise<WholeAttempt> {
  try {
    return await attempt();
  } catch (bug) {
    const message = `guard itself failed: ${formatStack(bug)}`;
    await tools.recorder.record({ type: 'notice', level: 'warning', message });
    return {
      end: { kind: 'lost', message },
      verdict: null,
      interruptedBy: tools.interruption.by(),
      ...nothingSeen,
    };
  }
}
