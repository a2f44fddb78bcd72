import { systemClock } from '../../src/clock.ts';
import type { Holder, Outcome, RunEvent } from '../../src/event.ts';
import { currentHolder } from '../../src/journal/holder.ts';
import { openJournal } from '../../src/journal/journal.ts';
import type { Fleet } from '../../src/platform/fleet.ts';
import { platformFailure } from '../../src/platform/failure.ts';
import { connectMemory } from '../../src/platform/memory/memory.ts';
import { addInstance, createMemoryServer, projectOf, type MemoryServer } from '../../src/platform/memory/server.ts';
import { err, ok } from '../../src/result.ts';
import { expiryOfLease, newLease } from '../../src/run/lock/in-flight.ts';
import { temporaryFolder } from '../journal/temporary.ts';
import { contextIn } from './context.ts';

const quick = { read: 0, change: 1, snapshot: 5, restore: 5, start: 1, stop: 1, gracefulStop: 1, restart: 10 };
/** A process of this host that has ended. */
export const gone: Holder = { ...currentHolder(), id: '0'.repeat(32) };
/** A process of another host. */
export const elsewhere: Holder = { ...gone, host: 'other', bootId: 'of another machine' };

/** The project of copies, as the server in memory has it. */
export const copyProject = 'guard-rehearsal';

/** A host with records, and a server in memory. */
export async function createHost(serverId = 'memory') {
  const stateDirectory = await temporaryFolder();
  const server = createMemoryServer({
    clock: systemClock,
    takes: quick,
    id: serverId,
    exec: async (process) => {
      await process.write('stdout', 'systemd running\n');
      return 0;
    },
  });
  const process = { clock: systemClock, kill: () => {}, isDead: () => false, onKill: () => {} };
  const platform = connectMemory(server, { process });
  const notes = new Map<string, string>();
  const access = { mayWriteNotes: true };
  const fleet = fleetOf(server, notes, access);
  const surroundings = contextIn(stateDirectory, async (instance) => ({
    ok: true,
    value: {
      platform,
      fleet,
      instance,
      project: 'default',
      remote: null,
      close: async () => {},
    },
  }));
  return {
    stateDirectory,
    server,
    /** guard's notes on the project. */
    notes,
    access,
    platform,
    ...surroundings,
  };
}

/** The project of the server in memory. */
function fleetOf(server: MemoryServer, notes: Map<string, string>, access: { readonly mayWriteNotes: boolean }): Fleet {
  let revision = 0;
  return {
    listProjects: async () => ok(['default']),
    listInstances: async () =>
      ok(
        [...server.instances.keys()].map((name) => ({
          name,
          project: 'default',
          status: 'Running',
          type: 'container',
          architecture: 'x86_64',
          location: 'none',
          expandedConfig: {},
        })),
      ),
    readProjectNote: async (name) => ok({ text: notes.get(name) ?? null, revision: String(revision) }),
    writeProjectNote: async (name, text, expected) => {
      if (!access.mayWriteNotes) return err(platformFailure('forbidden', 'write the project', 'it is not allowed'));
      if (expected !== String(revision)) return err(platformFailure('changed', 'write the project', 'it has changed'));
      revision += 1;
      if (text === null) notes.delete(name);
      else notes.set(name, text);
      return ok(undefined);
    },
  };
}

export type MemoryHost = Awaited<ReturnType<typeof createHost>>;

/** A run that was killed while its command worked. */
export async function interruptedRun(
  { server, platform, stateDirectory }: MemoryHost,
  instance: string,
  run: string,
  holder: Holder,
): Promise<void> {
  const subject = server.instances.get(instance) ?? addInstance(server, instance);
  const lease = newLease();
  const point = await platform.createSnapshot(
    instance,
    { name: 'guard-in-flight', expiresAt: expiryOfLease(lease) },
    { limitMs: 10_000 },
  );
  if (!point.ok) throw new Error(point.error.detail);
  const restorePointName = `guard-${run}`;
  subject.metadata = {
    run: JSON.stringify({ v: 1, run, holder, wasRunning: true, restorePointName, leaseMs: 120_000, at: 0 }),
  };
  const journal = await openJournal({ stateDirectory, run });
  if (!journal.ok) throw new Error(journal.error);
  const known = { uuid: subject.uuid, server: server.id };
  const about = { version: '0', project: 'default', remote: null, command: ['true'], named: false, ...known } as const;
  const events: RunEvent[] = [
    { type: 'run-started', ...about, instance, wasRunning: true, restorePointName, holder },
    { type: 'lease-acquired', lease: lease.base },
    {
      type: 'restore-point-created',
      restorePoint: { name: 'guard-in-flight', createdAt: point.value.createdAt, volumes: [] },
    },
    { type: 'change-begun' },
  ];
  for (const event of events) await journal.value.append({ ...event, v: 1, run, at: 0 });
  await journal.value.close();
}

/** A rehearsal that was killed after its copy was made; `end` of one that told its end, but left the copy. */
export async function interruptedRehearsal(
  { server, stateDirectory }: MemoryHost,
  instance: string,
  run: string,
  holder: Holder,
  end: Outcome | null = null,
): Promise<void> {
  const original = server.instances.get(instance) ?? addInstance(server, instance);
  const uuid = `uuid-of-${run}`;
  addInstance(projectOf(server, copyProject), instance, { status: 'Running' }).configuration = {
    'volatile.uuid': uuid,
    'user.guard.rehearsal': run,
  };
  const journal = await openJournal({ stateDirectory, run });
  if (!journal.ok) throw new Error(journal.error);
  const copy = { project: copyProject, instance, uuid, volumes: [] };
  const events: RunEvent[] = [
    {
      type: 'run-started',
      version: '0',
      project: 'default',
      remote: null,
      command: ['true'],
      named: false,
      uuid: original.uuid,
      server: server.id,
      instance,
      wasRunning: true,
      restorePointName: '',
      holder,
      rehearsal: { copy, before: null, keepCopy: false },
    },
    ...(end === null ? [] : [{ type: 'run-ended', outcome: end, ms: 1 } as const]),
  ];
  for (const event of events) await journal.value.append({ ...event, v: 1, run, at: 0 });
  await journal.value.close();
}

/** The names of the copies that are there. */
export const copiesOn = (server: MemoryServer): string[] => [...projectOf(server, copyProject).instances.keys()];
