import type { Clock } from '../clock.ts';
import type { Answer, Facts, Socket } from './facts.ts';
import { askNameServer } from './facts-dns.ts';
import { askWebServers } from './facts-http.ts';

/**
 * Asks the servers of the instance whose protocol has a harmless question: a service that listens can still answer nothing
 * but errors (F36). Null where nobody can be asked from here. Other protocols are left alone, because their servers count a client
 * that asks nothing sensible as an attack.
 */
export const askServers = async (
  facts: Pick<Facts, 'sockets' | 'network' | 'configuration'>,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<readonly Answer[] | null> => {
  const address = facts.network?.addresses.toSorted((a, b) => a.family - b.family)[0]?.address;
  if (address === undefined || facts.sockets === null) return null;
  const sockets = facts.sockets.filter((socket) => isAt(socket, address));
  const answers = await Promise.all([
    askWebServers(sockets, address, clock, signal),
    askNameServer(sockets, address, facts.configuration?.zones ?? []),
  ]);
  return answers.flat().length === 0 ? null : answers.flat();
};

const isAt = ({ address }: Socket, own: string): boolean =>
  address === '0.0.0.0' || address === '::' || address === own;
