import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { outcomeTable } from '../../src/run/outcome.ts';
import { waitFor } from '../host/host.ts';
import { startAgent } from './agent-under-test.ts';
import { guardUnderTest, snapshotNames, statusOf, type GuardUnderTest, type Started } from './guard.ts';
import { openProxy, type IncusProxy } from './incus-proxy.ts';
import { launch, remove } from './incus-subject.ts';

// A pipeline that reads nothing but the exit status can tell every outcome of the table from the others.

const instance = 'e2e-outcomes';
let guard: GuardUnderTest;
let proxy: IncusProxy;

beforeAll(async () => {
  guard = await guardUnderTest();
  proxy = await openProxy();
  await launch(instance);
  await waitFor(async () => (await guard.run(['check', instance])).status === 0);
  await mkdir(join(guard.stateDirectory, 'guard'));
  await writeFile(
    join(guard.stateDirectory, 'guard', 'guard.yaml'),
    'defaults: { soak: 0s, verifyTimeout: 8s, restoreTimeout: 5s, stopTimeout: 5s }\n',
  );
});
afterAll(async () => {
  await remove(instance);
  await proxy.close();
  await guard.remove();
});

/** What the last guard said, for the message of a test that fails. */
let said = '';
const status = async (...words: string[]): Promise<number | undefined> => {
  const ended = await guard.run(words);
  said = ended.stderr;
  return ended.status;
};
const sh = (script: string): string[] => ['--retry', instance, '--', 'sh', '-c', script];

/** A run whose command waits, with the events that it writes. */
const waiting = async (...options: string[]): Promise<{ readonly run: Started }> => {
  const run = guard.start(['--json', ...options, ...sh('echo on; sleep 600')]);
  let text = '';
  run.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await waitFor(() => text.includes('"data":"on\\n"'));
  // In a record: a started run is a promise of its end.
  return { run };
};

const interrupted = async (signal: NodeJS.Signals): Promise<number | undefined> => {
  const { run } = await waiting();
  run.kill(signal);
  return (await run).exitCode;
};

/** The world outside of the instance changes with the command, so that not even the way back makes it well. */
const notWell = async (): Promise<number | undefined> => {
  const sign = join(guard.stateDirectory, 'well');
  const file = join(guard.stateDirectory, 'host.yaml');
  await writeFile(sign, '');
  const check = `checks: { sign: { host: [test, -e, "${sign}"], retries: 1, interval: 500ms } }`;
  await writeFile(file, `defaults: { soak: 0s, verifyTimeout: 5s, ${check} }\n`);
  const { run } = await waiting('--config', file, '--timeout', '5s');
  await rm(sign);
  return (await run).exitCode;
};

const notBack = async (): Promise<number | undefined> => {
  proxy.fail = ({ method, body }) =>
    method === 'PUT' && typeof body === 'object' && body !== null && 'restore' in body ? 'No space left.' : null;
  const ended = await guard.run(sh('exit 3'), { env: { INCUS_SOCKET: proxy.socket } });
  proxy.fail = null;
  // What is left is finished as guard has said.
  expect(await status('recover', instance)).toBe(0);
  return ended.status;
};

const busy = async (): Promise<number | undefined> => {
  const { run: other } = await waiting();
  const ended = await status(...sh('true'));
  other.kill('SIGTERM');
  await other;
  return ended;
};

const quarantined = async (): Promise<number | undefined> => {
  const words = [instance, '--', 'sh', '-c', 'exit 5'];
  await status('--retry', ...words);
  return status(...words);
};

const misconfigured = async (): Promise<number | undefined> => {
  const file = join(guard.stateDirectory, 'wrong.yaml');
  await writeFile(file, 'defaults: { soek: 1s }\n');
  return status('--config', file, ...sh('true'));
};

/** The server makes no copy. */
const rehearsalInconclusive = async (): Promise<number | undefined> => {
  proxy.fail = ({ method, path }) =>
    method === 'POST' && path.replace(/\?.*/, '') === '/1.0/instances' ? 'No space left.' : null;
  const ended = await guard.run(['rehearse', ...sh('true')], { env: { INCUS_SOCKET: proxy.socket } });
  proxy.fail = null;
  return ended.status;
};

/** A rollout to one instance, which is aborted at its end: a paused one would refuse the next. */
const rollout = async (...words: string[]): Promise<number | undefined> => {
  const ended = await status('--canary', '1', ...words);
  await guard.run(['rollout', 'abort', 'last']);
  return ended;
};

/** An agent keeps the deadlines of changes that wait. */
const withKeeper = async (use: () => Promise<number | undefined>): Promise<number | undefined> => {
  const agent = await startAgent(guard, 'defaults: {}\n');
  try {
    return await use();
  } finally {
    await agent.end('SIGTERM');
  }
};

const ways: Readonly<Record<(typeof outcomeTable)[number]['exit'], () => Promise<number | undefined>>> = {
  0: () => status(...sh('true')),
  10: () => status(...sh('exit 3')),
  11: () => status('--check', 'test ! -e /root/bad', '--check-retries', '1', ...sh('touch /root/bad')),
  12: () => status('--timeout', '1s', ...sh('sleep 60')),
  13: () => status('--on-failure', 'keep', ...sh('exit 3')),
  14: () => withKeeper(() => status('--confirm', '2s', ...sh('true'))),
  16: () =>
    withKeeper(async () => {
      const waiting = await status('--confirm', '5m', '--detach', ...sh('true'));
      await status('confirm', instance);
      return waiting;
    }),
  15: async () =>
    (await guard.run(['--soak', '0s', '--retry', '--on-unchanged', 'keep', instance, '--', 'sh', '-c', 'exit 3']))
      .status,
  20: notWell,
  21: notBack,
  30: () => status('--retry', 'e2e-outcomes-none', '--', 'true'),
  31: busy,
  32: quarantined,
  33: () => status('rehearse', ...sh('exit 3')),
  34: rehearsalInconclusive,
  40: () => rollout(...sh('exit 3')),
  // The instance is not healthy before the change, so the change cannot be judged there.
  41: () => rollout('--check', 'false', '--check-retries', '1', ...sh('true')),
  64: () => status('--soak', 'long', ...sh('true')),
  78: misconfigured,
  129: () => interrupted('SIGHUP'),
  130: () => interrupted('SIGINT'),
  143: () => interrupted('SIGTERM'),
};

test.each(outcomeTable)('$exit: $name', async ({ exit }) => {
  expect({ status: await ways[exit](), said }).toMatchObject({ status: exit });
  expect(await statusOf(instance)).toBe('Running');
  expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
});

test('no two of them share a status', () => {
  expect(new Set(outcomeTable.map(({ exit }) => exit)).size).toBe(outcomeTable.length);
});

test('jobs that come together go one after the other with --wait-lock', async () => {
  const { run: first } = await waiting();
  const second = guard.start(['--wait-lock', '60s', ...sh('echo second')]);
  const third = await status(...sh('true'));
  first.kill('SIGTERM');
  const ends = [(await first).exitCode, (await second).exitCode, third];
  expect(ends).toEqual([143, 0, 31]);
});

test('without a terminal nothing waits for a person', async () => {
  // Its question finds an end of file; a policy that asks has nobody to ask, and rolls back.
  const asks = 'read answer && echo "$answer"';
  expect(await status('--on-failure', 'ask', ...sh(asks))).toBe(10);
});
