import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Finding } from '../../src/doctor/finding.ts';
import { waitFor } from '../host/host.ts';
import { ownProject, removeProject } from './agent-under-test.ts';
import { fileExists, guardUnderTest, type GuardUnderTest } from './guard.ts';
import { launch, remove } from './incus-subject.ts';

const instance = 'e2e-doctor';
/** Runs of other tests are not in flight in it. */
const project = 'e2e-doctor';
let guard: GuardUnderTest;

beforeAll(async () => {
  await ownProject(project);
  await launch(instance);
});
afterAll(async () => {
  await remove(instance, project);
  await removeProject(project);
});
beforeEach(async () => {
  guard = await guardUnderTest();
  return () => guard.remove();
});

/** The findings of a topic, and the exit status. */
const doctor = async (topic: string) => {
  const { status, stdout } = await guard.run(['doctor', '--json']);
  const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] };
  return { status, found: findings.filter((finding) => finding.topic === topic) };
};

test('says what is there, in one line each, and changes nothing', async () => {
  const before = await readdir(guard.stateDirectory);
  const { status, stdout, stderr } = await guard.run(['doctor']);
  expect(stderr).toBe('');
  const [summary = '', ...lines] = stdout.trimEnd().split('\n');
  // Some of it is of the machine that the test runs on.
  expect(summary).toMatch(/^guard doctor: (ok|\d+ \w+)/);
  expect(lines.filter((line) => !/^(ok {5}|warning|problem) {2}[a-z][\w -]*: .+\.$/.test(line))).toEqual([]);
  expect(lines.join('\n')).toMatch(
    /^ok {7}server: Incus \d+\.\d+\S* answers .* project e2e-doctor, \d+ instances?\.$/m,
  );
  expect(lines.join('\n')).toMatch(/^ok {7}pool default: btrfs takes restore points without copying/m);
  expect(status).toBe(
    lines.some((line) => line.startsWith('problem')) ? 2 : lines.some((line) => line.startsWith('warning')) ? 1 : 0,
  );
  expect(await readdir(guard.stateDirectory)).toEqual(before);
});

test('a hook without an agent is a problem', async () => {
  expect((await guard.run(['hook', 'install', instance])).status).toBe(0);
  const { status, found } = await doctor(`hook ${instance}`);
  expect(status).toBe(2);
  expect(found).toMatchObject([{ level: 'problem', message: 'No agent answers its package managers.' }]);
  expect((await guard.run(['hook', 'remove', instance])).status).toBe(0);
  expect((await doctor(`hook ${instance}`)).found).toEqual([]);
});

test('an interrupted run is a problem until its line has finished it', async () => {
  const running = guard.start([instance, '--', 'sh', '-c', 'touch /root/begun; sleep 600']);
  await waitFor(() => fileExists(instance, '/root/begun'));
  expect((await doctor('runs')).found).toMatchObject([
    { level: 'ok', message: expect.stringContaining('in flight: 1') },
  ]);
  running.kill('SIGKILL');
  await running;
  const { status, found } = await doctor('runs');
  expect(status).toBe(2);
  expect(found).toMatchObject([
    { level: 'problem', advice: `Run \`guard recover --project ${project} ${instance}\`.` },
  ]);
  // Of another host's records, the instance itself tells.
  const other = await guardUnderTest();
  const { stdout } = await other.run(['doctor']);
  await other.remove();
  expect(stdout).toContain(`${instance} has a restore point in flight, but no run is in progress on it.`);
  expect((await guard.run(['recover', instance])).status).toBe(0);
  expect((await doctor('runs')).found).toMatchObject([{ level: 'ok' }]);
});

test('without a server, and with a wrong guard.yaml, the rest is told all the same', async () => {
  const { status, stdout } = await guard.run(['doctor', '--config', 'none.yaml'], { env: { INCUS_SOCKET: '/none' } });
  expect(status).toBe(2);
  expect(stdout).toMatch(/^problem {2}server: .*no socket \/none\. Start Incus/m);
  expect(stdout).toMatch(/^problem {2}configuration: .*none\.yaml: There is no such file\. Name an existing file/m);
  expect(stdout).toMatch(/^ok {7}records: /m);
});

test('guard version says commit, Node and server', async () => {
  const { status, stdout } = await guard.run(['version']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^guard \d+\.\d+\.\d+\ncommit \S+\nNode \d+\.\d+\.\d+.*\nIncus \d+\.\d+/);
  const unreachable = await guard.run(['version'], { env: { INCUS_SOCKET: '/none' } });
  expect(unreachable.stdout).toContain('no server: ');
});
