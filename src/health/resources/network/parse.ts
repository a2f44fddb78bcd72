import type { Address, DefaultRoute, Network } from '../../facts.ts';
import { numberOr, type Section } from '../../probe/sections.ts';
import { addressFromHex, sayIpv6 } from '../listener/parse.ts';

/** Addresses, default routes and name servers; null unless all three could be read. */
export function networkFrom(
  addresses: Section | undefined,
  routes: Section | undefined,
  nameservers: Section | undefined,
): Network | null {
  if (addresses?.status !== 0 || routes?.status !== 0 || nameservers?.status !== 0) return null;
  const lines = addresses.lines.slice(0, mostLines);
  const fromProc = lines.some((line) => line === 'inet6');
  return {
    addresses: fromProc ? addressesOfProc(lines) : lines.flatMap(addressOfIp),
    defaultRoutes: defaultRoutes(routes.lines.slice(0, mostLines)),
    nameservers: nameservers.lines
      .slice(0, 100)
      .flatMap((line) => /^\s*nameserver\s+(\S{1,100})/.exec(line)?.[1] ?? []),
  };
}

const mostLines = 20_000;

/** A line of `ip -o addr show`. Temporary and deprecated IPv6 addresses come and go by design. */
function addressOfIp(line: string): Address[] {
  const [, name, family, address, prefix, rest] =
    /^\d+:\s+(\S{1,64}?)(?:@\S+)?\s+(inet6?)\s+([0-9a-f.:]{2,45})(?:\s+peer\s+[0-9a-f.:]+)?(?:\/(\d{1,3}))?\s(.*)$/.exec(
      line,
    ) ?? [];
  if (name === undefined || address === undefined || rest === undefined) return [];
  if (name === 'lo' || !/\bscope global\b/.test(rest) || /\b(temporary|deprecated|tentative|dadfailed)\b/.test(rest))
    return [];
  const version = family === 'inet' ? 4 : 6;
  return [
    {
      family: version,
      address,
      prefix: numberOr(prefix, version === 4 ? 32 : 128),
      interface: name,
      dynamic: /\bdynamic\b/.test(rest),
    },
  ];
}

/** Without `ip`: local addresses of /proc/net/fib_trie, then `inet6`, then /proc/net/if_inet6. */
function addressesOfProc(lines: readonly string[]): Address[] {
  const from = lines.indexOf('inet6');
  const local = new Set<string>();
  lines.slice(0, from).forEach((line, index, all) => {
    const address = /\|-- (\d{1,3}(?:\.\d{1,3}){3})$/.exec(line)?.[1];
    if (address !== undefined && /\/32 host LOCAL/.test(all[index + 1] ?? '') && !address.startsWith('127.'))
      local.add(address);
  });
  // The table does not say on which interface, nor how large the network is.
  const v4 = [...local].map((address): Address => ({ family: 4, address, prefix: 32, interface: '', dynamic: null }));
  return [...v4, ...lines.slice(from + 1).flatMap(addressOfIfInet6)];
}

function addressOfIfInet6(line: string): Address[] {
  const [, hex, prefix, scope, flags, name] =
    /^([0-9a-f]{32}) [0-9a-f]{2} ([0-9a-f]{2}) ([0-9a-f]{2}) ([0-9a-f]{2}) +(\S{1,64})$/.exec(line) ?? [];
  if (hex === undefined || name === undefined || name === 'lo' || scope !== '00') return [];
  const bits = Number.parseInt(flags ?? '0', 16);
  if ((bits & unsettled) !== 0) return [];
  return [
    {
      family: 6,
      address: sayIpv6(hex),
      prefix: Number.parseInt(prefix ?? '80', 16),
      interface: name,
      dynamic: (bits & permanent) === 0,
    },
  ];
}

/** IFA_F_TEMPORARY, IFA_F_DADFAILED, IFA_F_DEPRECATED, IFA_F_TENTATIVE of linux/if_addr.h. */
const unsettled = 0x01 | 0x08 | 0x20 | 0x40;
const permanent = 0x80;

function defaultRoutes(lines: readonly string[]): DefaultRoute[] {
  const from = lines.indexOf('inet6');
  return [...lines.slice(0, from).flatMap(route4), ...lines.slice(from + 1).flatMap(route6)];
}

/** /proc/net/route: Iface Destination Gateway Flags RefCnt Use Metric Mask. */
function route4(line: string): DefaultRoute[] {
  const [name, destination, gateway, flags, , , , mask] = line.split('\t').map((field) => field.trim());
  if (name === undefined || gateway === undefined || destination !== '00000000' || mask !== '00000000') return [];
  if (!usable(flags)) return [];
  return [{ family: 4, interface: name, gateway: addressFromHex(gateway) ?? '' }];
}

/** /proc/net/ipv6_route: destination, its prefix, source, its prefix, next hop, metric, counts, flags, interface. */
function route6(line: string): DefaultRoute[] {
  const fields = line.trim().split(/\s+/);
  const [destination, prefix, , , gateway] = fields;
  const name = fields[9];
  if (name === undefined || gateway === undefined || name === 'lo' || !usable(fields[8])) return [];
  if (!/^0{32}$/.test(destination ?? '') || prefix !== '00' || !/^[0-9a-f]{32}$/.test(gateway)) return [];
  return [{ family: 6, interface: name, gateway: sayIpv6(gateway) }];
}

/** RTF_UP, and not RTF_REJECT. */
function usable(flags: string | undefined): boolean {
  const bits = Number.parseInt(flags ?? '0', 16);
  return (bits & 0x1) !== 0 && (bits & 0x200) === 0;
}
