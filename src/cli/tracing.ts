import { openTrace } from '../report/trace.ts';
import { refused } from '../run/refusal.ts';
import type { Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';
import type { RunOptions } from './run-options.ts';

/** Begins the file of `--trace` before anything happens, and ends it whatever happens. */
export async function withTrace(
  context: Context,
  { trace: path, json = false }: RunOptions,
  work: (context: Context) => Promise<number>,
): Promise<number> {
  if (path === undefined) return work(context);
  const trace = await openTrace(path, context);
  if (!trace.ok)
    return reportOutcome(
      context,
      json,
      refused(trace.error, 'Name a file in an existing folder that you may write to.'),
    );
  try {
    return await work({ ...context, trace: trace.value });
  } finally {
    trace.value.close();
  }
}
