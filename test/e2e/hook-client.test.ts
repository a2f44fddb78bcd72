import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import {
  hooked,
  launchHooked,
  ownProject,
  removeProject,
  startAgent,
  type AgentUnderTest,
} from './agent-under-test.ts';
import { fileExists, guardUnderTest, type GuardUnderTest } from './guard.ts';
import { incusCommand, remove } from './incus-subject.ts';

// The client of hooks/ under BusyBox, while it waits and its agent goes.

const project = 'gr-hook-client';
const instance = 'gr-hook-client-1';
/** What is judged for so long keeps the next one waiting. */
const slow = 'defaults: { soak: 5m, verifyTimeout: 10m, hook: { settle: 0s, timeout: 10m } }\n';
const quick = 'defaults: { soak: 0s, hook: { settle: 0s } }\n';
let guard: GuardUnderTest;
let agent: AgentUnderTest;

beforeAll(async () => {
  await ownProject(project);
  await remove(instance, project);
  await launchHooked(instance);
  const client = resolve(import.meta.dirname, '../../hooks/guard-hook');
  await incusCommand('file', 'push', '--mode', '755', client, `${instance}/bin/guard-hook`);
  const conf = 'mkdir /etc/guard; printf "absent=proceed\\nlimit=3600\\n" >/etc/guard/hook.conf';
  await incusCommand('exec', instance, '--', 'sh', '-c', conf);
  guard = await guardUnderTest();
});

afterAll(async () => {
  await remove(instance, project);
  await removeProject(project);
  await guard.remove();
});

beforeEach(async () => {
  agent = await startAgent(guard, slow, '--project', project);
  await agent.saw('relay-up', { instance });
});

afterEach(async () => {
  await agent.end('SIGKILL');
  // What is left of the run that was being judged.
  await guard.run(['recover', instance]);
});

/** A client that waits while the run before it is being judged. */
const waiting = async () => {
  expect(await hooked(instance, 'echo new >>/root/new', '0')).toMatch(/^go /);
  const { reply } = await agent.saw('transaction-answered');
  const run = String(reply).split(' ')[1] ?? '';
  const journal = join(guard.stateDirectory, 'runs', run, 'journal.jsonl');
  await waitFor(async () => (await readFile(journal, 'utf8')).includes('"command-ended"'));
  const script = 'echo "thing 1 2" | { guard-hook pre trial $$; echo "status $?"; touch /root/went-on; } 2>&1';
  const client = execa('incus', ['exec', instance, '--', 'sh', '-c', script], { stdin: 'ignore', all: true });
  await waitFor(() => agent.events().filter(({ type }) => type === 'transaction-announced').length === 2);
  expect(await fileExists(instance, '/root/went-on')).toBe(false);
  return { ended: client };
};

const inside = (script: string): Promise<string> => incusCommand('exec', instance, '--', 'sh', '-c', script);

const nothingIsLeft = async (): Promise<void> => {
  await waitFor(async () => (await inside('pidof sleep; ls /run/guard 2>/dev/null | grep reply; true')) === '');
  await inside('rm -f /root/went-on');
};

test('a client that waits when the agent is killed sees it, and does what the policy says', async () => {
  const { ended } = await waiting();
  await agent.end('SIGKILL');
  const { all } = await ended;
  expect(all).toContain('guard: no agent answers on the host: continuing without a restore point.\nstatus 0');
  await nothingIsLeft();
});

test('one that waits when another agent takes over is served by that', async () => {
  const { ended } = await waiting();
  await agent.end('SIGKILL');
  agent = await startAgent(guard, quick, '--project', project);
  const { all } = await ended;
  expect(all).toMatch(/guard: restore point guard-\S+ taken, \d+ ms\nstatus 0/);
  await nothingIsLeft();
});

test('one that is killed while it waits leaves nothing', async () => {
  const { ended } = await waiting();
  await inside("kill -9 $(ls /run/guard | sed -n 's/^reply[.]//p')");
  expect((await ended).all).toContain('status 137');
  await nothingIsLeft();
});
