import { expect, test } from 'vitest';
import type { Announcement } from '../../src/agent/message-assembler.ts';
import { beginTransaction, isWholeCommand, type RunOrder } from '../../src/agent/transaction-run.ts';
import { defaultSettings } from '../../src/config/defaults.ts';
import type { Outcome } from '../../src/event.ts';
import { connectMemory } from '../../src/platform/memory/memory.ts';
import { addInstance, createMemoryServer } from '../../src/platform/memory/server.ts';
import { createVirtualTime } from '../../src/platform/memory/virtual-time.ts';

const announcement: Announcement = { manager: 'apt', pid: 5, command: 'apt upgrade', packages: [], more: 0 };

/** A run that has let its package manager continue, and waits for its end. */
async function openRun() {
  const time = createVirtualTime();
  const waitedFor: string[][] = [];
  const server = createMemoryServer({
    clock: time.startProcess().clock,
    exec: async ({ command, write }) => {
      waitedFor.push(command.slice(4));
      const fields = Array.from({ length: 30 }, () => '1').join(' ');
      await write(
        'stdout',
        command
          .slice(4)
          .map((pid) => `${pid} (apt) S ${fields}\n`)
          .join(''),
      );
      return 0;
    },
  });
  addInstance(server, 'c1', {});
  const process = time.startProcess();
  const state = { isHeld: true };
  const settings = { ...defaultSettings, timeoutMs: 60_000 };
  async function run({ transaction, interruption }: RunOrder): Promise<Outcome> {
    transaction.begin(() => Promise.resolve(state.isHeld));
    await transaction.ended(interruption.signal);
    return { outcome: 'kept' };
  }
  const transaction = beginTransaction(
    {
      platform: connectMemory(server, { process }),
      clock: process.clock,
      instance: 'c1',
      inspectHolder: () => 'alive',
      managerOf: () => Promise.resolve(null),
      hasLost: () => Promise.resolve(false),
      admit: () => null,
      run,
    },
    settings,
    announcement,
  );
  await time.pass(2000);
  return { time, transaction, state, waitedFor };
}

test('a package manager joins a run that still has its lock, and the run waits for it', async () => {
  const { time, transaction, waitedFor } = await openRun();
  expect(await transaction.join(6)).toMatchObject({ kind: 'go' });
  await time.pass(2000);
  expect(waitedFor.at(-1)).toEqual(['1', '5', '6']);
});

test('no package manager joins a run that another guard has taken over, and the run does not wait for it', async () => {
  const { time, transaction, state, waitedFor } = await openRun();
  expect(await transaction.ready).toMatchObject({ kind: 'go' });
  state.isHeld = false;
  expect(await transaction.join(6)).toMatchObject({ kind: 'no', reason: expect.stringContaining('lost') });
  await time.pass(2000);
  expect(waitedFor.at(-1)).toEqual(['1', '5']);
});

test.each([
  ['apt upgrade', true],
  ['', false],
  [`apt install ${'package '.repeat(48)}`.slice(0, 400), false],
])('only a command that arrived whole is rehearsed: %s', (command, whole) => {
  expect(isWholeCommand({ command })).toBe(whole);
});
