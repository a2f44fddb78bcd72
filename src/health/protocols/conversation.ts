import { connect, type Socket as Connection } from 'node:net';
import { withinLimit } from '../checks/limit.ts';
import { openConnection } from './connection.ts';
import type { Questions } from './memory.ts';

/** What is done about all that was heard so far: wait for more, say something, or take leave with what was learnt. */
export type Reply =
  | { readonly kind: 'wait' }
  | { readonly kind: 'say'; readonly words: string }
  | { readonly kind: 'leave'; readonly words: string; readonly said: string | null };

/** One call of one server. Bytes are written as Latin-1. */
export interface Conversation {
  /** What is said first, where the server waits for it. */
  readonly opens: string;
  readonly replyTo: (heard: string) => Reply;
}

/**
 * Calls a server and talks to it: what the conversation learnt; null where the server refused the call, hung up, or took
 * too long; `unreachable` where no connection came about.
 */
export async function converse(
  { address, port }: { readonly address: string; readonly port: number },
  conversation: Conversation,
  { clock, signal }: Pick<Questions, 'clock' | 'signal'>,
): Promise<string | null> {
  const connection = connect({ host: address, port });
  // From the first moment on: who is called may speak before the call is known to be there.
  const learnt = talk(connection, conversation);
  const opened = await openConnection(connection, clock, signal);
  if (opened !== 'open') {
    connection.destroy();
    return opened === 'refused' ? null : 'unreachable';
  }
  try {
    if (conversation.opens !== '') connection.write(conversation.opens, 'latin1');
    const end = await withinLimit(clock, patienceMs, signal, () => learnt);
    return end.end === 'done' ? end.value : null;
  } finally {
    // What was said at the end still goes out.
    connection.destroySoon();
  }
}

/** Mail servers look their caller up first. Milliseconds. */
const patienceMs = 3000;

/** No server has so much to say to what is asked here. Bytes. */
const mostHeard = 64 * 1024;

function talk(connection: Connection, { replyTo }: Conversation): Promise<string | null> {
  return new Promise((resolve) => {
    let heard = '';
    connection.setEncoding('latin1');
    connection.on('data', (part: string) => {
      if (heard.length >= mostHeard) return;
      heard = (heard + part).slice(0, mostHeard);
      const reply = replyTo(heard);
      if (reply.kind !== 'wait' && reply.words !== '') connection.write(reply.words, 'latin1');
      if (reply.kind === 'leave') resolve(reply.said);
      else if (heard.length >= mostHeard) resolve(null);
    });
    connection.on('error', () => resolve(null));
    connection.on('close', () => resolve(null));
  });
}
