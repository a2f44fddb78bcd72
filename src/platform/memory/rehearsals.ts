import type { RehearsalCopy } from '../../event.ts';
import { err, ok, type Result } from '../../result.ts';
import { platformFailure, type PlatformFailure } from '../failure.ts';
import type { Answered, Disk, Limit } from '../platform.ts';
import type { CopiedVolume, CopyPlan, CopyRequest, RehearsalPlace, Rehearsals } from '../rehearsals.ts';
import { stopNow } from './instances.ts';
import { quickMs, quickRequest } from './quick-request.ts';
import { clientIn, send, type MemoryClient, type Work } from './requests.ts';
import { addInstance, findInstance, projectOf, type MemoryInstance, type MemoryServer } from './server.ts';

const project = 'guard-rehearsal';
const pollMs = 100;

/** Keys of a copy, and of its volumes, as Incus has them. */
const uuidKey = 'volatile.uuid';
const runKey = 'user.guard.rehearsal';

/** The port's functions about copies for a rehearsal. They are in a project of their own; networks there are none. */
export function rehearsalsOf(client: MemoryClient): Rehearsals {
  return {
    proxyPort: 31428,
    ensurePlace: () => quickly(client, 'ensurePlace', true, () => ok({ project, network: 'isolated' })),
    planCopy: (instance, request) =>
      quickly(client, 'planCopy', false, (purpose) => {
        const found = findInstance(client.server, instance, purpose);
        return found.ok ? ok(planCopy(found.value, request)) : found;
      }),
    createCopy: (place, instance, plan, limit) => createCopy(client, place, instance, plan, limit),
    connectPackageProxy: (_place, copy) => changeCopy(client, 'connectPackageProxy', copy),
    disconnectPackageProxy: (_place, copy) => changeCopy(client, 'disconnectPackageProxy', copy),
    deleteCopy: (copy, run, limit) => deleteCopy(client, copy, run, limit),
    deleteVolume: ({ pool, copy }, run, { limitMs }) => deleteVolume(client, `${pool}/${copy}`, run, limitMs),
    getServerMemory: () => quickly(client, 'getServerMemory', false, () => ok({ ...client.server.memory })),
  };
}

function planCopy({ disks }: MemoryInstance, { uuid, run, ownVolumes }: CopyRequest): CopyPlan {
  const volumes = ownVolumes.map((volume, at) => ({ ...volume, copy: `guard-${uuid}-${at}` }));
  const removed = disks
    .filter(({ device, kind }) => kind !== 'root' && !volumes.some((volume) => volume.device === device))
    .map(({ device, path }) => ({ device, because: 'a device of the host', paths: [path] }));
  const config = { [uuidKey]: uuid, [runKey]: run };
  return {
    config,
    devices: {},
    hasNetwork: false,
    removed,
    removedSettings: [],
    volumes,
    location: null,
    isOnAnsweringServer: true,
  };
}

/** One request for each volume and one for the instance, as Incus needs them. */
async function createCopy(
  client: MemoryClient,
  _place: RehearsalPlace,
  instance: string,
  plan: CopyPlan,
  { limitMs }: Limit,
): Answered<void> {
  const there = projectOf(client.server, project);
  for (const volume of plan.volumes) {
    const copied = await copyVolume(client, there, volume, plan.config[runKey] ?? '', limitMs);
    if (!copied.ok) return copied;
  }
  const purpose = `copy ${instance} for a rehearsal`;
  const nameTaken = (): Result<never, PlatformFailure> =>
    err(platformFailure('name-taken', purpose, 'the instance already exists', { code: 500 }));
  return send(clientIn(client, project), {
    ...operationOf('createCopy', purpose, limitMs),
    instance,
    ms: client.server.takes.snapshot,
    apply: () => {
      const original = findInstance(client.server, instance, purpose);
      if (!original.ok) return original;
      if (there.instances.has(instance)) return nameTaken();
      const disks = original.value.disks.flatMap((disk) => diskOfCopy(disk, plan.volumes));
      const copy = addInstance(there, instance, { status: 'Stopped', disks });
      copy.configuration = plan.config;
      copy.files = new Map(original.value.files);
      return ok(undefined);
    },
  });
}

function diskOfCopy(disk: Disk, volumes: readonly CopiedVolume[]): readonly Disk[] {
  const own = volumes.find(({ device }) => device === disk.device);
  return own === undefined || disk.kind !== 'volume' ? [] : [{ ...disk, volume: own.copy }];
}

