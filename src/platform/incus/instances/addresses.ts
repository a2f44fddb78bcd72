import { confirmedAddresses, type AddressKnowledge } from '../../address.ts';
import type { PlatformFailure } from '../../failure.ts';
import { isTransient } from '../../failure.ts';
import { ok, type Result } from '../../../result.ts';
import { call, type Incus } from '../http/client.ts';
import { listOf, objectOf, textOf, textsOf, type Json } from '../http/json.ts';
import { gatewaysOfThisHost } from './gateways.ts';
import { getRawInstance, type RawInstance } from './instance.ts';

/**
 * Returns those of the claimed addresses that belong to the instance, as far as the server knows. Incus does not report the routes
 * of its host, so `readGateways` reads those of this machine: it usually is the server, or is in the same network.
 */
export async function confirmAddresses(
  incus: Incus,
  name: string,
  claimed: readonly string[],
  readGateways: () => Promise<readonly string[]> = gatewaysOfThisHost,
): Promise<Result<string[], PlatformFailure>> {
  if (claimed.length === 0) return ok([]);
  const instance = await getRawInstance(incus, name);
  if (!instance.ok) return instance;
  const known = await knowledgeOf(incus, instance.value);
  if (!known.ok) return known;
  const confirmed = confirmedAddresses(claimed, known.value);
  // The server never gives one address to two instances, so the others need not be read.
  const assigned = confirmedAddresses(claimed, { ...known.value, networks: [] });
  if (assigned.length === confirmed.length) return ok(confirmed);
  const others = await addressesOfOthers(incus, name);
  // If the user may not see all instances, an address that the server did not give may belong to one of them.
  if (!others.ok) return isUnknown(others.error) ? others : ok(assigned);
  // An address that the server gave to this instance stays its own, even if another instance sets the same one.
  const ofOthers = [...others.value, ...(await readGateways())];
  const free = confirmedAddresses(confirmed, { ...known.value, ofOthers });
  return ok(confirmed.filter((address) => assigned.includes(address) || free.includes(address)));
}

/** A network device of an instance: its own keys, and its hardware address. */
interface NetworkDevice {
  readonly keys: Readonly<Record<string, string>>;
  readonly hardwareAddress: string;
}

async function knowledgeOf(incus: Incus, instance: RawInstance): Promise<Result<AddressKnowledge, PlatformFailure>> {
  const devices = Object.entries(instance.expandedDevices)
    .filter(([, keys]) => keys['type'] === 'nic')
    .map(([name, keys]): NetworkDevice => ({
      keys,
      hardwareAddress: keys['hwaddr'] ?? instance.config[`volatile.${name}.hwaddr`] ?? '',
    }));
  const known = await Promise.all(devices.map((device) => knowledgeOfDevice(incus, instance, device)));
  const all: AddressKnowledge[] = [];
  for (const one of known) {
    if (!one.ok) return one;
    all.push(one.value);
  }
  return ok({
    assigned: all.flatMap(({ assigned }) => assigned),
    networks: all.flatMap(({ networks }) => networks),
    ofOthers: all.flatMap(({ ofOthers }) => ofOthers),
  });
}

async function knowledgeOfDevice(
  incus: Incus,
  instance: RawInstance,
  device: NetworkDevice,
): Promise<Result<AddressKnowledge, PlatformFailure>> {
  const configured = wordsOf(device.keys, addressKeys).map((address) => address.split('/')[0] ?? '');
  const routed = wordsOf(device.keys, routeKeys);
  const link = device.keys['network'] ?? device.keys['parent'] ?? '';
  // Behind a router the networks of the parent are not those of the device; nor are they in another VLAN of a bridge.
  const isApart = device.keys['nictype'] === 'routed' || device.keys['nictype'] === 'p2p';
  const inOtherVlan = device.keys['nictype'] === 'bridged' && device.keys['vlan'] !== undefined;
  if (link === '' || isApart || inOtherVlan) return ok({ assigned: configured, networks: routed, ofOthers: [] });
  const seen = await knowledgeOfLink(incus, instance.location, link, device);
  if (!seen.ok) return seen;
  return ok({
    assigned: [...configured, ...seen.value.assigned],
    networks: [...routed, ...seen.value.networks],
    ofOthers: seen.value.ofOthers.filter((address) => !configured.includes(address)),
  });
}

