import type { RunStarted } from '../event.ts';

/** The names of an instance, which may belong to another one later. */
export interface InstanceAddress {
  readonly instance: string;
  readonly project: string;
  /** As in the server's own command-line client; null for the local server. */
  readonly remote: string | null;
}

/** An instance, by what its server knows it by and by its names. */
export interface InstanceIdentity extends InstanceAddress {
  /** Stays with a restore, a rename and a move; null where the server does not tell. */
  readonly uuid: string | null;
  /** Tells the server from all others; null where it does not say. */
  readonly server: string | null;
  /** The server's time, RFC 3339; null where it is not known. */
  readonly createdAt: string | null;
}

/** What a record says of its instance. */
export type RecordedIdentity = Pick<RunStarted, 'instance' | 'project' | 'remote' | 'uuid' | 'server'>;

/**
 * Whether a record is of this instance: it has the same uuid on the same server, whatever its names. Where one of the two does not
 * name a uuid the names decide, unless the restore point of the run (`takenAt`, the server's time) is older than the instance. Pure.
 */
export function isOfInstance(
  recorded: RecordedIdentity,
  identity: InstanceIdentity,
  takenAt: string | null = null,
): boolean {
  if (isOtherServer(recorded, identity)) return false;
  if (recorded.uuid !== undefined && identity.uuid !== null) return recorded.uuid === identity.uuid;
  return hasNamesOf(recorded, identity) && !isBefore(takenAt, identity.createdAt);
}

/** Whether a record is certainly of another instance, although it has the names of this one. Pure. */
export function isPredecessor(
  recorded: RecordedIdentity,
  identity: InstanceIdentity,
  takenAt: string | null = null,
): boolean {
  return hasNamesOf(recorded, identity) && !isOfInstance(recorded, identity, takenAt);
}

function isOtherServer({ server }: RecordedIdentity, identity: InstanceIdentity): boolean {
  return server !== undefined && identity.server !== null && server !== identity.server;
}

function hasNamesOf(recorded: RecordedIdentity, { instance, project, remote }: InstanceIdentity): boolean {
  return recorded.instance === instance && recorded.project === project && recorded.remote === remote;
}

function isBefore(time: string | null, other: string | null): boolean {
  return time !== null && other !== null && Date.parse(time) < Date.parse(other);
}
