import type { Outcome, RehearsalCopy } from '../event.ts';
import type { Limits } from '../run/plan.ts';
import { removeCopy } from './remove-copy.ts';
import type { RunTools } from '../run/tools.ts';

/** A rehearsal whose guard died, as its record has it. */
export interface DeadRehearsal {
  readonly run: string;
  readonly copy: RehearsalCopy;
  /** Null where it has no end. */
  readonly outcome: Outcome | null;
  readonly limits: Limits;
}

/** Removes the copy of a rehearsal whose guard died, and ends its record. Returns whether nothing of the copy is left. */
export async function recoverCopy(
  tools: Pick<RunTools, 'platform' | 'clock' | 'recorder'>,
  { run, copy, outcome, limits }: DeadRehearsal,
): Promise<boolean> {
  const began = tools.clock.monotonic();
  const removed = await removeCopy(tools, { copy, run, keep: false, limits });
  await tools.recorder.record({
    type: 'run-ended',
    outcome: outcome ?? {
      outcome: 'rehearsal-inconclusive',
      refusal: { message: 'guard was killed during the rehearsal.', advice: '' },
    },
    ms: tools.clock.monotonic() - began,
  });
  return removed;
}
