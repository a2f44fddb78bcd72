import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  hooked,
  launchHooked,
  ownProject,
  removeProject,
  startAgent,
  type AgentUnderTest,
} from './agent-under-test.ts';
import { fileExists, guardUnderTest, snapshotNames, type GuardUnderTest } from './guard.ts';
import { incusCommand, remove } from './incus-subject.ts';
import { copies, write } from './rehearsal-subject.ts';

// A package manager that a timer started is rehearsed first (`hook.rehearse`).

const project = 'gr-agent-reh';
const instance = 'gr-agent-reh-1';

const configuration = `
defaults:
  soak: 0s
  verifyTimeout: 10s
  hook: { rehearse: true, timeout: 5m }
  checks:
    whole: { exec: [test, "!", -e, /root/broken], timeout: 1s, interval: 100ms, retries: 1 }
`;

let guard: GuardUnderTest;
let agent: AgentUnderTest;

beforeAll(async () => {
  await ownProject(project);
  await launchHooked(instance);
  // The stand-in announces its command as `trial …`.
  await write(instance, '/bin/trial', '#!/bin/sh\nexec "$@"\n');
  await incusCommand('exec', instance, '--', 'chmod', '+x', '/bin/trial');
  guard = await guardUnderTest();
  agent = await startAgent(guard, configuration);
  await agent.saw('relay-up', { instance });
});

afterAll(async () => {
  await agent.end('SIGTERM');
  await remove(instance, project);
  await remove(instance, 'guard-rehearsal');
  await removeProject(project);
  await guard.remove();
});

test('what a copy does not survive is aborted before it begins, with the reason', async () => {
  // The stand-in waits for a minute; the manager of a real hook waits as long as `timeout` says.
  await incusCommand('exec', instance, '--', 'sed', '-i', 's/hear 60/hear 280/', '/bin/hooked');
  const answer = await hooked(instance, 'touch /root/broken', '0');
  expect(answer).toMatch(/^no .*A copy of this instance did not survive it/);
  expect(await fileExists(instance, '/root/broken')).toBe(false);
  expect(await snapshotNames(instance)).toEqual([]);
  expect(await copies()).toEqual([]);
  await agent.saw('transaction-ended', { outcome: 'rehearsal-failed' });
});

test('what it survives goes on, guarded', async () => {
  expect(await hooked(instance, 'touch /root/fine', '0')).toMatch(/^go/);
  await agent.saw('transaction-ended', { outcome: 'kept' });
  expect(await fileExists(instance, '/root/fine')).toBe(true);
});
