import { expect, test } from 'vitest';
import { openHookSession } from '../../src/agent/hook-session.ts';
import type { Reply } from '../../src/agent/protocol.ts';
import type { Relay } from '../../src/agent/relay.ts';
import type { Transactions } from '../../src/agent/transactions.ts';
import { manualClock } from '../platform/incus/manual-clock.ts';

const subject = { instance: 'web', project: 'default', remote: null };

/** A desk whose transactions are answered when a test says so. */
const setUp = () => {
  const clock = manualClock();
  const given: { ups: number; answer: (reply: Reply) => void } = { ups: 0, answer: () => {} };
  const transactions: Transactions = {
    ask: () => new Promise((resolve) => (given.answer = resolve)),
    post: () => {},
    deaf: () => {},
    giveUp: () => (given.ups += 1),
    idle: async () => {},
    busy: () => false,
  };
  const session = openHookSession({ version: '1', clock, emit: () => {}, subject, transactions });
  const said: string[] = [];
  const relay: Relay = {
    send: (id, line) => said.push(`${id} ${line}`),
    close: async () => {},
    ended: new Promise(() => {}),
  };
  return { clock, given, session, said, relay };
};

/** Lets everything that can happen without time happen. */
const turn = async (): Promise<void> => {
  for (let times = 0; times < 20; times += 1) await Promise.resolve();
};

test('what could not be said for a moment is said when clients are heard again', async () => {
  const { clock, given, session, said, relay } = setUp();
  session.onRelay(relay);
  for (const line of ['1 7 pre apt 7', '1 7 ask']) session.onLine(line);
  session.onRelay(null);
  clock.advance(3000);
  given.answer({ kind: 'go-already-guarded' });
  await turn();
  expect(said).toEqual([]);
  session.onRelay(relay);
  clock.advance(60_000);
  await turn();
  expect(said).toEqual(['7 go-already-guarded']);
  expect(given.ups).toBe(0);
});

test('clients that are not heard for longer have gone on: nothing is begun for them any more, and nothing said', async () => {
  const { clock, given, session, said, relay } = setUp();
  session.onRelay(relay);
  for (const line of ['1 7 pre apt 7', '1 7 ask']) session.onLine(line);
  session.onRelay(null);
  given.answer({ kind: 'no', reason: 'late' });
  await turn();
  clock.advance(5000);
  await turn();
  expect(given.ups).toBe(1);
  session.onRelay(relay);
  expect(said).toEqual([]);
});
