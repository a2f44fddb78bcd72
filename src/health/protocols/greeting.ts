import { converse, type Conversation } from './conversation.ts';
import type { Questions } from './memory.ts';
import type { Answer, Socket } from '../facts.ts';

/** Calls servers whose protocol begins with a greeting, or that have a word for "are you there": one answer a port. */
export function greetServers(
  sockets: readonly Socket[],
  address: string,
  questions: Questions,
): Promise<readonly Answer[]> {
  const ports = new Set(sockets.flatMap(({ protocol, port }) => (protocol === 'tcp' ? [port] : [])));
  const calls = protocols.flatMap((protocol) =>
    protocol.ports
      .filter((port) => ports.has(port))
      .map(async (port): Promise<Answer> => {
        const call = (): Promise<string | null> => converse({ address, port }, greeting(protocol), questions);
        const said = await questions.remembering(`${address} ${port} ${protocol.name}`, call);
        return { protocol: 'greeting', port: `tcp/${port}`, question: protocol.name, said };
      }),
  );
  return Promise.all(calls);
}

interface Protocol {
  readonly name: string;
  readonly ports: readonly number[];
  /** What is said first, where the server waits for it. */
  readonly opens: string;
  /** What is said at the end, so that the server does not log a lost connection. */
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

function greeting({ opens, ends, words }: Protocol): Conversation {
  return {
    opens,
    replyTo: (heard) => {
      const found = words.exec(heard);
      if (found) return { kind: 'leave', words: ends, said: found[0] };
      return heard.length < 1024 ? { kind: 'wait' } : { kind: 'leave', words: '', said: null };
    },
  };
}
