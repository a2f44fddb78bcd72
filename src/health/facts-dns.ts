import { Resolver } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import type { Answer, Socket } from './facts.ts';

/**
 * Asks the name server of the instance for the SOA record of the zones that its configuration names, from the machine that
 * guard runs on. A server can run and listen, and yet refuse a zone.
 */
export const askNameServer = async (
  sockets: readonly Socket[],
  address: string,
  zones: readonly string[],
): Promise<Answer[]> => {
  if (!sockets.some(({ protocol, port }) => protocol === 'udp' && port === 53)) return [];
  const resolver = new Resolver({ timeout: 700, tries: 2 });
  resolver.setServers([isIPv6(address) ? `[${address}]:53` : `${address}:53`]);
  return Promise.all(
    zones.slice(0, mostZones).map(async (zone) => ({
      protocol: 'dns' as const,
      port: 'udp/53',
      question: zone,
      said: await askZone(resolver, zone),
    })),
  );
};

const mostZones = 10;

const askZone = async (resolver: Resolver, zone: string): Promise<string | null> => {
  try {
    await resolver.resolveSoa(zone);
    return 'NOERROR';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return responseCodes.get(code) ?? null;
  }
};

/** The names that Node gives to what a server said; the others mean that nothing came. */
const responseCodes: ReadonlyMap<string, string> = new Map([
  ['ENODATA', 'no SOA record'],
  ['ENOTFOUND', 'NXDOMAIN'],
  ['ESERVFAIL', 'SERVFAIL'],
  ['EREFUSED', 'REFUSED'],
  ['EFORMERR', 'FORMERR'],
  ['ENOTIMP', 'NOTIMP'],
]);
