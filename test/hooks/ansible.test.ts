import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ownProject, startAgent, type AgentUnderTest } from '../e2e/agent-under-test.ts';
import { fileExists, guardUnderTest, snapshotNames, type GuardUnderTest } from '../e2e/guard.ts';
import { incusCommand, remove } from '../e2e/incus-subject.ts';
import { baseOf, waitForBoot } from './base.ts';

const project = 'gr-ansible';
const instance = 'gr-ansible-1';
const configuration = `
defaults:
  soak: 0s
  verifyTimeout: 5s
  checks:
    whole: { exec: [test, -e, /etc/healthy], timeout: 1s, interval: 100ms, retries: 1 }
`;
let guard: GuardUnderTest;
let agent: AgentUnderTest;

/** The real Ansible, whose module calls apt-get in the container itself. */
beforeAll(async () => {
  await ownProject(project);
  await remove(instance, project);
  const base = await baseOf({
    name: project,
    image: 'guard-debian',
    script: `apt-get update -qq
apt-get install -qq --no-install-recommends ansible-core python3-apt >/dev/null`,
    repositories: ['deb'],
  });
  await incusCommand('copy', base, instance);
  await incusCommand('start', instance);
  await waitForBoot(instance);
  guard = await guardUnderTest();
  await guard.run(['hook', 'install', instance]);
});

afterAll(async () => {
  await guard.remove();
  await remove(instance, project);
});

beforeEach(async () => {
  agent = await startAgent(guard, configuration, '--project', project);
  await agent.saw('relay-up', { instance });
});

afterEach(() => agent.end('SIGTERM'));

const playbook = (...packages: string[]): string => `
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: packages
      ansible.builtin.apt:
        name: [${packages.join(', ')}]
`;

const play = async (book: string): Promise<string> => {
  await execa('incus', ['file', 'push', '-', `${instance}/root/playbook.yaml`], { input: book });
  const { stdout } = await execa('incus', ['exec', instance, '--', 'ansible-playbook', '/root/playbook.yaml'], {
    reject: false,
    stdin: 'ignore',
  });
  return stdout;
};

test('a task of a playbook is one run with one restore point, kept', async () => {
  expect(await play(playbook('guard-one', 'guard-two', 'guard-three'))).toMatch(/changed=1 .*failed=0/);
  expect(await agent.saw('transaction-announced')).toMatchObject({ manager: 'apt', packages: 3 });
  const { run } = await agent.saw('transaction-ended', { outcome: 'kept' });
  expect(await snapshotNames(instance)).toEqual([`guard-${String(run)}`]);
});

test('one that breaks something is rolled back', async () => {
  await play(playbook('guard-breaks'));
  await agent.saw('transaction-ended', { outcome: 'rolled-back' });
  expect(await fileExists(instance, '/etc/healthy')).toBe(true);
  expect(await fileExists(instance, '/opt/guard-breaks')).toBe(false);
  expect(await fileExists(instance, '/opt/guard-three')).toBe(true);
});
