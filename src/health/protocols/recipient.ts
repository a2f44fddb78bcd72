import { converse, type Conversation } from './conversation.ts';
import type { Questions } from './memory.ts';
import type { Answer, Socket } from '../facts.ts';

/**
 * Asks the mail server of the instance whether it would take a message for its postmaster, whom every one must take
 * messages for (RFC 5321, section 4.5.1), and goes without giving it any. A server can greet, and turn every message away
 * because a table, a filter or a daemon behind it is gone.
 */
export async function askForRecipient(
  sockets: readonly Socket[],
  address: string,
  questions: Questions,
  port = smtpPort,
): Promise<Answer[]> {
  if (!sockets.some((one) => one.protocol === 'tcp' && one.port === port)) return [];
  const ask = (): Promise<string | null> => converse({ address, port }, untilTheMessage(), questions);
  const said = await questions.remembering(`${address} ${port} ${postmaster}`, ask, refusalMs);
  return [{ protocol: 'mail', port: `tcp/${port}`, question: postmaster, said }];
}

const smtpPort = 25;

/** Whoever is turned away again and again is locked out by some (fail2ban). Milliseconds. */
const refusalMs = 20_000;

const postmaster = 'postmaster';

/**
 * A message without a sender, as mail servers send them to say that another one could not be delivered. With the server's
 * own name the recipient is looked up as any other; the bare one is taken without a look by some.
 */
const envelope: readonly ((name: string | null) => string)[] = [
  () => 'EHLO [127.0.0.1]\r\n',
  () => 'MAIL FROM:<>\r\n',
  (name) => `RCPT TO:<${name === null ? postmaster : `${postmaster}@${name}`}>\r\n`,
];

function untilTheMessage(): Conversation {
  let asked = 0;
  return {
    opens: '',
    replyTo: (heard) => {
      // The last line of an answer has a space after its code.
      const codes = [...heard.matchAll(/^(\d{3})(?: .*)?\r?\n/gm)].map(([, code]) => code ?? '');
      const code = codes.at(-1);
      if (code === undefined || codes.length <= asked) return { kind: 'wait' };
      const next = envelope[asked];
      asked += 1;
      if (next === undefined || !code.startsWith('2')) return { kind: 'leave', words: 'QUIT\r\n', said: code };
      return { kind: 'say', words: next(ownName(heard)) };
    },
  };
}

/** As the server calls itself at the beginning of its answer to who calls; null where that is no name. */
function ownName(heard: string): string | null {
  return /^250[ -]([a-z\d][a-z\d.-]{0,250})(?![^\s])/i.exec(heard.slice(heard.search(/^250/m)))?.[1] ?? null;
}
