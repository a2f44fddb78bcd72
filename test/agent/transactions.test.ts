import { describe, expect, test } from 'vitest';
import type { Announcement } from '../../src/agent/message-assembler.ts';
import type { Reply } from '../../src/agent/protocol.ts';
import type { TransactionRun } from '../../src/agent/transaction-run.ts';
import { createTransactions } from '../../src/agent/transactions.ts';
import { systemClock } from '../../src/clock.ts';
import { defaultSettings } from '../../src/config/defaults.ts';
import type { Settings } from '../../src/config/settings.ts';
import { err, ok } from '../../src/result.ts';

const announcement: Announcement = { manager: 'apt', pid: 5, command: 'apt upgrade', packages: [], more: 0 };
const go: Reply = { kind: 'go', run: 'r', restorePoint: 'guard-r', ms: 1 };

/** Runs that a test lets go on, closes and ends as it likes. */
const fakeRuns = () => {
  const begun: {
    go: (reply: Reply) => void;
    close: () => void;
    end: () => void;
    gaveUp: boolean;
    full: string | null;
  }[] = [];
  const begin = (_settings: Settings, _announcement: Announcement, admit: () => string | null): TransactionRun => {
    let answer: (reply: Reply) => void = () => {};
    const ready = new Promise<Reply>((resolve) => (answer = resolve));
    let finish = (): void => {};
    const ended = new Promise<void>((resolve) => (finish = resolve));
    let closed = false;
    const run = {
      go: answer,
      close: () => (closed = true),
      end: () => {
        closed = true;
        finish();
      },
      gaveUp: false,
      full: admit(),
    };
    begun.push(run);
    return {
      ready,
      ended,
      finished: () => {},
      deaf: () => {},
      join: () => (closed ? null : ready),
      giveUp: () => (run.gaveUp = true),
    };
  };
  return { begun, begin };
};

const settings = (hook: Partial<Settings['hook']> = {}): Settings => ({
  ...defaultSettings,
  hook: { ...defaultSettings.hook, ...hook },
});

const setUp = (hook: Partial<Settings['hook']> = {}) => {
  const { begun, begin } = fakeRuns();
  const transactions = createTransactions({ clock: systemClock, settings: async () => ok(settings(hook)), begin });
  return { begun, transactions };
};

/** Lets everything that can happen without time happen. */
const turn = async (): Promise<void> => {
  for (let times = 0; times < 20; times += 1) await Promise.resolve();
};

describe('one run at a time', () => {
  test('whoever comes while it is open belongs to it', async () => {
    const { begun, transactions } = setUp();
    const first = transactions.ask(announcement);
    await turn();
    const second = transactions.ask({ ...announcement, pid: 6 });
    await turn();
    begun[0]?.go(go);
    expect(await Promise.all([first, second])).toEqual([go, go]);
    expect(begun).toHaveLength(1);
  });

  test('whoever comes while it is judged waits, and begins the next', async () => {
    const { begun, transactions } = setUp();
    const first = transactions.ask(announcement);
    await turn();
    begun[0]?.go(go);
    await first;
    begun[0]?.close();
    const second = transactions.ask(announcement);
    await turn();
    expect(begun).toHaveLength(1);
    begun[0]?.end();
    await turn();
    expect(begun).toHaveLength(2);
    begun[1]?.go({ ...go, run: 'next' });
    expect(await second).toEqual({ ...go, run: 'next' });
  });
});

describe('the limit of the wait', () => {
  test('ends a run that has let nothing go on, and the policy answers', async () => {
    const { begun, transactions } = setUp({ timeoutMs: 20, onNoRestorePoint: 'proceed' });
    expect((await transactions.ask(announcement)).kind).toBe('go-unguarded');
    expect(begun[0]?.gaveUp).toBe(true);
  });

  test('so does a client that cannot be waiting any more', async () => {
    const { begun, transactions } = setUp();
    const first = transactions.ask(announcement);
    await turn();
    transactions.giveUp();
    expect(begun[0]?.gaveUp).toBe(true);
    // Nothing is begun for one that had waited for the end of another run.
    begun[0]?.close();
    const second = transactions.ask({ ...announcement, pid: 6 });
    await turn();
    transactions.giveUp();
    begun[0]?.go({ kind: 'no', reason: 'interrupted' });
    begun[0]?.end();
    expect((await first).kind).toBe('no');
    expect((await second).kind).toBe('no');
    expect(begun).toHaveLength(1);
  });

  test('abort is the default', async () => {
    const { transactions } = setUp({ timeoutMs: 20 });
    expect((await transactions.ask(announcement)).kind).toBe('no');
  });
});

test('only so many runs in an hour', async () => {
  const { begun, transactions } = setUp({ mostAnHour: 2 });
  for (let times = 0; times < 3; times += 1) {
    const asked = transactions.ask(announcement);
    await turn();
    begun.at(-1)?.go(go);
    await asked;
    begun.at(-1)?.end();
    await turn();
  }
  expect(begun.map(({ full }) => full)).toEqual([null, null, '2 runs in an hour is the limit.']);
});

test('a guard.yaml that is wrong aborts, and says so', async () => {
  const { begin } = fakeRuns();
  const transactions = createTransactions({
    clock: systemClock,
    settings: async () => err('guard.yaml is wrong'),
    begin,
  });
  expect(await transactions.ask(announcement)).toEqual({ kind: 'no', reason: 'guard.yaml is wrong' });
});

test('what guard.yaml leaves out goes on at once', async () => {
  const { begun, transactions } = setUp({ commands: ['dnf *'] });
  expect((await transactions.ask(announcement)).kind).toBe('go-unguarded');
  expect(begun).toEqual([]);
});

test('a crowd is not kept waiting', async () => {
  const { transactions } = setUp({ timeoutMs: 50 });
  const replies = await Promise.all(Array.from({ length: 20 }, () => transactions.ask(announcement)));
  expect(replies.filter((reply) => 'reason' in reply && reply.reason.startsWith('Too many'))).toHaveLength(4);
});