const addressKeys = ['ipv4.address', 'ipv6.address'];
/** Of a managed network: the gateway of its uplink, and the one that its DHCP names in place of the bridge. */
const gatewayKeys = ['ipv4.gateway', 'ipv6.gateway', 'ipv4.dhcp.gateway'];
const routeKeys = ['ipv4.routes', 'ipv4.routes.external', 'ipv6.routes', 'ipv6.routes.external'];

function wordsOf(keys: Readonly<Record<string, string>>, names: readonly string[]): string[] {
  return names
    .flatMap((name) => (keys[name] ?? '').split(','))
    .map((word) => word.trim())
    .filter((word) => word !== '' && word !== 'none');
}

/** The addresses in the configuration of a managed network or of an interface of the server. What the user may not see is unknown. */
async function knowledgeOfLink(
  incus: Incus,
  location: string | null,
  link: string,
  { keys, hardwareAddress }: NetworkDevice,
): Promise<Result<AddressKnowledge, PlatformFailure>> {
  const network = await readNetwork(incus, [link], {});
  if (!network.ok) return network;
  const config = textsOf(objectOf(network.value)['config']);
  const isManaged = objectOf(network.value)['managed'] === true;
  const parent = isManaged ? config['parent'] : link;
  const vlan = isManaged ? config['vlan'] : keys['vlan'];
  const carrier = parent === undefined ? link : vlan === undefined ? parent : `${parent}.${vlan}`;
  const target: Record<string, string> = location === null ? {} : { target: location };
  const [state, leases] = await Promise.all([
    readNetwork(incus, [carrier, 'state'], target),
    isManaged ? readNetwork(incus, [link, 'leases'], {}) : ok(null),
  ]);
  if (!state.ok) return state;
  if (!leases.ok) return leases;
  const ofServer = listOf(objectOf(state.value)['addresses']).map((json) => textsOf(json));
  const leased = listOf(leases.value).map((json) => textsOf(json));
  const isOwn = (lease: Readonly<Record<string, string>>): boolean =>
    hardwareAddress !== '' && lease['hwaddr']?.toLowerCase() === hardwareAddress.toLowerCase();
  const ofNetwork = wordsOf(config, addressKeys).filter((address) => address.includes('/'));
  return ok({
    assigned: leased.filter(isOwn).map((lease) => lease['address'] ?? ''),
    networks: [
      ...ofNetwork,
      ...ofServer
        .filter(({ scope }) => scope === 'global')
        .map(({ address = '', netmask = '' }) => `${address}/${netmask}`),
    ],
    ofOthers: [
      ...ofNetwork.map((address) => address.split('/')[0] ?? ''),
      ...wordsOf(config, gatewayKeys).map((address) => address.split('/')[0] ?? ''),
      ...ofServer.map(({ address = '' }) => address),
      ...leased.filter((lease) => !isOwn(lease)).map((lease) => lease['address'] ?? ''),
    ],
  });
}

/** Null if no network has that name, or if the user may not see it. It may be a network of the default project. */
async function readNetwork(
  incus: Incus,
  path: readonly string[],
  query: Readonly<Record<string, string>>,
): Promise<Result<unknown, PlatformFailure>> {
  const purpose = `look at the network ${path[0] ?? ''}`;
  for (const project of new Set([incus.project, 'default'])) {
    const reply = await call(incus, { method: 'GET', path: ['networks', ...path], query, project, purpose });
    if (reply.ok) return ok(reply.value.metadata);
    if (isUnknown(reply.error)) return reply;
  }
  return ok(null);
}

/** Whether a further attempt may succeed. */
function isUnknown(failure: PlatformFailure): boolean {
  return isTransient(failure) || failure.kind === 'timed-out';
}

/** The addresses of all other instances that this user may see, in whatever project. */
async function addressesOfOthers(incus: Incus, name: string): Promise<Result<string[], PlatformFailure>> {
  const query = { recursion: '2' };
  const purpose = 'list the addresses of the instances';
  const reply = await call(incus, { method: 'GET', path: ['instances'], query, inAllProjects: true, purpose });
  if (!reply.ok) return reply;
  const others = listOf(reply.value.metadata)
    .map(objectOf)
    .filter((one) => one['name'] !== name || (textOf(one['project']) || incus.project) !== incus.project);
  return ok(others.flatMap(addressesIn));
}

function addressesIn(instance: Json): string[] {
  const network = objectOf(objectOf(instance['state'])['network']);
  return Object.values(network).flatMap((one) =>
    listOf(objectOf(one)['addresses']).map((address) => textOf(objectOf(address)['address'])),
  );
}
