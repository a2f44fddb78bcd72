import { refused } from '../run/refusal.ts';
import type { Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import type { RunOptions } from './run-options.ts';
import { UsageMistake } from './usage.ts';

/** A change that waits for a confirmation needs somebody who rolls it back at its deadline. The exit status where there is none. */
export async function refuseWithoutKeeper(
  context: Context,
  waits: boolean,
  { detach, confirmBy, json }: Pick<RunOptions, 'detach' | 'confirmBy' | 'json'>,
): Promise<number | null> {
  if (!waits) {
    const useless = detach === true ? '--detach' : confirmBy === undefined ? null : '--confirm-by';
    if (useless === null) return null;
    throw new UsageMistake(`${useless} needs --confirm.`, 'Say how long the change may wait: --confirm 10m.');
  }
  // Loaded late: most runs wait for nobody.
  const { findDeadlineKeeper } = await import('./deadline-keeper.ts');
  const keeper = await findDeadlineKeeper(context);
  if (keeper.ok) return null;
  return reportOutcome(context, json ?? false, refused(keeper.error.message, keeper.error.advice));
}
