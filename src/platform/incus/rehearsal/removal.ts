import type { RehearsalCopy } from '../../../event.ts';
import { err, ok, type Result } from '../../../result.ts';
import { call, type Incus } from '../http/client.ts';
import { failureOf } from '../http/failure.ts';
import type { PlatformFailure } from '../../failure.ts';
import type { Limit } from '../../platform.ts';
import { getRawInstance, stopInstance, type RawInstance } from '../instances/instance.ts';
import { objectOf, textsOf } from '../http/json.ts';
import { listOperations, operate, type Operation } from '../http/operations.ts';
import { verifiedCopy, verifiedVolume } from '../http/removal.ts';
import { copyKey } from './copy-plan.ts';
import { inProject, placeKey, rehearsalProject } from './place.ts';

/**
 * The only function of guard that deletes an instance. It stops and deletes one rehearsal copy, named by the record of its
 * run, and refuses (`invalid`) where anything differs: the project must be guard's own and have guard's key, and the
 * instance must have both the uuid of the record and guard's key with the run of the record. A copy that the server is
 * still making is waited for, since guard may have died meanwhile. A copy that is gone is a success, also where another
 * rehearsal has made one of that name since.
 */
export async function deleteRehearsalCopy(
  incus: Incus,
  copy: RehearsalCopy,
  run: string,
  limit: Limit,
): Promise<Result<void, PlatformFailure>> {
  const purpose = `delete the copy ${copy.instance} of the rehearsal ${run}`;
  if (copy.project !== rehearsalProject)
    return refuse(purpose, `The project of the record is "${copy.project}" and not guard's own`);
  const isOwn = await isOwnProject(incus, purpose);
  if (!isOwn.ok) return isOwn;
  if (!isOwn.value) return refuse(purpose, `The project ${rehearsalProject} lacks guard's key ${placeKey}`);
  const place = inProject(incus, rehearsalProject);
  await untilMade(place, copy, limit);
  const running = await verify(place, copy, run, purpose);
  if (!running.ok || running.value === null) return running.ok ? ok(undefined) : running;
  const stopped = await stopCompletely(place, running.value, limit);
  if (!stopped.ok && stopped.error.kind !== 'not-found') return stopped;
  // The stop took a while: only what is still the copy of the record is deleted.
  const still = await verify(place, copy, run, purpose);
  if (!still.ok || still.value === null) return still.ok ? ok(undefined) : still;
  const removes = verifiedCopy(copy.instance);
  const ended = await operate(place, { removes, purpose, instance: copy.instance, ...limit });
  return ended.ok || ended.error.kind === 'not-found' ? ok(undefined) : ended;
}

/** The instance, proven to be the copy of the record; null where it is gone. */
async function verify(
  place: Incus,
  copy: RehearsalCopy,
  run: string,
  purpose: string,
): Promise<Result<RawInstance | null, PlatformFailure>> {
  const found = await getRawInstance(place, copy.instance);
  if (!found.ok) return found.error.kind === 'not-found' ? ok(null) : found;
  const { config, name } = found.value;
  if (name !== copy.instance) return refuse(purpose, `The server answers with the instance "${name}"`);
  // The copy of another rehearsal, which came after the one of the record was gone.
  if (isOther(config, copy, run)) return ok(null);
  if (copy.uuid === '' || config['volatile.uuid'] !== copy.uuid)
    return refuse(purpose, 'The instance has another uuid than the record');
  if (run === '' || config[copyKey] !== run)
    return refuse(purpose, `The instance lacks guard's key ${copyKey} with the run of the record`);
  return ok(found.value);
}

function isOther(config: RawInstance['config'], { uuid }: RehearsalCopy, run: string): boolean {
  const [itsUuid = '', itsRun = ''] = [config['volatile.uuid'], config[copyKey]];
  return uuid !== '' && itsUuid !== '' && itsUuid !== uuid && run !== '' && itsRun !== '' && itsRun !== run;
}

/** A stop that a killed guard sent may still be under way: the state decides, not the answer. */
async function stopCompletely(
  place: Incus,
  { name, status }: RawInstance,
  limit: Limit,
): Promise<Result<void, PlatformFailure>> {
  if (status === 'Stopped') return ok(undefined);
  const giveUpAt = place.clock.monotonic() + limit.limitMs;
  for (;;) {
    const stopped = await stopInstance(place, name, { force: true, ...limit });
    if (stopped.ok) return stopped;
    const now = await getRawInstance(place, name);
    if (!now.ok) return now;
    if (now.value.status === 'Stopped') return ok(undefined);
    if (place.clock.monotonic() >= giveUpAt) return stopped;
    await place.clock.sleep(pollMs);
  }
}

/** The server continues to make a copy although the guard that asked for it was killed. */
async function untilMade(place: Incus, { instance }: RehearsalCopy, { limitMs }: Limit): Promise<void> {
  const giveUpAt = place.clock.monotonic() + limitMs;
  const isMaking = ({ statusCode, description, instances }: Operation): boolean =>
    statusCode < 200 &&
    /^(creating|copying)/i.test(description) &&
    (instances.includes(instance) || /volume/i.test(description));
  while (place.clock.monotonic() < giveUpAt) {
    const operations = await listOperations(place);
    if (!operations.ok || !operations.value.some(isMaking)) return;
    await place.clock.sleep(pollMs);
  }
}

const pollMs = 100;

function refuse(purpose: string, why: string): Result<never, PlatformFailure> {
  const about = { purpose, project: rehearsalProject };
  const advice = 'Inspect it, and delete it manually.';
  return err(failureOf('invalid', about, `${why}, so guard does not delete it`, { advice }));
}

/** The same for a volume that was copied with the instance: it must be in guard's project and have guard's key. */
export async function deleteCopiedVolume(
  incus: Incus,
  { pool, copy }: { readonly pool: string; readonly copy: string },
  run: string,
  limit: Limit,
): Promise<Result<void, PlatformFailure>> {
  const purpose = `delete the volume ${copy} of the rehearsal ${run}`;
  const isOwn = await isOwnProject(incus, purpose);
  if (!isOwn.ok) return isOwn;
  if (!isOwn.value) return refuse(purpose, `The project ${rehearsalProject} lacks guard's key ${placeKey}`);
  const place = inProject(incus, rehearsalProject);
  const found = await call(place, { method: 'GET', path: ['storage-pools', pool, 'volumes', 'custom', copy], purpose });
  if (!found.ok) return found.error.kind === 'not-found' ? ok(undefined) : found;
  if (textsOf(objectOf(found.value.metadata)['config'])[copyKey] !== run)
    return refuse(purpose, `The volume lacks guard's key ${copyKey} with the run of the record`);
  const ended = await operate(place, { removes: verifiedVolume(pool, copy), purpose, ...limit });
  return ended.ok || ended.error.kind === 'not-found' ? ok(undefined) : ended;
}

/** A project that is gone has no copies: it counts as guard's own, and what is looked for in it is not there. */
async function isOwnProject(incus: Incus, purpose: string): Promise<Result<boolean, PlatformFailure>> {
  const project = await call(inProject(incus, 'default'), {
    method: 'GET',
    path: ['projects', rehearsalProject],
    purpose,
  });
  if (!project.ok) return project.error.kind === 'not-found' ? ok(true) : project;
  return ok(textsOf(objectOf(project.value.metadata)['config'])[placeKey] !== undefined);
}
