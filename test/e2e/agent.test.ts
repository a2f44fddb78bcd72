import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import {
  hooked,
  launchHooked,
  ownProject,
  removeProject,
  startAgent,
  type AgentUnderTest,
} from './agent-under-test.ts';
import { fileExists, guardUnderTest, snapshotNames, statusOf, type GuardUnderTest } from './guard.ts';
import { incusCommand, remove } from './incus-subject.ts';

const project = 'gr-agent';
const instance = 'gr-agent-1';

/** A file that must not be there stands for everything that an upgrade can break. */
const configuration = (): string => `
defaults:
  notify:
    - on: [rolled-back]
      command: [tee, ${guard.stateDirectory}/message]
  soak: 0s
  verifyTimeout: 3s
  # Nobody confirms the transaction of a package manager: this is for other runs.
  confirm: 1h
  checks:
    whole: { exec: [test, "!", -e, /root/broken], timeout: 1s, interval: 100ms, retries: 1 }
`;

const motd = '/run/motd.d/50-guard';

let guard: GuardUnderTest;
let agent: AgentUnderTest;

beforeAll(async () => {
  await ownProject(project);
  await launchHooked(instance);
});

afterAll(async () => {
  await remove(instance, project);
  await removeProject(project);
});

beforeEach(async () => {
  await incusCommand('exec', instance, '--', 'sh', '-c', 'rm -f /root/*; rm -f /run/motd.d/*');
  guard = await guardUnderTest();
  agent = await startAgent(guard, configuration());
  await agent.saw('relay-up', { instance });
});

afterEach(async () => {
  await agent.end('SIGKILL');
  await guard.remove();
});

const lastRun = async (): Promise<{ outcome: string; restorePoint: string | null }> => {
  const { stdout } = await guard.run(['runs', '--json', '--limit', '1']);
  return JSON.parse(stdout) as { outcome: string; restorePoint: string | null };
};

const runs = async (): Promise<number> =>
  (await guard.run(['runs', '--json'])).stdout.split('\n').filter((line) => line !== '').length;

const isFree = async (): Promise<void> => {
  expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  expect(await incusCommand('config', 'get', instance, 'user.guard.run')).toBe('');
  expect(await statusOf(instance)).toBe('Running');
};

test('a ping is answered, and a user who is not root can send nothing', async () => {
  expect(await hooked(instance, 'ping')).toMatch(/^pong \d/);
  const other = ['exec', instance, '--user', '65534', '--', 'sh', '-c'];
  const listed = await execa('incus', [...other, 'ls /run/guard'], { reject: false, stdin: 'ignore' });
  const sent = await execa('incus', [...other, 'echo 1 7 ping >/run/guard/ask'], { reject: false, stdin: 'ignore' });
  expect([listed.exitCode, sent.exitCode]).not.toContain(0);
});

test('what is well is kept, with a restore point; what breaks something is rolled back', async () => {
  const good = await hooked(instance, 'echo new >/root/good', '0');
  expect(good).toMatch(/^go \S+ guard-\S+ \d+\nok$/);
  await agent.saw('transaction-ended', { outcome: 'kept' });
  expect(await snapshotNames(instance)).toContain(good.split(' ')[2]);

  // The answer to `post` comes at once; then the shell that asked dies with the rollback.
  await hooked(instance, 'echo bad >/root/good; touch /root/broken', '0');
  await agent.saw('transaction-ended', { outcome: 'rolled-back' });
  await incusCommand('exec', instance, '--', 'grep', '-qx', 'new', '/root/good');
  expect(await fileExists(instance, '/root/broken')).toBe(false);
  await isFree();
  await waitFor(async () => (await hooked(instance, 'ping')).startsWith('pong'));

  // Whoever logs in next is told, and whoever guard.yaml names.
  await waitFor(() => fileExists(instance, motd));
  await incusCommand('exec', instance, '--', 'grep', '-q', 'rolled back: ', motd);
  const message = join(guard.stateDirectory, 'message');
  await waitFor(() => existsSync(message));
  expect(JSON.parse(await readFile(message, 'utf8'))).toMatchObject({
    instance,
    outcome: 'rolled-back',
    exitStatus: 11,
    consecutiveFailures: 1,
  });
  await hooked(instance, 'echo again >/root/good', '0');
  await waitFor(async () => !(await fileExists(instance, motd)));
});