function copyVolume(
  client: MemoryClient,
  there: MemoryServer,
  { pool, volume, copy }: CopiedVolume,
  run: string,
  limitMs: number,
): Answered<void> {
  const purpose = `copy the volume ${volume} for a rehearsal`;
  return send(clientIn(client, project), {
    ...operationOf('copyVolume', purpose, limitMs),
    ms: client.server.takes.snapshot,
    apply: () => {
      const original = client.server.volumes.get(`${pool}/${volume}`);
      if (original === undefined)
        return err(platformFailure('not-found', purpose, 'Storage volume not found', { code: 404 }));
      there.volumes.set(`${pool}/${copy}`, { content: original.content, snapshots: [], otherUsers: 0, run });
      return ok(undefined);
    },
  });
}

/** Refuses everything but the copy of the record; waits for one that the server still makes. */
async function deleteCopy(client: MemoryClient, copy: RehearsalCopy, run: string, { limitMs }: Limit): Answered<void> {
  const purpose = `delete the copy ${copy.instance}`;
  if (copy.project !== project) return refuse(purpose);
  const there = projectOf(client.server, project);
  await untilMade(client, there, limitMs);
  const seen = await quickly(client, 'getCopy', false, () => ok(there.instances.get(copy.instance) ?? null));
  if (!seen.ok) return seen;
  if (seen.value === null) return ok(undefined);
  const { [uuidKey]: uuid = '', [runKey]: itsRun = '' } = seen.value.configuration;
  // The copy of another rehearsal, which came after the one of the record was gone.
  if (![uuid, itsRun, copy.uuid, run].includes('') && uuid !== copy.uuid && itsRun !== run) return ok(undefined);
  if (!isCopyOf(seen.value, copy, run)) return refuse(purpose);
  const remove = (name: string, ms: number, change: (instance: MemoryInstance) => void): Answered<void> =>
    send(clientIn(client, project), {
      ...operationOf(name, purpose, limitMs),
      instance: copy.instance,
      ms,
      apply: () => {
        const now = there.instances.get(copy.instance);
        if (now !== undefined && isCopyOf(now, copy, run)) change(now);
        return ok(undefined);
      },
    });
  const { takes } = client.server;
  const stopped = await remove('stopCopy', takes.stop, (instance) => stopNow(instance, 9));
  if (!stopped.ok) return stopped;
  return remove('deleteCopy', takes.change, () => there.instances.delete(copy.instance));
}

function isCopyOf({ configuration }: MemoryInstance, { uuid }: RehearsalCopy, run: string): boolean {
  return uuid !== '' && run !== '' && configuration[uuidKey] === uuid && configuration[runKey] === run;
}

async function untilMade(client: MemoryClient, there: MemoryServer, limitMs: number): Promise<void> {
  const giveUpAt = client.clock.monotonic() + limitMs;
  while (client.clock.monotonic() < giveUpAt) {
    const isMaking = await quickly(client, 'listOperations', false, () =>
      ok([...there.operations.values()].some(({ isRunning, activity }) => isRunning && activity === 'other')),
    );
    if (!isMaking.ok || !isMaking.value) return;
    await client.clock.sleep(pollMs);
  }
}

function deleteVolume(client: MemoryClient, key: string, run: string, limitMs: number): Answered<void> {
  const purpose = `delete the volume ${key}`;
  const there = projectOf(client.server, project);
  return send(clientIn(client, project), {
    ...operationOf('deleteVolume', purpose, limitMs),
    ms: client.server.takes.change,
    apply: () => {
      const found = there.volumes.get(key);
      if (found === undefined) return ok(undefined);
      if (run === '' || found.run !== run) return refuse(purpose);
      there.volumes.delete(key);
      return ok(undefined);
    },
  });
}

function changeCopy(client: MemoryClient, name: string, copy: string): Answered<void> {
  const purpose = `change the copy ${copy}`;
  const there = projectOf(client.server, project);
  return send(clientIn(client, project), {
    ...operationOf(name, purpose, quickMs),
    instance: copy,
    ms: client.server.takes.change,
    apply: () => {
      const found = findInstance(there, copy, purpose);
      return found.ok ? ok(undefined) : found;
    },
  });
}

function operationOf(name: string, purpose: string, limitMs: number): Omit<Work<void>, 'apply' | 'ms'> {
  return { name, purpose, instance: null, activity: 'other', isOperation: true, changes: true, limitMs };
}

function quickly<T>(
  client: MemoryClient,
  name: string,
  changes: boolean,
  answer: (purpose: string) => Result<T, PlatformFailure>,
): Answered<T> {
  const purpose = 'rehearse';
  return quickRequest(client, { name, purpose, changes }, () => answer(purpose));
}

function refuse(purpose: string): Result<never, PlatformFailure> {
  return err(platformFailure('invalid', purpose, 'it is not the copy of the record, so guard does not delete it'));
}
