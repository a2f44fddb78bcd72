import { networkInterfaces } from 'node:os';

import { err, ok, type Result } from '../../../result.ts';
import { call, usualLimitMs, type Incus } from '../http/client.ts';
import { failureOf } from '../http/failure.ts';
import { getServer } from '../http/server.ts';
import type { PlatformFailure } from '../../failure.ts';
import { listOf, objectOf, textOf, textsOf, type Json } from '../http/json.ts';
import { operate } from '../http/operations.ts';
import type { RehearsalPlace } from '../../rehearsals.ts';
import { rehearsalProject } from '../http/removal.ts';

export { rehearsalProject };

/** The key by which guard knows its own project, network and ACL. Its value is the version of their form. */
export const placeKey = 'user.guard.rehearsals';

/** The form of project, network and ACL that this guard makes. */
const placeVersion = '1';

/** The same server, seen from another project. */
export function inProject(incus: Incus, project: string): Incus {
  return { ...incus, project };
}

/**
 * Makes project, ACL and network of the copies where they are missing, and restores their configuration where somebody
 * changed it: isolation is proven before each copy, not remembered. Refuses a project or an ACL of that name without
 * guard's key, because it belongs to somebody else.
 */
export async function ensureRehearsalPlace(incus: Incus): Promise<Result<RehearsalPlace, PlatformFailure>> {
  // Networks of type bridge exist in the default project only.
  const root = inProject(incus, 'default');
  const found = await readOwn(root, ['projects', rehearsalProject], `read the project ${rehearsalProject}`);
  if (!found.ok) return found;
  const network = await ensureNetwork(root, found.value?.config[networkKey] ?? null);
  if (!network.ok) return network;
  const project = await ensureProject(root, found.value, network.value);
  return project.ok ? ok({ project: rehearsalProject, network: network.value }) : project;
}

/** The project's key that names its network. */
const networkKey = 'user.guard.network';

/** One of guard's own things on the server. */
interface Own {
  readonly config: Readonly<Record<string, string>>;
  readonly json: Json;
}

/** Null where it is not there; a thing without guard's key is a failure. */
async function readOwn(
  incus: Incus,
  path: readonly string[],
  purpose: string,
): Promise<Result<Own | null, PlatformFailure>> {
  const reply = await call(incus, { method: 'GET', path, purpose });
  if (!reply.ok) return reply.error.kind === 'not-found' ? ok(null) : reply;
  const json = objectOf(reply.value.metadata);
  const config = textsOf(json['config']);
  if (config[placeKey] !== undefined) return ok({ config, json });
  const said = `"${path.at(-1) ?? ''}" exists and is not guard's: it lacks the key ${placeKey}`;
  return err(
    failureOf('name-taken', { purpose, project: incus.project }, said, {
      advice: 'Rename it, so that guard can create its own.',
    }),
  );
}

/** What the server itself then refuses to every copy: other networks, folders of the host, devices of the host. */
function projectConfig(network: string, hasBuckets: boolean): Readonly<Record<string, string>> {
  return {
    'features.images': 'false',
    'features.networks': 'false',
    'features.profiles': 'true',
    ...(hasBuckets ? { 'features.storage.buckets': 'true' } : {}),
    'features.storage.volumes': 'true',
    restricted: 'true',
    'restricted.containers.interception': 'full',
    'restricted.containers.lowlevel': 'allow',
    'restricted.containers.nesting': 'allow',
    'restricted.containers.privilege': 'allow',
    'restricted.devices.disk': 'managed',
    'restricted.devices.nic': 'managed',
    // The package proxy is one.
    'restricted.devices.proxy': 'allow',
    'restricted.networks.access': network,
    [placeKey]: placeVersion,
    [networkKey]: network,
  };
}

async function ensureProject(incus: Incus, found: Own | null, network: string): Promise<Result<void, PlatformFailure>> {
  const purpose = `create the project ${rehearsalProject}`;
  const server = await getServer(incus);
  if (!server.ok) return err({ ...server.error, purpose });
  // LXD 5.0 has no buckets, and refuses a key that it does not know.
  const config = projectConfig(network, server.value.extensions.has('storage_buckets'));
  const wanted = { config, description: 'Copies on which guard rehearses changes' };
  if (found === null) {
    const body = { name: rehearsalProject, ...wanted };
    return unlessOwn(
      incus,
      ['projects', rehearsalProject],
      await operate(incus, { method: 'POST', path: ['projects'], body, purpose, limitMs: usualLimitMs }),
    );
  }
  if (isSame(found.config, wanted.config)) return ok(undefined);
  const path = ['projects', rehearsalProject];
  return made(await operate(incus, { method: 'PUT', path, body: wanted, purpose, limitMs: usualLimitMs }));
}

