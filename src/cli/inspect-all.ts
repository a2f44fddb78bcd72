import { inspectHolder } from '../journal/holder.ts';
import { newRunId } from '../journal/run-id.ts';
import { inspect } from '../run/inspect.ts';
import { neutralise } from '../text.ts';
import type { Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import { buildPlan } from './build-plan.ts';
import type { RunOptions } from './run-options.ts';
import { withInstance } from './session.ts';
import { UsageMistake } from './usage.ts';

/**
 * Inspects every instance before the first one is touched: a misspelt name must not stop a sequence half-way. Changes
 * nothing. Null where every run could begin; otherwise the first refusal has been shown, and this is its exit status.
 */
export async function inspectAll(
  context: Context,
  instances: readonly string[],
  words: readonly [string, ...string[]],
  options: RunOptions,
): Promise<number | null> {
  const seen = new Map<string, string>();
  for (const instance of instances) {
    const status = await withInstance(context, { instance, options, withTerminal: false }, async (session) => {
      const { reached, settings } = session;
      const place = JSON.stringify([reached.remote, reached.project, reached.instance]);
      refuseDuplicate(seen.get(place), instance);
      seen.set(place, instance);
      const run = newRunId(context.clock.now());
      const name = options.name ?? null;
      const plan = buildPlan({ run, version: context.version, reached, words, settings, name });
      const inspected = await inspect(plan, { platform: reached.platform, inspectHolder });
      return inspected.ok ? 0 : reportOutcome(context, options.json ?? false, inspected.error);
    });
    if (status !== 0) return status;
  }
  return null;
}

function refuseDuplicate(first: string | undefined, second: string): void {
  if (first === undefined) return;
  const names =
    first === second ? `"${neutralise(first)}" is named twice` : `"${first}" and "${second}" are the same instance`;
  throw new UsageMistake(`${names}.`, 'Name each instance once.');
}
