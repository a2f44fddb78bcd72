import { BlockList, isIPv4, isIPv6 } from 'node:net';

/**
 * Which addresses guard may send a question to. Root inside an instance chooses the addresses that it has, so none of them is
 * asked by its word alone (issue 13).
 */

/** What a server of instances knows about the addresses of one of them. */
export interface AddressKnowledge {
  /** Addresses that the server itself gave it: configured on its network devices, or leased to them. */
  readonly assigned: readonly string[];
  /** Networks of its network devices, as `10.1.2.1/24`: of their bridge or parent, or routed to them. */
  readonly networks: readonly string[];
  /** Addresses in these networks that belong to the server, to the gateway or to another instance. */
  readonly ofOthers: readonly string[];
}

/** Of the addresses that an instance claims to have, those that the knowledge confirms, each in its usual form. */
export function confirmedAddresses(claimed: readonly string[], known: AddressKnowledge): string[] {
  const assigned = new Set(known.assigned.flatMap(canonicalAddress));
  const ofOthers = new Set(known.ofOthers.flatMap(canonicalAddress));
  const own = [...new Set(claimed.flatMap(canonicalAddress))].filter(isGlobalAddress);
  return own.filter(
    (address) => !ofOthers.has(address) && (assigned.has(address) || isInside(address, known.networks)),
  );
}

/** The address in its usual form; nothing for what is none, has a zone, or is IPv4 written as IPv6. */
export function canonicalAddress(text: string): string[] {
  if (isIPv4(text)) return [text];
  if (!isIPv6(text) || text.includes('%')) return [];
  const address = new URL(`http://[${text}]`).hostname.slice(1, -1);
  return address.startsWith('::ffff:') ? [] : [address];
}

/** Whether the address, in its usual form, may be that of one host elsewhere: see `special`. */
export function isGlobalAddress(address: string): boolean {
  return canonicalAddress(address).some((canonical) => !has(special, canonical));
}

/** Whether the address is one of the internet: neither special nor of a private network. */
export function isPublicAddress(address: string): boolean {
  return isGlobalAddress(address) && !has(privateUse, address);
}

/** Strictly inside: the first and the last address of an IPv4 network belong to no host. */
function isInside(address: string, networks: readonly string[]): boolean {
  return networks.some((network) => {
    const [base = '', prefix = ''] = network.split('/');
    const bits = isIPv4(base) ? 32 : 128;
    const length = prefix === '' ? bits : Number(prefix);
    // A network of all addresses says nothing.
    if (isIPv4(base) !== isIPv4(address) || !Number.isInteger(length) || length < 1 || length > bits) return false;
    if (!isIPv4(base) && !isIPv6(base)) return false;
    const list = listOf([[base, length]]);
    return has(list, address) && !(isIPv4(base) && length < 31 && isEdge(address, length));
  });
}

function isEdge(address: string, length: number): boolean {
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - length);
  return number % size === 0 || number % size === size - 1;
}

/** One list a family: a list of both takes an IPv4 address for an IPv6 one that contains it. */
interface Networks {
  readonly ipv4: BlockList;
  readonly ipv6: BlockList;
}

function has(list: Networks, address: string): boolean {
  const family = familyOf(address);
  return list[family].check(address, family);
}

function listOf(networks: readonly (readonly [string, number])[]): Networks {
  const list = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const [base, length] of networks) list[familyOf(base)].addSubnet(base, length, familyOf(base));
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

/** Loopback, link-local, multicast, reserved, and IPv6 that stands for another address (RFC 6890). */
const special = listOf([
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.88.99.0', 24],
  ['224.0.0.0', 3],
  // Unspecified, loopback, IPv4-compatible and -mapped.
  ['::', 8],
  // NAT64, Teredo and 6to4 lead to an IPv4 address.
  ['64:ff9b::', 32],
  ['2001::', 32],
  ['2002::', 16],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
]);

const privateUse = listOf([
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['fc00::', 7],
]);
