import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { launchHooked, ownProject, removeProject, startAgent, type AgentUnderTest } from './agent-under-test.ts';
import { fileExists, guardUnderTest, snapshotNames, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

// Root inside a container pretends to be a package manager that never ends: a forged `pre` and `ask`, with the number of a
// process that sleeps (issue 13). It may hold up its own run, and nobody else's, and never the operator.

const hostile = 'hh-hostile';
const other = 'hh-other';
const project = 'hostile-hook';
let guard: GuardUnderTest;
let agent: AgentUnderTest;

beforeAll(async () => {
  await ownProject(project);
  guard = await guardUnderTest();
  await Promise.all([launchHooked(hostile), launch(other)]);
});

afterAll(async () => {
  await agent.end('SIGKILL');
  await Promise.all([remove(hostile), remove(other)]);
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

/** A run of the other container whose guard was killed. */
const interruptOther = async (): Promise<void> => {
  await inside(other, 'rm -f /root/changed');
  const script = 'touch /root/changed; sleep 1000';
  const run = guard.start(['--soak', '0s', '--retry', other, '--', 'sh', '-c', script]);
  await waitFor(() => fileExists(other, '/root/changed'));
  run.kill('SIGKILL');
  await run;
};

test('while the agent lives, the operator takes the container over', async () => {
  expect((await guard.run([hostile, '--', 'true'])).status).toBe(31);
  const taken = await guard.run(['recover', '--take-over', hostile]);
  expect({ status: taken.status, stderr: taken.stderr }).toMatchObject({ status: 0 });
  expect(await isFree(hostile)).toBe(true);
  await agent.end('SIGKILL');
  expect((await guard.run([hostile, '--', 'true'])).status).toBe(0);
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  'after a kill of the agent a recovery says what it waits for, finishes the others, and ends at %s',
  async (signal) => {
    await agent.end('SIGKILL');
    await interruptOther();
    const recovering = guard.start(['recover']);
    let said = '';
    (recovering as unknown as { stderr: NodeJS.ReadableStream }).stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await waitFor(() => said.includes('still works in'));
    await waitFor(() => isFree(other));
    expect(await fileExists(other, '/root/changed')).toBe(false);
    expect(await isFree(hostile)).toBe(false);
    await waitFor(() => /^hh-other: .*record: guard show/m.test(said));
    const asked = performance.now();
    recovering.kill(signal);
    const { exitCode } = await recovering;
    process.stdout.write(`${signal}: guard recover ended after ${Math.round(performance.now() - asked)} ms\n`);
    expect(exitCode).toBe(signal === 'SIGINT' ? 130 : 143);
    expect(said).toContain('Not finished: hh-hostile.');
    const taken = await guard.run(['recover', '--take-over', hostile]);
    expect({ status: taken.status, stderr: taken.stderr }).toMatchObject({ status: 0 });
    expect(await isFree(hostile)).toBe(true);
  },
);
