import { err, ok, type Result } from '../../../result.ts';
import { call, type Incus } from './client.ts';
import { failureOf } from './failure.ts';
import type { PlatformFailure } from '../../failure.ts';
import type { Pool, ServerDescription, ServerIdentity } from '../../platform.ts';
import { testedVersionsOf, type Product } from '../product.ts';
import { listOf, objectOf, textOf, textsOf } from './json.ts';

/** The daemon that answers. */
export interface Server extends ServerIdentity {
  /** The server's own name (`environment.server_name`). */
  readonly name: string;
  /** What its interface has beyond the first version. */
  readonly extensions: ReadonlySet<string>;
}

/** Asks who answers. `forbidden` when the server does not trust this client. */
export async function getServer(incus: Incus): Promise<Result<Server, PlatformFailure>> {
  const purpose = 'read the server information';
  const reply = await call(incus, { method: 'GET', path: [], purpose });
  if (!reply.ok) return reply;
  const server = objectOf(reply.value.metadata);
  const about = { purpose, project: incus.project };
  if (server['auth'] !== 'trusted') return err(failureOf('forbidden', about, 'the server does not trust this client'));
  const environment = objectOf(server['environment']);
  const product: Product = environment['server'] === 'lxd' ? 'LXD' : 'Incus';
  return ok({
    id: textOf(environment['certificate_fingerprint']) || null,
    product,
    version: textOf(environment['server_version']),
    testedVersions: testedVersionsOf(product),
    name: textOf(environment['server_name']),
    extensions: new Set(listOf(server['api_extensions']).map(textOf)),
  });
}

/** The fingerprint of its certificate, which all members of a cluster share; null where it cannot be read. */
export async function serverId(incus: Incus): Promise<string | null> {
  const server = await getServer(incus);
  return server.ok ? server.value.id : null;
}

/** The server as `guard doctor` tells of it. A restricted user sees neither pools nor the project. */
export async function describeServer(
  incus: Incus,
  listPools: () => Promise<Result<Pool[], PlatformFailure>>,
): Promise<Result<ServerDescription, PlatformFailure>> {
  const server = await getServer(incus);
  if (!server.ok) return server;
  const [project, pools] = await Promise.all([
    call(incus, { method: 'GET', path: ['projects', incus.project], purpose: `read the project ${incus.project}` }),
    listPools(),
  ]);
  if (!project.ok && project.error.kind === 'not-found') return project;
  const config = project.ok ? textsOf(objectOf(project.value.metadata)['config']) : null;
  return ok({
    ...server.value,
    allowsSnapshots:
      config === null ? null : config['restricted'] !== 'true' || config['restricted.snapshots'] === 'allow',
    pools: pools.ok ? pools.value : null,
  });
}

/**
 * Whether the daemon is about to end, and waits for what is under way, an exec that is held open too (lxc/incus#1942).
 * Reading tells nothing of it (seen on 6.0.4); a change is refused with 503, also one of an instance that does not exist.
 */
export async function isShuttingDown(incus: Incus): Promise<boolean> {
  // No instance can have a name with underscores.
  const path = ['instances', '_guard_asks_'];
  const reply = await call(incus, {
    method: 'PATCH',
    path,
    body: {},
    purpose: 'read whether the server is shutting down',
  });
  return !reply.ok && reply.error.code === 503;
}
