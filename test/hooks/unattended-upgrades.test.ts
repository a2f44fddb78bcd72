import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ownProject, startAgent } from '../e2e/agent-under-test.ts';
import { guardUnderTest, snapshotNames } from '../e2e/guard.ts';
import { incusCommand, remove } from '../e2e/incus-subject.ts';
import { baseOf, waitForBoot } from './base.ts';

const project = 'gr-unattended';
const instance = 'gr-unattended-1';

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
});

afterAll(async () => {
  await remove(instance, project);
});

test('what unattended-upgrades does needs nothing more: one run, kept, with a restore point', async () => {
  const guard = await guardUnderTest();
  expect(await guard.run(['hook', 'install', instance])).toMatchObject({ status: 0 });
  const agent = await startAgent(guard, 'defaults: { soak: 0s, verifyTimeout: 5s }\n', '--project', project);
  await agent.saw('relay-up', { instance });
  const upgraded = await execa('incus', ['exec', instance, '--', 'unattended-upgrade', '-v'], { stdin: 'ignore' });
  expect(upgraded.stdout + upgraded.stderr).toContain('guard-one');
  expect(await agent.saw('transaction-asked')).toMatchObject({ manager: 'apt', packages: 1 });
  await agent.saw('transaction-ended', { outcome: 'kept' });
  expect(await incusCommand('exec', instance, '--', 'cat', '/opt/guard-one')).toBe('2.0');
  expect((await snapshotNames(instance)).filter((name) => name.startsWith('guard-'))).toHaveLength(1);
  await agent.end('SIGTERM');
  await guard.remove();
});
