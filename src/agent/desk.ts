import { createConversations, type Heard } from './conversation.ts';
import { readMessage, writeReply, type Reply } from './protocol.ts';
import type { Relay } from './relay.ts';
import type { RelayUser } from './relay-keeper.ts';

/** Where the clients of one instance are heard and answered. It speaks for no other instance. */
export const openDesk = (version: string): RelayUser => {
  const conversations = createConversations();
  let relay: Relay | null = null;
  const answer = (id: string, reply: Reply): void => relay?.send(id, writeReply(reply));
  const attend = (heard: Heard): void => {
    switch (heard.kind) {
      case 'ping':
        return answer(heard.id, { kind: 'pong', version });
      case 'request':
        return answer(heard.id, { kind: 'go-unguarded', reason: 'not yet' });
      case 'post':
        return answer(heard.id, { kind: 'ok' });
    }
  };
  return {
    onRelay: (now) => (relay = now),
    onLine: (line) => {
      const message = readMessage(line);
      const heard = message === null ? null : conversations.hear(message);
      if (heard !== null) attend(heard);
    },
  };
};
