import type { AgentListener, Subject } from '../agent-event.ts';
import type { Clock } from '../clock.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { createMessageAssembler, type Announcement, type AssembledMessage } from './message-assembler.ts';
import { readMessage, writeReply, type Reply } from './protocol.ts';
import type { Relay } from './relay.ts';
import type { RelayUser } from './relay-keeper.ts';
import type { Transactions } from './transactions.ts';

/** The most answers that are kept for clients of an instance that is not heard at the moment. */
const mostPending = 16;

/**
 * How long clients may not be heard, in milliseconds, until it is certain that nobody waits any more: they give up a second
 * later (hooks/guard-hook). A restore point that comes then would be one of the middle of what went on without it.
 */
const patienceMs = 4000;

/** Where the clients of one instance are heard and answered. It speaks for no other instance. */
export function openHookSession(tools: {
  readonly version: string;
  readonly clock: Clock;
  readonly emit: AgentListener;
  readonly subject: Subject;
  readonly transactions: Transactions;
}): RelayUser {
  const { clock, subject, emit, transactions } = tools;
  const conversations = createMessageAssembler();
  const requests = createRateLimiter(clock, { perSecond: 2, most: 100 });
  let relay: Relay | null = null;
  // What could not be said while nobody was heard: the client may still wait for it.
  const unsaid = new Map<string, string>();
  function answer(id: string, reply: Reply): void {
    if (relay !== null) relay.send(id, writeReply(reply));
    else if (unsaid.size < mostPending) unsaid.set(id, writeReply(reply));
  }
  async function giveUpLater(heardAgain: AbortSignal): Promise<void> {
    await clock.sleep(patienceMs, heardAgain);
    if (heardAgain.aborted) return;
    transactions.giveUp();
    unsaid.clear();
  }
  let silence = new AbortController();
  async function serve(id: string, announcement: Announcement): Promise<void> {
    const began = clock.monotonic();
    const { manager, command, packages, more } = announcement;
    const total = packages.length + more;
    emit({ type: 'transaction-announced', ...subject, manager, command, packages: total === 0 ? null : total });
    const reply = await transactions.ask(announcement);
    answer(id, reply);
    emit({ type: 'transaction-answered', ...subject, reply: writeReply(reply), ms: clock.monotonic() - began });
  }
  function attend(assembled: AssembledMessage): void {
    switch (assembled.kind) {
      case 'ping':
        return answer(assembled.id, { kind: 'pong', version: tools.version });
      case 'request':
        // No package manager asks so often; whoever does gets no answer, and fills no log.
        if (!requests.tryConsume(1)) return;
        return void serve(assembled.id, assembled.announcement);
      case 'post':
        answer(assembled.id, { kind: 'ok' });
        return transactions.post(assembled.status);
    }
  }
  return {
    onRelay: (now) => {
      relay = now;
      silence.abort();
      silence = new AbortController();
      if (now === null) {
        transactions.deaf();
        void giveUpLater(silence.signal);
      }
      for (const [id, line] of unsaid) now?.send(id, line);
      if (now !== null) unsaid.clear();
    },
    onLine: (line) => {
      const message = readMessage(line);
      const assembled = message === null ? null : conversations.add(message);
      if (assembled !== null) attend(assembled);
    },
  };
}
