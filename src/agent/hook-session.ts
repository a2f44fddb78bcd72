import type { AgentListener, Subject } from '../agent-event.ts';
import type { Clock } from '../clock.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { createMessageAssembler, type Announcement, type AssembledMessage } from './message-assembler.ts';
import { readMessage, writeReply, type Reply } from './protocol.ts';
import type { Relay } from './relay.ts';
import type { RelayUser } from './relay-keeper.ts';
import type { Transactions } from './transactions.ts';

/** The maximum number of answers kept for clients while the relay is down. */
const mostPending = 16;

/**
 * After this time without a relay, in milliseconds, the session gives up. Clients stop waiting a second later
 * (hooks/guard-hook). A restore point taken afterwards would show the middle of a transaction that continued without it.
 */
const patienceMs = 4000;

/** Receives and answers the requests of the clients of one instance. */
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
  // Answers that could not be sent while the relay was down. The client may still wait for them.
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
        // No package manager asks this often. Such requests get no answer and no log entry.
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
