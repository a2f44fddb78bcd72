import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createFleet, fileIn, type TestFleet } from '../rollouts/fleet.ts';
import { waitFor } from '../host/host.ts';
import { startAgent, type AgentUnderTest } from './agent-under-test.ts';
import { guardUnderTest, type Ended, type GuardUnderTest, type Started } from './guard.ts';
import { incusCommand } from './incus-subject.ts';

let fleet: TestFleet;
let guard: GuardUnderTest;
let agent: AgentUnderTest | null = null;

beforeAll(async () => {
  fleet = await createFleet('gr-confirm-fleet', 4, 'wave');
});

afterAll(() => fleet.remove());

beforeEach(async () => {
  guard = await guardUnderTest();
});

afterEach(async () => {
  await agent?.end('SIGTERM');
  agent = null;
  await guard.remove();
  await incusCommand('project', 'unset', fleet.project, 'user.guard.rollout');
});

const withAgent = async (): Promise<void> => {
  agent = await startAgent(guard, 'defaults: {}\n', '--project', fleet.project);
};

const words = (file: string, ...more: string[]): string[] => [
  '--project',
  fleet.project,
  '--soak',
  '0s',
  '--all',
  '--max-parallel',
  '2',
  ...more,
  '--',
  'sh',
  '-c',
  `echo once >>/root/${file}`,
];

const begin = (file: string, ...more: string[]): Started => guard.start(words(file, ...more));

const rollout = (...more: string[]): Promise<Ended> => guard.run(['rollout', ...more]);

const filesIn = (file: string): Promise<(string | null)[]> =>
  Promise.all(fleet.names.map((name) => fileIn(fleet, name, `/root/${file}`)));

/** How many instances wait. */
const waiting = async (): Promise<number> => {
  const marks = await Promise.all(
    fleet.names.map((name) => incusCommand('config', 'get', name, 'user.guard.run', '--project', fleet.project)),
  );
  return marks.filter((mark) => mark.includes('"waiting"')).length;
};

const waveWaits = (): Promise<void> => waitFor(async () => (await waiting()) === 2, { limitMs: 90_000 });

test('30: is refused before anything begins where nobody would keep the deadlines', async () => {
  const ended = await guard.run(words('unkept', '--confirm', '1m'));
  expect(ended.status).toBe(30);
  expect(ended.stderr).toContain('guard agent');
  expect(await filesIn('unkept')).toEqual([null, null, null, null]);
  expect((await guard.run(words('unkept', '--detach'))).status).toBe(64);
});

test('0: each wave waits, and one word moves the rollout on', async () => {
  await withAgent();
  const caller = begin('kept', '--confirm', '5m');
  await waveWaits();
  expect(await filesIn('kept')).toEqual(['once', 'once', null, null]);
  const status = await rollout('status', 'last');
  expect(status.stdout).toContain('waits for a confirmation until');
  expect((await rollout('confirm', 'last')).status).toBe(0);
  await waitFor(async () => (await filesIn('kept'))[3] !== null, { limitMs: 90_000 });
  await waveWaits();
  expect((await rollout('confirm', 'last')).status).toBe(0);
  const { exitCode, stderr } = await caller;
  expect(exitCode).toBe(0);
  expect(stderr).toContain('guard rollout confirm ');
  expect((await rollout('confirm', 'last')).status).toBe(30);
});

test('40: at the deadline the wave is rolled back, and the rollout stops', async () => {
  await withAgent();
  const { exitCode, stderr } = await begin('expired', '--confirm', '4s', '--max-failures', '100%');
  expect(exitCode).toBe(40);
  expect(stderr).toContain('because a change was not confirmed');
  expect(await filesIn('expired')).toEqual([null, null, null, null]);
  expect(await waiting()).toBe(0);
});

test('a rollout that was killed while its wave waited goes on when the wave is confirmed', async () => {
  await withAgent();
  const caller = begin('killed', '--confirm', '5m');
  await waveWaits();
  caller.kill('SIGKILL');
  await caller;
  const early = await rollout('resume', 'last');
  expect(early.status).toBe(31);
  expect(early.stderr).toContain('guard rollout confirm');
  expect((await rollout('confirm', 'last')).status).toBe(0);
  const resumed = guard.start(['rollout', 'resume', 'last']);
  await waveWaits();
  expect((await rollout('confirm', 'last')).status).toBe(0);
  expect((await resumed).exitCode).toBe(0);
  expect(await filesIn('killed')).toEqual(['once', 'once', 'once', 'once']);
});

test('40: with --all-or-nothing a wave that is refused takes the confirmed ones back with it, at once', async () => {
  await withAgent();
  const caller = begin('all', '--confirm', '5m', '--all-or-nothing');
  await waveWaits();
  expect((await rollout('confirm', 'last')).status).toBe(0);
  await waitFor(async () => (await filesIn('all'))[3] !== null, { limitMs: 90_000 });
  await waveWaits();
  for (const name of fleet.names.slice(2))
    expect((await guard.run(['rollback', '--project', fleet.project, '-y', name])).status).toBe(0);
  expect((await caller).exitCode).toBe(40);
  expect(await filesIn('all')).toEqual([null, null, null, null]);
});

test('41: with --detach it pauses after the first wave', async () => {
  await withAgent();
  const { exitCode, stderr } = await begin('detached', '--confirm', '5m', '--detach');
  expect(exitCode).toBe(41);
  expect(stderr).toContain('paused, because changes wait for a confirmation');
  expect(await waiting()).toBe(2);
  expect((await rollout('confirm', 'last')).status).toBe(0);
  expect((await rollout('resume', 'last')).status).toBe(41);
  expect((await rollout('confirm', 'last')).status).toBe(0);
  expect((await rollout('resume', 'last')).status).toBe(0);
  expect(await filesIn('detached')).toEqual(['once', 'once', 'once', 'once']);
});
