import { advisory, listed, required, type FactFinding } from '../../finding.ts';
import type { Address, Facts, Network } from '../../facts.ts';

/** Addresses, default routes and name servers that were there before and are not now. All may come back within seconds. */
export function compareNetwork(before: Facts, after: Facts): FactFinding[] {
  if (before.network === null || after.network === null) return [];
  return [
    ...([4, 6] as const).flatMap((family) => lostAddresses(family, before, after)),
    ...([4, 6] as const).flatMap((family) => lostRoute(family, before.network, after.network)),
    ...lostNameservers(before, after),
  ];
}

function lostAddresses(family: 4 | 6, before: Facts, after: Facts): FactFinding[] {
  const were = before.network?.addresses.filter((address) => address.family === family) ?? [];
  const are = after.network?.addresses.filter((address) => address.family === family) ?? [];
  const [had, kept] = [addressesOf(were), addressesOf(are)];
  const anew = are.filter(({ address }) => !had.has(address));
  return were
    .filter(({ address }) => !kept.has(address))
    .map((lost) => {
      const subject = `address:${lost.address}`;
      const on = lost.interface === '' ? 'the instance' : lost.interface;
      const instead = anew.filter((one) => sameInterface(one, lost)).map(({ address }) => address);
      if (instead.length === 0 && !isForGuests(lost))
        return required(subject, `${on} lost its IPv${family} address ${lost.address}`, true);
      if (instead.length === 0) return advisory(subject, `${on} with its address ${lost.address} is gone`);
      const message = `${on} has the IPv${family} address ${listed(instead)} now, before it was ${lost.address}`;
      // A lease may be another one after a restart; an address that somebody wrote down may not.
      return lost.dynamic !== false || leases(before) ? advisory(subject, message) : required(subject, message, true);
    });
}

/** On a bridge that the instance makes for containers of its own, with another name each time; who needs it is a service. */
export function isForGuests(address: Address): boolean {
  return ofOwnGuests.test(address.interface);
}

const ofOwnGuests = /^(docker\d|br-[0-9a-f]{12}$|virbr|lxcbr|lxdbr|incusbr|cni|podman|veth)/;

function addressesOf(addresses: readonly Address[]): ReadonlySet<string> {
  return new Set(addresses.map(({ address }) => address));
}

/** Clients that set a leased address as if it had been written down. */
function leases(facts: Facts): boolean {
  return facts.processes?.some(({ name }) => ['udhcpc', 'dhcpcd', 'dhclient'].includes(name)) ?? false;
}

/** Without `ip` the interface of an IPv4 address is not known. */
function sameInterface(one: Address, other: Address): boolean {
  return one.interface === other.interface || one.interface === '' || other.interface === '';
}

function lostRoute(family: 4 | 6, before: Network | null, after: Network | null): FactFinding[] {
  const was = before?.defaultRoutes.find((route) => route.family === family);
  const is = after?.defaultRoutes.find((route) => route.family === family);
  if (was === undefined) return [];
  if (is === undefined)
    return [required(`route:${family}`, `the IPv${family} default route by ${was.gateway} is gone`, true)];
  if (is.gateway === was.gateway) return [];
  return [
    advisory(
      `route:${family}`,
      `the IPv${family} default route goes by ${is.gateway} now, before it was ${was.gateway}`,
    ),
  ];
}

/** A server elsewhere may; one inside has to listen. */
function mayAnswer(server: string, { sockets, network }: Facts): boolean {
  const inside =
    /^(127\.|::1$)/.test(server) || (network?.addresses.some(({ address }) => address === server) ?? false);
  if (!inside || sockets === null) return true;
  return sockets.some(({ port, address }) => port === 53 && [server, '0.0.0.0', '::'].includes(address));
}

function lostNameservers(before: Facts, after: Facts): FactFinding[] {
  const [were, are] = [before.network?.nameservers ?? [], after.network?.nameservers ?? []];
  if (were.length === 0 || were.join(' ') === are.join(' ')) return [];
  if (are.length === 0)
    return [required('nameservers', `/etc/resolv.conf names no server any more, before it was ${listed(were)}`, true)];
  if (were.some((server) => mayAnswer(server, before)) && !are.some((server) => mayAnswer(server, after)))
    return [
      required(
        'nameservers',
        `/etc/resolv.conf names ${listed(are)} now, where nobody listens, before it was ${listed(were)}`,
        true,
      ),
    ];
  return [advisory('nameservers', `/etc/resolv.conf names ${listed(are)} now, before it was ${listed(were)}`)];
}
