import type { Clock } from '../../clock.ts';
import type { Answer, Facts, Network, Socket } from '../facts.ts';
import { askNameServer } from './dns.ts';
import { greetServers } from './greeting.ts';
import { askWebServers } from './http.ts';
import { askCertificates } from './certificate.ts';
import { askDirectory } from './ldap.ts';
import { learnProtocols } from './learn.ts';
import { rememberAnswers, type Remembering } from './memory.ts';
import { askFurtherPages } from './pages.ts';
import { askForRecipient } from './recipient.ts';

/**
 * Asks the servers of the instance whose protocol has a harmless question: a service that listens can still answer nothing
 * but errors (F36). What an unknown port speaks is found out. Null where nobody can be asked from here.
 */
export async function askServers(
  facts: Pick<Facts, 'sockets' | 'network' | 'configuration' | 'pages' | 'pagePaths'>,
  clock: Clock,
  signal: AbortSignal | undefined,
  remembering: Remembering = rememberAnswers(clock),
  known: readonly Answer[] | null = null,
): Promise<readonly Answer[] | null> {
  const address = addressOf(facts.network);
  if (address === undefined || facts.sockets === null) return null;
  const sockets = facts.sockets.filter((socket) => isAt(socket, address));
  const questions = { clock, signal, remembering };
  const answers = await Promise.all([
    askWebServers(sockets, address, { pages: facts.pages ?? [], sites: facts.configuration?.sites ?? [] }, questions),
    askFurtherPages(
      sockets,
      address,
      { paths: facts.pagePaths ?? [], sites: facts.configuration?.sites ?? [], known },
      questions,
    ),
    askNameServer(sockets, address, facts.configuration, questions),
    greetServers(sockets, address, questions),
    askForRecipient(sockets, address, questions),
    askDirectory(sockets, address, questions),
    askCertificates(sockets, address, facts.configuration?.sites ?? [], questions),
    learnProtocols(sockets, address, known, questions),
  ]);
  return answers.flat().length === 0 ? null : answers.flat();
}

/** Where the way out is, the way in is: other interfaces may be those of the instance's own guests. */
function addressOf(network: Network | null): string | undefined {
  const out = new Set(network?.defaultRoutes.map((route) => route.interface));
  return network?.addresses.toSorted(
    (a, b) => a.family - b.family || Number(out.has(b.interface)) - Number(out.has(a.interface)),
  )[0]?.address;
}

function isAt({ address }: Socket, own: string): boolean {
  return address === '0.0.0.0' || address === '::' || address === own;
}
