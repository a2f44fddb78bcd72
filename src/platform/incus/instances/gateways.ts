import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';

/** The gateways of this machine's default routes, IPv4 and IPv6. Empty where the kernel's tables cannot be read. */
export async function gatewaysOfThisHost(): Promise<string[]> {
  const [route, ipv6Route] = await Promise.all(
    ['/proc/net/route', '/proc/net/ipv6_route'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  return defaultGateways(route ?? '', ipv6Route ?? '', endianness());
}

/** The next hops of the default routes in `/proc/net/route` and `/proc/net/ipv6_route`, as the machine's kernel writes them. */
export function defaultGateways(route: string, ipv6Route: string, order: 'BE' | 'LE'): string[] {
  return [...fieldsOf(route).flatMap((fields) => gateway4(fields, order)), ...fieldsOf(ipv6Route).flatMap(gateway6)];
}

function fieldsOf(table: string): string[][] {
  return table.split('\n').map((line) => line.trim().split(/\s+/));
}

/** Iface Destination Gateway Flags RefCnt Use Metric Mask. */
function gateway4([, destination, gateway = '', , , , , mask]: readonly string[], order: 'BE' | 'LE'): string[] {
  if (destination !== '00000000' || mask !== '00000000' || !/^[0-9A-F]{8}$/i.test(gateway)) return [];
  const bytes = (gateway.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16));
  const address = (order === 'LE' ? bytes.toReversed() : bytes).join('.');
  return address === '0.0.0.0' ? [] : [address];
}

/** Destination, its prefix, source, its prefix, next hop, and more. */
function gateway6([destination = '', prefix, , , gateway = '']: readonly string[]): string[] {
  if (!/^0{32}$/.test(destination) || prefix !== '00' || !/^[0-9a-f]{32}$/i.test(gateway)) return [];
  return /^0+$/.test(gateway) ? [] : [(gateway.match(/.{4}/g) ?? []).join(':')];
}
