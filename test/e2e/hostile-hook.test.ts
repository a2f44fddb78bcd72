import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { launchHooked, ownProject, removeProject, startAgent, type AgentUnderTest } from './agent-under-test.ts';
import { guardUnderTest, snapshotNames, type GuardUnderTest } from './guard.ts';
import { incusCommand, remove } from './incus-subject.ts';

// Root inside a container pretends to be a package manager that never ends: a forged `pre` and `ask`, with the number of a
// process that sleeps (issue 13). It may hold up its own run, and never the operator.

const hostile = 'hh-hostile';
const project = 'hostile-hook';
let guard: GuardUnderTest;
let agent: AgentUnderTest;

beforeAll(async () => {
  await ownProject(project);
  guard = await guardUnderTest();
  await launchHooked(hostile);
});

afterAll(async () => {
  await agent.end('SIGKILL');
  await remove(hostile);
  await removeProject(project);
  await guard.remove();
});

const inside = (name: string, script: string) => incusCommand('exec', name, '--', 'sh', '-euc', script);

/** Asks for a restore point for a process that sleeps, and never says that it ended. */
const forge = async (): Promise<void> => {
  await inside(hostile, 'rm -f /root/answer');
  const script = `
    setsid sleep 100000 </dev/null >/dev/null 2>&1 &
    sleeper=$!
    cd /run/guard
    mkfifo -m 600 "reply.$sleeper"
    { echo "1 $sleeper pre apt $sleeper"; echo "1 $sleeper command apt upgrade"; echo "1 $sleeper package thing 1 2"; echo "1 $sleeper ask"; } 1<>ask
    timeout 60 head -n 1 <>"reply.$sleeper" >/root/answer`;
  await inside(hostile, script);
  expect(await inside(hostile, 'cat /root/answer')).toMatch(/^go /);
};

beforeEach(async () => {
  agent = await startAgent(guard, 'defaults: { soak: 0s }');
  await agent.saw('relay-up', { instance: hostile });
  await forge();
});

const isFree = async (name: string): Promise<boolean> =>
  !(await snapshotNames(name)).includes('guard-in-flight') &&
  (await incusCommand('config', 'get', name, 'user.guard.run')) === '';

test('while the agent lives, the operator takes the container over', async () => {
  expect((await guard.run([hostile, '--', 'true'])).status).toBe(31);
  const taken = await guard.run(['recover', '--take-over', hostile]);
  expect({ status: taken.status, stderr: taken.stderr }).toMatchObject({ status: 0 });
  expect(await isFree(hostile)).toBe(true);
  await agent.end('SIGKILL');
  expect((await guard.run([hostile, '--', 'true'])).status).toBe(0);
});