/** `volatile.*` keys are the server's own. */
function isSame(found: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  const own = Object.entries(found).filter(([key]) => !key.startsWith('volatile.'));
  return own.length === Object.keys(wanted).length && own.every(([key, value]) => wanted[key] === value);
}

/** Short enough for the kernel's 15 characters. The next one is tried where the name belongs to somebody else. */
const networkNames = [
  'guardreh0',
  'guardreh1',
  'guardreh2',
  'guardreh3',
  'guardreh4',
  'guardreh5',
  'guardreh6',
  'guardreh7',
];

async function ensureNetwork(incus: Incus, known: string | null): Promise<Result<string, PlatformFailure>> {
  let last: PlatformFailure | null = null;
  for (const name of known === null ? networkNames : [known]) {
    const ensured = await ensureNetworkNamed(incus, name);
    if (ensured.ok) return ok(name);
    last = ensured.error;
    // Another daemon's bridge, or somebody's network of that name.
    if (!/exists/i.test(ensured.error.detail)) return ensured;
  }
  return err(
    last ??
      failureOf('invalid', { purpose: 'create the network of the copies', project: incus.project }, 'no name is free'),
  );
}

async function ensureNetworkNamed(incus: Incus, name: string): Promise<Result<void, PlatformFailure>> {
  const purpose = `create the isolated network ${name}`;
  const found = await readOwn(incus, ['networks', name], purpose);
  if (!found.ok) return found;
  const address = found.value?.config['ipv4.address'] ?? null;
  if (found.value !== null && address !== null) {
    const acl = await ensureAcl(incus, name, address);
    if (!acl.ok || isSame(found.value.config, networkConfig(name, address))) return acl;
    const body = { config: networkConfig(name, address), description: textOf(found.value.json['description']) };
    return made(
      await operate(incus, { method: 'PUT', path: ['networks', name], body, purpose, limitMs: usualLimitMs }),
    );
  }
  return createNetwork(incus, name, purpose);
}

/** The server picks a free subnet where it can; where it cannot, guard tries some that no interface has. */
async function createNetwork(incus: Incus, name: string, purpose: string): Promise<Result<void, PlatformFailure>> {
  const acl = await ensureAcl(incus, name, null);
  if (!acl.ok) return acl;
  const defined = await defineOnMembers(incus, name, purpose);
  if (!defined.ok) return defined;
  const taken = await takenSubnets(incus);
  let last: Result<void, PlatformFailure> = ok(undefined);
  for (const wanted of ['auto', ...subnets.filter((subnet) => !taken.has(prefixOf(subnet)))]) {
    const body = {
      name,
      type: 'bridge',
      config: networkConfig(name, wanted),
      description: 'Copies on which guard rehearses changes',
    };
    const ended = await operate(incus, { method: 'POST', path: ['networks'], body, purpose, limitMs: usualLimitMs });
    last = await unlessOwn(incus, ['networks', name], ended);
    if (last.ok) break;
    if (!/subnet|address .*in use|IPv4/i.test(last.error.detail)) return last;
  }
  if (!last.ok) return last;
  const created = await readOwn(incus, ['networks', name], purpose);
  if (!created.ok) return created;
  return ensureAcl(incus, name, created.value?.config['ipv4.address'] ?? null);
}

/** On a cluster a network is first defined on each member; the request that creates it then makes it on all of them. */
async function defineOnMembers(incus: Incus, name: string, purpose: string): Promise<Result<void, PlatformFailure>> {
  const server = await call(incus, { method: 'GET', path: [], purpose });
  if (!server.ok) return server;
  if (objectOf(objectOf(server.value.metadata)['environment'])['server_clustered'] !== true) return ok(undefined);
  const members = await call(incus, { method: 'GET', path: ['cluster', 'members'], purpose });
  if (!members.ok) return members;
  for (const url of listOf(members.value.metadata)) {
    const target = decodeURIComponent(textOf(url).split('/').at(-1) ?? '');
    const body = { name, type: 'bridge' };
    const query = { target };
    const ended = await operate(incus, {
      method: 'POST',
      path: ['networks'],
      query,
      body,
      purpose,
      limitMs: usualLimitMs,
    });
    // An earlier try may have defined it.
    if (!ended.ok && !/already (defined|exists)/i.test(ended.error.detail)) return ended;
  }
  return ok(undefined);
}

