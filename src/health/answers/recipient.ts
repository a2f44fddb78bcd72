import { converse, type Conversation } from './conversation.ts';
import type { Questions } from './memory.ts';
import type { Answer, Socket } from '../facts.ts';

/**
 * Asks the mail server of the instance whether it would take a message for its postmaster, whom every one must take
 * messages for (RFC 5321, section 4.5.1), and goes without giving it any. A server can greet, and turn every message away
 * because a table, a filter or a daemon behind it is gone.
 */
export const askForRecipient = async (
  sockets: readonly Socket[],
  address: string,
  questions: Questions,
  port = smtpPort,
): Promise<Answer[]> => {
  if (!sockets.some((one) => one.protocol === 'tcp' && one.port === port)) return [];
  const said = await questions.remembering(`${address} ${port} ${postmaster}`, () =>
    converse({ address, port }, untilTheMessage(), questions),
  );
  return [{ protocol: 'mail', port: `tcp/${port}`, question: postmaster, said }];
};

const smtpPort = 25;

const postmaster = 'postmaster';

/** A message without a sender, as mail servers send them to say that another one could not be delivered. */
const envelope = ['EHLO [127.0.0.1]\r\n', 'MAIL FROM:<>\r\n', 'RCPT TO:<postmaster>\r\n'];

const untilTheMessage = (): Conversation => {
  let asked = 0;
  return {
    opens: '',
    replyTo: (heard) => {
      const codes = [...heard.matchAll(/^(\d{3})(?: .*)?\r?\n/gm)].map(([, code]) => code ?? '');
      const code = codes.at(-1);
      // The last line of an answer has a space after its code; a server that speaks out of turn is not of this protocol.
      if (code === undefined || codes.length <= asked) return { kind: 'wait' };
      const words = envelope[asked];
      asked += 1;
      if (words === undefined || !code.startsWith('2')) return { kind: 'leave', words: 'QUIT\r\n', said: code };
      return { kind: 'say', words };
    },
  };
};
