import type { RecordedIdentity } from '../journal/instance-identity.ts';
import type { KeptRestorePoint } from '../journal/kept-restore-points.ts';
import { pruneRecords } from '../journal/retention.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { locate, type SeenServers } from './identity.ts';

/** Old records go when new ones come. What cannot be removed changes no outcome. `keep`: the number of kept records. */
export async function pruneOldRecords(context: Context, reached: InstanceConnection, keep?: number): Promise<void> {
  const servers: SeenServers = new Map();
  let isSilent = false;
  await pruneRecords(stateDirectoryOf(context), {
    ...(keep === undefined ? {} : { keep }),
    mayExist: async (point, of) => {
      // A server that does not answer is asked once.
      const presence = isSilent ? 'unknown' : await presenceOf(reached, servers, point, of);
      isSilent ||= presence === 'unknown';
      return presence !== 'gone';
    },
  }).catch(() => []);
}

/** Only its own server can say that a restore point is gone. `unknown`: the server did not answer. */
async function presenceOf(
  { platform, fleet, remote }: InstanceConnection,
  servers: SeenServers,
  { name, createdAt }: KeptRestorePoint,
  of: RecordedIdentity,
): Promise<'there' | 'gone' | 'elsewhere' | 'unknown'> {
  // An older guard recorded no server: the records of a host may name several.
  if (of.remote !== remote || of.server == null) return 'elsewhere';
  const there = platform.inProject(of.project);
  const where = await locate({ platform: there, fleet, instance: of.instance, remote }, of, servers);
  if (where.kind === 'gone' || where.kind === 'unknown') return where.kind;
  if (where.kind === 'other-server') return 'elsewhere';
  const snapshot =
    where.kind === 'here'
      ? await there.getSnapshot(of.instance, name)
      : await platform.inProject(where.project).getSnapshot(where.instance, name);
  if (snapshot.ok) return snapshot.value.createdAt === createdAt ? 'there' : 'gone';
  return snapshot.error.kind === 'not-found' ? 'gone' : 'unknown';
}
