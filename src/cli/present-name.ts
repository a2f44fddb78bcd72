import { openJournal } from '../journal/journal.ts';
import { readRun, type RunRecord } from '../journal/runs.ts';
import { platformFailure, type PlatformFailure } from '../platform/failure.ts';
import type { Platform } from '../platform/platform.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { withRecorded, type Whereabouts } from './identity.ts';
import { neutralise } from '../text.ts';
import { withInstance, type Session, type SessionRequest } from './session.ts';

/** Where the instance of a run is by now. */
export type InstancePlace =
  | { readonly place: 'there' }
  | { readonly place: 'renamed'; readonly name: string }
  /** No instance of the project is it. */
  | { readonly place: 'missing' }
  | { readonly place: 'unknown'; readonly failure: PlatformFailure };

/**
 * Looks for an instance by its name and its uuid, which a rename does not change. Another one may have its old name by now. Where an
 * import has the uuid of its original, the name decides; if neither has it, nobody knows which one is meant.
 */
export async function findInstance(
  platform: Pick<Platform, 'getInstance' | 'listInstances'>,
  name: string,
  uuid: string | null,
): Promise<InstancePlace> {
  const seen = await platform.getInstance(name);
  if (seen.ok && (uuid === null || seen.value.uuid === null || seen.value.uuid === uuid)) return { place: 'there' };
  if (!seen.ok && seen.error.kind !== 'not-found') return { place: 'unknown', failure: seen.error };
  if (uuid === null) return { place: 'missing' };
  const all = await platform.listInstances();
  if (!all.ok) return { place: 'unknown', failure: all.error };
  const found = all.value.filter((one) => one.uuid === uuid).map((one) => one.name);
  const [first] = found;
  if (first === undefined) return { place: 'missing' };
  // It was renamed to the name of the record at this moment.
  if (found.includes(name)) return { place: 'there' };
  return found.length === 1 ? { place: 'renamed', name: first } : { place: 'unknown', failure: ambiguous(name, found) };
}

function ambiguous(name: string, found: readonly string[]): PlatformFailure {
  const names = found.map((one) => neutralise(one)).join(' and ');
  return platformFailure('invalid', `find ${name}`, `${names} have its uuid, as after an import beside the original`, {
    advice: `Remove the copy, or rename the original back to ${name}.`,
  });
}

/** Works on the instance of a recorded run, also where it was renamed since. The record then has the present name. */
export async function withInstanceOfRun(
  context: Context,
  wanted: SessionRequest,
  record: RunRecord | null,
  work: (session: Session, record: RunRecord | null, where: Whereabouts) => Promise<number>,
): Promise<number> {
  if (record?.started == null)
    return withInstance(context, wanted, (session) => work(session, record, { kind: 'here' }));
  return withRecorded(context, wanted, record.started, async (session, where) => {
    const renamed = where.kind === 'moved' ? await recordRename(context, record.run, where.instance) : record;
    return work(session, renamed ?? record, where);
  });
}

/** Records the present name of the instance. Returns the record with it; null where there is none. */
export async function recordRename(context: Context, run: string, instance: string): Promise<RunRecord | null> {
  const stateDirectory = stateDirectoryOf(context);
  const record = await readRun(stateDirectory, run);
  if (record === null || record.started?.instance === instance) return record;
  const journal = await openJournal({ stateDirectory, run });
  if (!journal.ok) return record;
  await journal.value.append({ type: 'instance-renamed', instance, v: 1, run, at: context.clock.now() });
  await journal.value.close();
  return readRun(stateDirectory, run);
}
