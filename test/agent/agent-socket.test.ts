import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { answerOnSocket, isAgentKeeping } from '../../src/agent/agent-socket.ts';
import { systemClock } from '../../src/clock.ts';

let state: string;

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'guard-agent-socket-'));
});

afterEach(() => rm(state, { recursive: true, force: true }));

/** Fires at once: what has not answered by then does not answer in time. */
const impatient = {
  after: (_ms: number, action: () => void) => {
    const timer = setImmediate(() => setImmediate(action));
    return () => clearImmediate(timer);
  },
};

const listening = async (
  directory: string,
  isKeeping: () => boolean,
): Promise<{ readonly close: () => Promise<void> }> => {
  const server = await answerOnSocket(directory, isKeeping);
  if (!server.ok) throw new Error(server.error);
  return server.value;
};

test('an agent answers for as long as it keeps deadlines', async () => {
  let isKeeping = true;
  const server = await listening(state, () => isKeeping);
  expect(await isAgentKeeping(state, systemClock)).toBe(true);
  isKeeping = false;
  expect(await isAgentKeeping(state, systemClock)).toBe(false);
  await server.close();
  expect(await isAgentKeeping(state, systemClock)).toBe(false);
});

test('also in a folder with a path that is too long for a socket, and over the socket of a killed agent', async () => {
  const deep = join(state, 'x'.repeat(120));
  await mkdir(deep);
  const killed = await listening(deep, () => false);
  const server = await listening(deep, () => true);
  expect(await isAgentKeeping(deep, systemClock)).toBe(true);
  await server.close();
  await killed.close();
});

test('no agent, and one that accepts and says nothing, keep no deadline', async () => {
  expect(await isAgentKeeping(state, systemClock)).toBe(false);
  expect(await isAgentKeeping(join(state, 'missing'), systemClock)).toBe(false);
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(join(state, 'agent.sock'), resolve));
  expect(await isAgentKeeping(state, impatient)).toBe(false);
  silent.close();
});
