import type { InstanceIdentity, RecordedIdentity } from '../journal/instance-identity.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import { neutralise } from '../text.ts';
import { writeLines } from '../report/write.ts';
import type { Context } from './context.ts';
import { withInstance, type Session, type SessionRequest } from './session.ts';

type Reached = Pick<InstanceConnection, 'platform' | 'instance' | 'project' | 'remote'>;

/** The instance as records know it. Where the server does not answer only its names are known. */
export async function identityOfReached({ platform, instance, project, remote }: Reached): Promise<InstanceIdentity> {
  const [seen, server] = await Promise.all([platform.getInstance(instance), platform.serverId()]);
  const { uuid, createdAt } = seen.ok ? seen.value : { uuid: null, createdAt: null };
  return { instance, project, remote, uuid, server, createdAt };
}

/** Where the instance of a record is now. */
export type Whereabouts =
  /** Under its name, or an instance that may be it is there. */
  | { readonly kind: 'here' }
  /** Under another name, or in another project. */
  | { readonly kind: 'moved'; readonly instance: string; readonly project: string }
  /** It was deleted. `replaced`: another instance has its name. */
  | { readonly kind: 'gone'; readonly replaced: boolean }
  /** The record is of another server than this one. */
  | { readonly kind: 'other-server' }
  /** The server did not tell. */
  | { readonly kind: 'unknown' };

/**
 * Looks for the instance of a record on the server, by its uuid where the record has one. Only a server that is known to be the
 * same can say that an instance is gone.
 */
export async function locate(
  reached: Pick<InstanceConnection, 'platform' | 'fleet' | 'instance' | 'remote'>,
  recorded: RecordedIdentity,
  servers: SeenServers = new Map(),
): Promise<Whereabouts> {
  const { platform, instance, remote } = reached;
  const server = recorded.server === undefined ? null : await platform.serverId();
  if (server !== null && server !== recorded.server) return { kind: 'other-server' };
  const seen = await platform.getInstance(instance);
  if (!seen.ok && seen.error.kind !== 'not-found') return { kind: 'unknown' };
  const { uuid } = recorded;
  const found = seen.ok ? seen.value.uuid : null;
  if (seen.ok && (uuid === undefined || found === null || found === uuid)) return { kind: 'here' };
  if (server === null) return { kind: 'unknown' };
  if (uuid === undefined) return { kind: 'gone', replaced: false };
  const asked = servers.get(remote) ?? instancesByUuid(reached);
  servers.set(remote, asked);
  const instances = await asked;
  if (instances === null) return { kind: 'unknown' };
  const [first, second] = instances.get(uuid) ?? [];
  if (first === undefined) return { kind: 'gone', replaced: seen.ok };
  // Imported twice from one backup: a person has to say which.
  return second === undefined ? { kind: 'moved', ...first } : { kind: 'unknown' };
}

/** An instance, by its name and project. */
interface Location {
  readonly instance: string;
  readonly project: string;
}

/** What servers told of their instances, by remote, for a command that looks for many: each server is asked once. */
export type SeenServers = Map<string | null, Promise<ReadonlyMap<string, readonly Location[]> | null>>;

/** All instances of the server that this user may see, by uuid; several have one if they were imported from one backup. Null if that is not known. */
async function instancesByUuid({
  platform,
  fleet,
}: Pick<InstanceConnection, 'platform' | 'fleet'>): Promise<ReadonlyMap<string, readonly Location[]> | null> {
  const projects = await fleet.listProjects();
  if (!projects.ok) return null;
  const found = new Map<string, Location[]>();
  for (const project of projects.value) {
    const listed = await platform.inProject(project).listInstances();
    if (!listed.ok) return null;
    for (const { uuid, name } of listed.value)
      if (uuid !== null) found.set(uuid, [...(found.get(uuid) ?? []), { instance: name, project }]);
  }
  return found;
}

/**
 * Connects to the instance of a record, wherever it is by now; `wanted` says where it was last known. The work is told whether it
 * was found: if not, the session is the one of `wanted`.
 */
export function withRecorded(
  context: Context,
  wanted: SessionRequest,
  recorded: RecordedIdentity,
  work: (session: Session, where: Whereabouts) => Promise<number>,
  servers?: SeenServers,
): Promise<number> {
  return withInstance(context, wanted, async (session) => {
    const { reached } = session;
    const where = await locate(reached, recorded, servers);
    if (where.kind !== 'moved') return work(session, where);
    const { json, quiet } = wanted.options;
    if (json !== true && quiet !== true) await writeLines(context.stderr, [`guard: ${describeMove(reached, where)}`]);
    const instance = addressOf({ instance: where.instance, remote: reached.remote });
    const options = { ...wanted.options, project: where.project };
    return withInstance(context, { ...wanted, instance, options }, (moved) => work(moved, where));
  });
}

function describeMove(before: Reached, now: Extract<Whereabouts, { kind: 'moved' }>): string {
  const project = before.project === now.project ? '' : ` in the project ${neutralise(now.project)}`;
  return `"${neutralise(before.instance)}" is now "${neutralise(now.instance)}"${project}.`;
}

/** `remote:name`, as it is typed. */
export function addressOf({ instance, remote }: Pick<RecordedIdentity, 'instance' | 'remote'>): string {
  return remote === null ? instance : `${remote}:${instance}`;
}