const subnets: readonly string[] = Array.from({ length: 24 }, (_, at) => `10.${201 + (at % 12)}.${17 + 11 * at}.1/24`);

/** The first three numbers of an IPv4 address. */
function prefixOf(address: string): string {
  return address.split('.').slice(0, 3).join('.');
}

/** Addresses of the server's interfaces, of every daemon on it, and of this machine's, which most often is the server. */
async function takenSubnets(incus: Incus): Promise<ReadonlySet<string>> {
  const purpose = 'list the networks';
  const reply = await call(incus, { method: 'GET', path: ['networks'], purpose });
  const names = reply.ok
    ? listOf(reply.value.metadata).map((url) => textOf(url).split('?')[0]?.split('/').at(-1) ?? '')
    : [];
  const states = await Promise.all(
    names
      .filter((name) => name !== '')
      .map((name) => call(incus, { method: 'GET', path: ['networks', name, 'state'], purpose })),
  );
  const theirs = states.flatMap((state) =>
    state.ok ? listOf(objectOf(state.value.metadata)['addresses']).map((one) => textOf(objectOf(one)['address'])) : [],
  );
  const ours = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
  return new Set([...theirs, ...ours].map(prefixOf));
}

const dnsmasq: readonly string[] = [
  // No default route.
  'dhcp-option=3',
  // dnsmasq passes on what it is sent, dynamic updates too (seen with 2.90). So it asks nobody, and every name has an address
  // of the documentation's: a server that needs names to start does start, and what it connects to is nowhere.
  'no-resolv',
  'address=/#/192.0.2.1',
  '',
];

/**
 * No way out: no address translation, no routing between bridges, no IPv6, everything rejected by default. Without a
 * default route a copy cannot address the host's other addresses, whose port 53 the server's own rules would admit.
 */
function networkConfig(name: string, address: string): Readonly<Record<string, string>> {
  return {
    'ipv4.address': address,
    'ipv4.nat': 'false',
    'ipv4.routing': 'false',
    'ipv6.address': 'none',
    'raw.dnsmasq': dnsmasq.join('\n'),
    'security.acls': name,
    'security.acls.default.egress.action': 'reject',
    'security.acls.default.ingress.action': 'reject',
    [placeKey]: placeVersion,
  };
}

/** Nothing may go out, and only the host itself may come in: guard asks the copy's servers from there. */
async function ensureAcl(incus: Incus, name: string, address: string | null): Promise<Result<void, PlatformFailure>> {
  const purpose = `create the network ACL ${name}`;
  const found = await readOwn(incus, ['network-acls', name], purpose);
  if (!found.ok) return found;
  const host = address === null ? null : (address.split('/')[0] ?? null);
  const ingress = host === null || host === 'auto' ? [] : [{ action: 'allow', source: `${host}/32`, state: 'enabled' }];
  const wanted = {
    config: { [placeKey]: placeVersion },
    description: 'Copies of guard reach nothing',
    egress: [],
    ingress,
  };
  const limitMs = usualLimitMs;
  if (found.value === null)
    return unlessOwn(
      incus,
      ['network-acls', name],
      await operate(incus, { method: 'POST', path: ['network-acls'], body: { name, ...wanted }, purpose, limitMs }),
    );
  const { egress, ingress: admitted } = found.value.json;
  if (isSameRules(egress, []) && isSameRules(admitted, ingress)) return ok(undefined);
  return made(await operate(incus, { method: 'PUT', path: ['network-acls', name], body: wanted, purpose, limitMs }));
}

function isSameRules(found: unknown, wanted: readonly Readonly<Record<string, string>>[]): boolean {
  const rules = listOf(found).map(textsOf);
  return rules.length === wanted.length && rules.every((rule, at) => isSame(rule, wanted[at] ?? {}));
}

/** Another guard may have made it at the same moment: that is as good. */
async function unlessOwn(
  incus: Incus,
  path: readonly string[],
  ended: Result<unknown, PlatformFailure>,
): Promise<Result<void, PlatformFailure>> {
  if (ended.ok) return ok(undefined);
  if (!/exists|UNIQUE/i.test(ended.error.detail)) return ended;
  const found = await readOwn(incus, path, ended.error.purpose);
  return found.ok && found.value !== null ? ok(undefined) : ended;
}

function made(ended: Result<unknown, PlatformFailure>): Result<void, PlatformFailure> {
  return ended.ok ? ok(undefined) : ended;
}