test('one that fails is rolled back where it has broken something', async () => {
  await hooked(instance, 'touch /root/broken', '1');
  const { run } = await agent.saw('transaction-ended');
  expect(await lastRun()).toMatchObject({ run, outcome: 'rolled-back', exitStatus: 10 });
  expect(await fileExists(instance, '/root/broken')).toBe(false);

  // The same again, with nobody at a terminal: no timer rolls one upgrade in and out every night (F37).
  await waitFor(async () => (await hooked(instance, 'ping')).startsWith('pong'));
  expect(await hooked(instance, 'touch /root/broken', '1')).toMatch(/^no The same change was rolled back/);
  await isFree();
});

test('one that is aborted and has changed nothing leaves nothing', async () => {
  const before = await snapshotNames(instance);
  expect(await hooked(instance, 'true', 'none')).toMatch(/^go /);
  await agent.saw('transaction-ended', { outcome: 'kept' });
  expect(await snapshotNames(instance)).toEqual(before);
  await isFree();
});

test('several transactions of one command are one run with one restore point', async () => {
  const before = (await snapshotNames(instance)).length;
  const three = 'for i in 1 2 3; do hooked "echo $i >>/root/log" 0; done';
  const { stdout } = await execa('incus', ['exec', instance, '--', 'sh', '-c', three], { stdin: 'ignore' });
  expect(new Set([...stdout.matchAll(/^go (\S+)/gm)].map((match) => match[1])).size).toBe(1);
  await agent.saw('transaction-ended', { outcome: 'kept' });
  expect(await runs()).toBe(1);
  expect((await snapshotNames(instance)).length).toBeLessThanOrEqual(before + 1);
});

test('inside a run of guard it adds nothing', async () => {
  const run = await guard.run(['--soak', '0s', instance, '--', 'hooked', 'true', '0']);
  expect(run.stdout).toMatch(/^go-already-guarded$/m);
  expect(run.status).toBe(0);
  expect(await runs()).toBe(1);
});

describe('killed (-9) between pre and post (F12)', () => {
  test.each([
    ['kept', 'touch /root/fine'],
    ['rolled-back', 'touch /root/broken'],
  ])('and started again: %s', async (outcome, change) => {
    const waits = `touch /root/under-way; while [ ! -e /root/go-on ]; do sleep 0.1; done; ${change}`;
    const manager = execa('incus', ['exec', instance, '--', 'hooked', waits, '0'], { reject: false, stdin: 'ignore' });
    await waitFor(() => fileExists(instance, '/root/under-way'));
    await agent.end('SIGKILL');
    // Who asks now is told at once that nobody is there.
    await waitFor(async () => (await hooked(instance, 'ping')) === 'absent');
    agent = await startAgent(guard, configuration());
    await agent.saw('relay-up', { instance });
    await incusCommand('exec', instance, '--', 'touch', '/root/go-on');
    await manager;
    await agent.saw('transaction-ended', { outcome });
    expect(await lastRun()).toMatchObject({ outcome });
    expect(await fileExists(instance, '/root/broken')).toBe(false);
    await isFree();
  });
});

test('SIGTERM waits for the run under way, and ends no transaction', async () => {
  const manager = hooked(instance, 'touch /root/under-way; sleep 2; touch /root/done', 'none');
  await waitFor(() => fileExists(instance, '/root/under-way'));
  expect(await agent.end('SIGTERM')).toBe(0);
  await manager;
  expect((await lastRun()).outcome).toBe('kept');
  expect(await fileExists(instance, '/root/done')).toBe(true);
  await waitFor(async () => (await hooked(instance, 'ping')) === 'absent');
  await isFree();
});
