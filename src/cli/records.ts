import { adviceForRecords } from '../journal/file-failure.ts';
import { checkReadable, openStateDirectory } from '../journal/state-directory.ts';
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
    refused(`The run could not be recorded: ${opened.error}`, adviceForRecords(opened.error)),
  );
}

/** The same for a command that reads records: none that can be read is not none. */
export async function refuseUnreadableRecords(context: Context, json: boolean): Promise<number | null> {
  const readable = await checkReadable(stateDirectoryOf(context));
  if (readable.ok) return null;
  return reportOutcome(
    context,
    json,
    refused(`The records of past runs cannot be read: ${readable.error}`, adviceForRecords(readable.error)),
  );
}
