import { isIPv6 } from 'node:net';
import type { Answer, ConfigurationFiles, Socket } from '../facts.ts';
import type { Questions } from './memory.ts';

/**
 * Asks the name server of the instance, from the machine that guard runs on, for the SOA record of the zones that its
 * configuration names, for the addresses that it is told to give, and for `localhost`, which resolvers answer by
 * themselves. A server can run and listen, and yet refuse all that.
 */
export async function askNameServer(
  sockets: readonly Socket[],
  address: string,
  configuration: Pick<ConfigurationFiles, 'zones' | 'names'> | null,
  { remembering }: Pick<Questions, 'remembering'>,
): Promise<Answer[]> {
  if (!sockets.some(({ protocol, port }) => protocol === 'udp' && port === 53)) return [];
  const { Resolver } = await import('node:dns/promises');
  const resolver = new Resolver({ timeout: 700, tries: 2 });
  resolver.setServers([isIPv6(address) ? `[${address}]:53` : `${address}:53`]);
  const zones = (configuration?.zones ?? []).slice(0, mostQuestions);
  const names = [anyResolverKnows, ...(configuration?.names ?? []).slice(0, mostQuestions)];
  async function answerTo(question: string, ask: () => Promise<unknown>): Promise<Answer> {
    const said = await remembering(`${address} 53 ${question}`, () => codeOf(ask));
    return { protocol: 'dns', port: 'udp/53', question, said };
  }
  return Promise.all([
    ...zones.map((zone) => answerTo(zone, () => resolver.resolveSoa(zone))),
    ...names.filter((name) => !zones.includes(name)).map((name) => answerTo(name, () => resolver.resolve4(name))),
  ]);
}

/** RFC 6761, section 6.3. */
export const anyResolverKnows = 'localhost';

const mostQuestions = 10;

async function codeOf(ask: () => Promise<unknown>): Promise<string | null> {
  try {
    await ask();
    return 'NOERROR';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return responseCodes.get(code) ?? null;
  }
}

/** The names that Node gives to what a server said; the others mean that nothing came. */
const responseCodes: ReadonlyMap<string, string> = new Map([
  ['ENODATA', 'no such record'],
  ['ENOTFOUND', 'NXDOMAIN'],
  ['ESERVFAIL', 'SERVFAIL'],
  ['EREFUSED', 'REFUSED'],
  ['EFORMERR', 'FORMERR'],
  ['ENOTIMP', 'NOTIMP'],
]);
