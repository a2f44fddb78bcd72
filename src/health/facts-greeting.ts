import { connect, type Socket as Connection } from 'node:net';
import type { Clock } from '../clock.ts';
import { withinLimit } from './check-limit.ts';
import { openConnection } from './facts-connection.ts';
import type { Answer, Socket } from './facts.ts';

/** Calls servers whose protocol begins with a greeting, or that have a word for "are you there". */
export interface Greeter {
  /** One answer for each of these ports that `address` is listened on. */
  readonly greet: (
    sockets: readonly Socket[],
    address: string,
    signal: AbortSignal | undefined,
  ) => Promise<readonly Answer[]>;
}

/**
 * A greeter remembers a greeting for `rest` milliseconds: sshd and others count callers who only look in, and a watch
 * looks every second. What did not greet is called again each time.
 */
export const createGreeter = (clock: Clock): Greeter => {
  const known = new Map<string, { readonly answer: Answer; readonly at: number }>();
  const greetOne = async (
    port: number,
    protocol: Protocol,
    address: string,
    signal: AbortSignal | undefined,
  ): Promise<Answer> => {
    const key = `${address} ${port}`;
    const last = known.get(key);
    if (last !== undefined && clock.monotonic() - last.at < rest) return last.answer;
    known.delete(key);
    const said = await call(address, port, protocol, clock, signal);
    const answer: Answer = { protocol: 'greeting', port: `tcp/${port}`, question: protocol.name, said };
    if (said !== null && said !== 'unreachable') known.set(key, { answer, at: clock.monotonic() });
    return answer;
  };
  return {
    greet: (sockets, address, signal) => {
      const ports = new Set(sockets.flatMap(({ protocol, port }) => (protocol === 'tcp' ? [port] : [])));
      const calls = protocols.flatMap((protocol) =>
        protocol.ports.filter((port) => ports.has(port)).map((port) => greetOne(port, protocol, address, signal)),
      );
      return Promise.all(calls);
    },
  };
};

/** Milliseconds. */
const rest = 5000;

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
