import { resolve } from 'node:path';
import type { Outcome } from '../event.ts';
import { err, ok, type Result } from '../result.ts';
import { surveyPush } from '../run/push/source.ts';
import type { PushPlan } from '../run/plan.ts';
import { refused } from '../run/refusal.ts';
import type { Context } from './context.ts';
import type { RunOptions } from './run-options.ts';

/** Looks through all that is to be pushed before anything happens; what cannot be pushed refuses the run. */
export async function surveyPushes(
  { workingDirectory }: Context,
  { push = [], pushOwner = { user: 0, group: 0 } }: RunOptions,
): Promise<Result<readonly PushPlan[], Outcome>> {
  const plans: PushPlan[] = [];
  for (const { local, inside } of push) {
    const found = await surveyPush({ local: resolve(workingDirectory, local), inside, ...pushOwner });
    if (!found.ok)
      return err(refused(found.error, 'Write --push with a file or folder of this machine, like dist:/opt/app.'));
    plans.push(found.value);
  }
  return ok(plans);
}
