import { openStateDirectory } from '../journal/state-directory.ts';
import { refused } from '../run/refusal.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { reportOutcome } from './report-outcome.ts';

/**
 * Without a record nothing could be recovered, so a state directory that cannot be written refuses a run before anything
 * happens. Null where it can be written; otherwise the refusal has been shown, and this is its exit status.
 */
export async function refuseUnwritableRecords(context: Context, json: boolean): Promise<number | null> {
  const opened = await openStateDirectory(stateDirectoryOf(context));
  if (opened.ok) return null;
  return reportOutcome(
    context,
    json,
    refused(
      `The run could not be recorded: ${opened.error}`,
      'Free some space there, or set GUARD_STATE_DIR to another folder.',
    ),
  );
}
