import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ownProject, startAgent, type AgentUnderTest } from '../e2e/agent-under-test.ts';
import { guardUnderTest, snapshotNames, type GuardUnderTest } from '../e2e/guard.ts';
import { incusCommand, remove } from '../e2e/incus-subject.ts';
import { waitFor } from '../host/host.ts';
import { baseOf, waitForBoot } from './base.ts';

const project = 'gr-unattended';
const instance = 'gr-unattended-1';
let guard: GuardUnderTest;
let agent: AgentUnderTest | null = null;

/** The real unattended-upgrades, which is allowed to take everything from the tests' own repository. */
beforeAll(async () => {
  await ownProject(project);
  await remove(instance, project);
  const base = await baseOf({
    name: 'gr-unattended',
    image: 'guard-debian',
    script: `apt-get update -qq
apt-get install -qq --no-install-recommends unattended-upgrades >/dev/null
printf '%s\\n' '#clear Unattended-Upgrade::Origins-Pattern;' 'Unattended-Upgrade::Origins-Pattern { "origin=guard-test"; };' \\
  >/etc/apt/apt.conf.d/99test`,
    repositories: ['deb'],
  });
  await incusCommand('copy', base, instance);
  await incusCommand('start', instance);
  await waitForBoot(instance);
  await incusCommand('exec', instance, '--', 'apt-get', 'install', '-y', '-qq', 'guard-one=1.0', 'guard-two');
  guard = await guardUnderTest();
  await guard.run(['hook', 'install', instance]);
  await incusCommand('snapshot', 'create', instance, 'as-made');
});

afterAll(async () => {
  await guard.remove();
  await remove(instance, project);
});

beforeEach(async () => {
  await incusCommand('snapshot', 'restore', instance, 'as-made');
  for (const name of await snapshotNames(instance))
    if (name !== 'as-made') await incusCommand('snapshot', 'delete', instance, name);
  await waitForBoot(instance);
});

afterEach(async () => {
  await agent?.end('SIGTERM');
  agent = null;
});

const withAgent = async (check: string): Promise<AgentUnderTest> => {
  const checks = `checks: { old: { exec: [${check}], timeout: 1s, interval: 100ms, retries: 1 } }`;
  agent = await startAgent(guard, `defaults: { soak: 0s, verifyTimeout: 5s, ${checks} }\n`, '--project', project);
  await agent.saw('relay-up', { instance });
  return agent;
};

const upgrade = async (): Promise<string> => {
  const { stdout, stderr } = await execa('incus', ['exec', instance, '--', 'unattended-upgrade', '-v'], {
    reject: false,
    stdin: 'ignore',
  });
  return stdout + stderr;
};

const version = (): Promise<string> => incusCommand('exec', instance, '--', 'cat', '/opt/guard-one');

test('what unattended-upgrades does needs nothing more: one run, kept, with a restore point', async () => {
  const { saw } = await withAgent('test, -e, /opt/guard-one');
  expect(await upgrade()).toContain('guard-one');
  expect(await saw('transaction-announced')).toMatchObject({ manager: 'apt', packages: 1 });
  await saw('transaction-ended', { outcome: 'kept' });
  expect(await version()).toBe('2.0');
  expect((await snapshotNames(instance)).filter((name) => name.startsWith('guard-'))).toHaveLength(1);
});

test('what breaks something is rolled back, told at the next login, and not tried again the next night', async () => {
  const { saw } = await withAgent('grep, -q, "1.0", /opt/guard-one');
  await upgrade();
  const { run } = await saw('transaction-ended', { outcome: 'rolled-back' });
  expect(await version()).toBe('1.0');
  const told = (): Promise<string> =>
    incusCommand('exec', instance, '--', 'cat', '/run/motd.d/50-guard').catch(() => '');
  await waitFor(async () => (await told()).includes(`guard show ${String(run)}`));
  await waitFor(async () => (await guard.run(['hook', 'status', instance])).status === 0);

  await upgrade();
  expect(await saw('transaction-ended', { outcome: 'quarantined' })).toBeDefined();
  expect(await version()).toBe('1.0');
  expect((await snapshotNames(instance)).filter((name) => name.startsWith('guard-'))).toEqual([]);
});
