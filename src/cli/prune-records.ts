import type { RecordedIdentity } from '../journal/instance-identity.ts';
import type { KeptRestorePoint } from '../journal/kept-restore-points.ts';
import { pruneRecords } from '../journal/retention.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { locate, type SeenServers } from './identity.ts';

/** Old records go when new ones come. What cannot be removed changes no outcome. `keep`: the number of kept records. */
export async function pruneOldRecords(context: Context, reached: InstanceConnection, keep?: number): Promise<void> {
  const servers: SeenServers = new Map();
  await pruneRecords(stateDirectoryOf(context), {
    ...(keep === undefined ? {} : { keep }),
    mayExist: (point, of) => mayExist(reached, servers, point, of),
  }).catch(() => []);
}

/** Only its own server can say that a restore point is gone. */
async function mayExist(
  { platform, fleet, remote }: InstanceConnection,
  servers: SeenServers,
  { name, createdAt }: KeptRestorePoint,
  of: RecordedIdentity,
): Promise<boolean> {
  if (of.remote !== remote) return true;
  const there = platform.inProject(of.project);
  const where = await locate({ platform: there, fleet, instance: of.instance, remote }, of, servers);
  if (where.kind === 'gone') return false;
  if (where.kind === 'other-server' || where.kind === 'unknown') return true;
  const snapshot =
    where.kind === 'here'
      ? await there.getSnapshot(of.instance, name)
      : await platform.inProject(where.project).getSnapshot(where.instance, name);
  return snapshot.ok ? snapshot.value.createdAt === createdAt : snapshot.error.kind !== 'not-found';
}
