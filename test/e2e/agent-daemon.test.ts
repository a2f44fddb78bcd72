import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bringUp, killDaemon, startDaemon, stopDaemon, takeDown, waitFor, type Host } from '../host/host.ts';
import { hooked, launchHooked, startAgent, type AgentUnderTest } from './agent-under-test.ts';
import { fileExists, guardUnderTest, snapshotNames, type GuardUnderTest } from './guard.ts';
import { incusCommand } from './incus-subject.ts';

// The agent while its daemon is killed or restarted: on a host of its own.

const instance = 'gr-agent-daemon';
let host: Host;
let guard: GuardUnderTest;
let agent: AgentUnderTest;

beforeAll(async () => {
  host = await bringUp({ name: `ag-${Date.now().toString(36)}` });
  Object.assign(process.env, host.env);
  await launchHooked(instance);
  guard = await guardUnderTest();
  agent = await startAgent(guard, 'defaults: { soak: 0s }');
  await agent.saw('relay-up', { instance });
});

afterAll(async () => {
  await agent.end('SIGKILL');
  await guard.remove();
  await takeDown(host);
});

test.each([
  ['killed', killDaemon],
  // It would wait for minutes for a relay that is held open (lxc/incus#1942).
  ['restarted', stopDaemon],
])('a transaction outlives a daemon that is %s', async (_how, end) => {
  const before = agent.events().length;
  const waits =
    'rm -f /root/go-on; touch /root/under-way; while [ ! -e /root/go-on ]; do sleep 0.1; done; echo x >>/root/new';
  // Detached: the connection of this command ends with the daemon as well.
  const detached = `setsid hooked '${waits}' 0 >/dev/null 2>&1 &`;
  await execa('incus', ['exec', instance, '--', 'sh', '-c', detached], { stdin: 'ignore' });
  await waitFor(() => fileExists(instance, '/root/under-way'));
  await end(host);
  await waitFor(() =>
    agent
      .events()
      .slice(before)
      .some(({ type }) => type === 'server-disconnected'),
  );
  await startDaemon(host);
  await waitFor(() =>
    agent
      .events()
      .slice(before)
      .some(({ type }) => type === 'relay-up'),
  );
  await incusCommand('exec', instance, '--', 'sh', '-c', 'rm /root/under-way; touch /root/go-on');
  await waitFor(() =>
    agent
      .events()
      .slice(before)
      .some(({ type }) => type === 'transaction-ended'),
  );
  expect(agent.events().findLast(({ type }) => type === 'transaction-ended')).toMatchObject({ outcome: 'kept' });
  expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  expect(await hooked(instance, 'ping')).toMatch(/^pong /);
});
