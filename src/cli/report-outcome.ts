import type { Outcome } from '../event.ts';
import { newRunId } from '../journal/run-id.ts';
import { createView } from '../report/view.ts';
import { exitStatusOf } from '../run/outcome.ts';
import type { Context } from './context.ts';

/** Says an outcome that came before any run began, and returns its exit status. */
export async function reportOutcome(context: Context, json: boolean, outcome: Outcome): Promise<number> {
  const view = createView({ ...context, json, quiet: false });
  const at = context.clock.now();
  await view.listener({ v: 1, run: newRunId(at), at, type: 'run-ended', outcome, ms: 0 });
  return exitStatusOf(outcome);
}
