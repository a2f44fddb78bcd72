import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { launchHooked, ownProject, removeProject, startAgent, type AgentUnderTest } from './agent-under-test.ts';
import { fileExists, guardUnderTest, snapshotNames, type GuardUnderTest, type Started } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

// Root inside a container pretends to be a package manager that never ends: a forged `pre` and `ask`, with the number of a
// process that sleeps (issue 13). It may hold up its own run, and never the operator.

const hostile = 'hh-hostile';
const other = 'hh-other';
const project = 'hostile-hook';
let guard: GuardUnderTest;
let agent: AgentUnderTest;

beforeAll(async () => {
  await ownProject(project);
  guard = await guardUnderTest();
  await launchHooked(hostile);
  await launch(other);
});

afterAll(async () => {
  await agent.end('SIGKILL');
  await remove(hostile);
  await remove(other);
  await removeProject(project);
  await guard.remove();
});

const inside = (name: string, script: string) => incusCommand('exec', name, '--', 'sh', '-euc', script);

/** Asks for a restore point for a process that sleeps, and never says that it ended. */
const forge = async (): Promise<string> => {
  await inside(hostile, 'rm -f /root/answer');
  const script = `
    setsid sleep 100000 </dev/null >/dev/null 2>&1 &
    sleeper=$!
    cd /run/guard
    mkfifo -m 600 "reply.$sleeper"
    { echo "1 $sleeper pre apt $sleeper"; echo "1 $sleeper command apt upgrade"; echo "1 $sleeper package thing 1 2"; echo "1 $sleeper ask"; } 1<>ask
    timeout 60 head -n 1 <>"reply.$sleeper" >/root/answer`;
  await inside(hostile, script);
  const answer = await inside(hostile, 'cat /root/answer');
  expect(answer).toMatch(/^go /);
  return answer;
};

const outcomeOfLastRun = async (): Promise<string | null> => {
  const { stdout } = await guard.run(['runs', '--json', '--limit', '1']);
  return (JSON.parse(stdout) as { outcome: string | null }).outcome;
};

beforeEach(async () => {
  agent = await startAgent(guard, 'defaults: { soak: 0s }');
  await agent.saw('relay-up', { instance: hostile });
  await forge();
});

const markerOf = (name: string): Promise<string> => incusCommand('config', 'get', name, 'user.guard.run');

const isFree = async (name: string): Promise<boolean> =>
  !(await snapshotNames(name)).includes('guard-in-flight') && (await markerOf(name)) === '';

const eventsOf = ({ stdout }: Started): (() => string) => {
  let said = '';
  stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return () => said;
};

/** Leaves an interrupted run of the operator's. */
const interrupt = async (name: string): Promise<void> => {
  const run = guard.start(['--json', name, '--', 'sh', '-c', 'touch /root/changed; sleep 1000']);
  eventsOf(run);
  await waitFor(() => fileExists(name, '/root/changed'));
  run.kill('SIGKILL');
  await run;
};

test('while the agent lives, the operator takes the container over', async () => {
  expect((await guard.run([hostile, '--', 'true'])).status).toBe(31);
  const taken = await guard.run(['recover', '--take-over', hostile]);
  expect({ status: taken.status, stderr: taken.stderr }).toMatchObject({ status: 0 });
  expect(await isFree(hostile)).toBe(true);
  expect(await outcomeOfLastRun()).toBe('rolled-back');
  // The agent finds that it lost the run, and no other package manager joins that one.
  const first = await agent.saw('transaction-ended', { instance: hostile });
  expect(await outcomeOfLastRun()).toBe('rolled-back');
  expect(await forge()).not.toContain(String(first['run']));
  await agent.end('SIGKILL');
  expect((await guard.run(['recover', '--take-over', hostile])).status).toBe(0);
});

describe('when the agent was killed', () => {
  beforeEach(async () => {
    await agent.end('SIGKILL');
  });

  afterEach(async () => {
    await guard.run(['recover', '--take-over', hostile]);
  });

  test('a recovery waits for the process in vain, but no other instance, no signal and no take-over does', async () => {
    await interrupt(other);
    const recovery = guard.start(['recover', '--json']);
    const said = eventsOf(recovery);
    await waitFor(() => said().includes('still works in'), { limitMs: 60_000 });
    await waitFor(() => isFree(other), { limitMs: 60_000 });
    expect(await isFree(hostile)).toBe(false);
    recovery.kill('SIGINT');
    expect((await recovery).exitCode).toBe(130);
    expect((await guard.run([hostile, '--', 'true'])).status).toBe(30);
    const taken = await guard.run(['recover', '--take-over', hostile]);
    expect({ status: taken.status, stderr: taken.stderr }).toMatchObject({ status: 0 });
    expect(await isFree(hostile)).toBe(true);
    expect((await guard.run([hostile, '--', 'true'])).status).toBe(0);
  });

  test('the recovery of the next agent gives way to a take-over as well', async () => {
    agent = await startAgent(guard, 'defaults: { soak: 0s }');
    await waitFor(async () => (await markerOf(hostile)).includes('"recovering":true'), { limitMs: 60_000 });
    // Its instances are served meanwhile.
    await agent.saw('relay-up', { instance: hostile });
    expect((await guard.run(['recover', hostile])).status).toBe(31);
    const taken = await guard.run(['recover', '--take-over', hostile]);
    expect({ status: taken.status, stderr: taken.stderr }).toMatchObject({ status: 0 });
    expect(await isFree(hostile)).toBe(true);
    // The agent finds that it lost the run, and waits for the process no longer.
    await agent.saw('transaction-ended', { instance: hostile });
    expect(await isFree(hostile)).toBe(true);
    expect(await outcomeOfLastRun()).toBe('rolled-back');
    await agent.end('SIGTERM');
    expect((await guard.run([hostile, '--', 'true'])).status).toBe(0);
  });
});
