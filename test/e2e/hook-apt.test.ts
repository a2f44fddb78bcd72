import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitForBoot } from '../hooks/base.ts';
import { waitFor } from '../host/host.ts';
import { ownProject, removeProject, startAgent, type AgentUnderTest } from './agent-under-test.ts';
import { fileExists, guardUnderTest, snapshotNames, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

// One of the package managers of test/hooks, so that every run of the tests sees the whole way once.
const project = 'gr-hook-apt';
const instance = 'gr-hook-apt-1';
const configuration = `
defaults:
  soak: 0s
  verifyTimeout: 5s
  checks:
    whole: { exec: [test, -e, /etc/healthy], timeout: 1s, interval: 100ms, retries: 1 }
`;
let guard: GuardUnderTest;
let agent: AgentUnderTest;

beforeAll(async () => {
  await ownProject(project);
  await remove(instance, project);
  await launch(instance);
  await waitForBoot(instance);
  const packages = join(import.meta.dirname, '../hooks/packages.sh');
  await incusCommand('file', 'push', packages, `${instance}/root/packages.sh`);
  await incusCommand('exec', instance, '--', 'bash', '/root/packages.sh', 'deb');
  guard = await guardUnderTest();
  agent = await startAgent(guard, configuration, '--project', project);
});

afterAll(async () => {
  await agent.end('SIGTERM');
  await guard.remove();
  await remove(instance, project);
  await removeProject(project);
});

const apt = (...names: string[]): Promise<{ exitCode?: number; stderr: string }> =>
  execa('incus', ['exec', instance, '--', 'apt-get', 'install', '-y', '-qq', ...names], {
    reject: false,
    stdin: 'ignore',
  });

test('apt-get asks by itself: three packages are one run and one restore point; what breaks something goes back', async () => {
  const installed = await guard.run(['hook', 'install', instance]);
  expect(installed).toMatchObject({ status: 0 });
  await agent.saw('relay-up', { instance });
  expect((await guard.run(['hook', 'status', instance])).stdout).toContain('the agent on the host answers');

  const good = await apt('guard-one', 'guard-two', 'guard-three');
  expect(good).toMatchObject({ exitCode: 0 });
  expect(good.stderr).toMatch(/^guard: restore point guard-\S+ taken, \d+ ms$/m);
  const { run } = await agent.saw('transaction-ended', { outcome: 'kept' });
  expect(await snapshotNames(instance)).toEqual([`guard-${String(run)}`]);

  await apt('guard-breaks');
  await agent.saw('transaction-ended', { outcome: 'rolled-back' });
  expect(await fileExists(instance, '/etc/healthy')).toBe(true);
  expect(await fileExists(instance, '/opt/guard-breaks')).toBe(false);
  expect(await fileExists(instance, '/opt/guard-three')).toBe(true);
  await waitFor(async () => (await guard.run(['hook', 'status', instance])).status === 0);
});
