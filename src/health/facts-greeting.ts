import { connect, type Socket as Connection } from 'node:net';
import type { Clock } from '../clock.ts';
import { withinLimit } from './check-limit.ts';
import { openConnection } from './facts-connection.ts';
import type { Questions } from './facts-memory.ts';
import type { Answer, Socket } from './facts.ts';

/** Calls servers whose protocol begins with a greeting, or that have a word for "are you there": one answer a port. */
export const greetServers = (
  sockets: readonly Socket[],
  address: string,
  { clock, signal, remembering }: Questions,
): Promise<readonly Answer[]> => {
  const ports = new Set(sockets.flatMap(({ protocol, port }) => (protocol === 'tcp' ? [port] : [])));
  const calls = protocols.flatMap((protocol) =>
    protocol.ports
      .filter((port) => ports.has(port))
      .map(async (port): Promise<Answer> => {
        const ask = (): Promise<string | null> => call(address, port, protocol, clock, signal);
        const said = await remembering(`${address} ${port} ${protocol.name}`, ask);
        return { protocol: 'greeting', port: `tcp/${port}`, question: protocol.name, said };
      }),
  );
  return Promise.all(calls);
};

interface Protocol {
  readonly name: string;
  readonly ports: readonly number[];
  /** What is said first, where the server waits for it. */
  readonly opens: string;
  /** What is said at the end, so that nobody has to write of a lost connection. */
  readonly ends: string;
  /** The first words that are of this protocol. */
  readonly words: RegExp;
}

const protocols: readonly Protocol[] = [
  { name: 'smtp', ports: [25, 587], opens: '', ends: 'QUIT\r\n', words: /^[245]\d\d(?=[ -])/ },
  { name: 'ftp', ports: [21], opens: '', ends: 'QUIT\r\n', words: /^[1245]\d\d(?=[ -])/ },
  { name: 'pop3', ports: [110], opens: '', ends: 'QUIT\r\n', words: /^(\+OK|-ERR)/ },
  { name: 'imap', ports: [143], opens: '', ends: '1 LOGOUT\r\n', words: /^\* (OK|PREAUTH|BYE)/ },
  { name: 'ssh', ports: [22], opens: '', ends: '', words: /^SSH-/m },
  { name: 'redis', ports: [6379], opens: 'PING\r\n', ends: 'QUIT\r\n', words: /^(\+PONG|-[A-Z]+)/ },
  { name: 'memcached', ports: [11_211], opens: 'version\r\n', ends: 'quit\r\n', words: /^(VERSION|ERROR)/ },
];

/** Milliseconds until the greeting: mail servers look the caller up first. */
const greetingMs = 3000;

const call = async (
  address: string,
  port: number,
  protocol: Protocol,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<string | null> => {
  const connection = connect({ host: address, port });
  const first = firstWords(connection, protocol.words);
  const opened = await openConnection(connection, clock, signal);
  if (opened !== 'open') {
    connection.destroy();
    return opened === 'refused' ? null : 'unreachable';
  }
  try {
    if (protocol.opens !== '') connection.write(protocol.opens);
    const words = await withinLimit(clock, greetingMs, signal, () => first);
    if (words.end !== 'done' || words.value === null) return null;
    if (protocol.ends !== '') connection.end(protocol.ends);
    return words.value;
  } finally {
    // What was said at the end still goes out.
    connection.destroySoon();
  }
};

/** Null: it hung up, or began with something else. */
const firstWords = (connection: Connection, words: RegExp): Promise<string | null> =>
  new Promise((resolve) => {
    let said = '';
    connection.setEncoding('latin1');
    connection.on('data', (part: string) => {
      said = (said + part).slice(0, 1024);
      const found = words.exec(said);
      if (found) resolve(found[0]);
      else if (said.length >= 1024) resolve(null);
    });
    connection.on('error', () => resolve(null));
    connection.on('close', () => resolve(null));
  });
