import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { guardUnderTest, type Ended, type GuardUnderTest } from '../e2e/guard.ts';
import { incusCommand } from '../e2e/incus-subject.ts';
import { createFleet, fileIn, projectRecord, snapshotsOf, type TestFleet } from './fleet.ts';

// Long: many containers, and guard killed at random moments. GUARD_ROLLOUT_COUNT and GUARD_ROLLOUT_KILLS make it longer.

const count = Number(process.env['GUARD_ROLLOUT_COUNT'] ?? 20);
const kills = Number(process.env['GUARD_ROLLOUT_KILLS'] ?? 10);
let fleet: TestFleet;
let guard: GuardUnderTest;

beforeAll(async () => {
  fleet = await createFleet('gr-rollouts', count);
});

afterAll(() => fleet.remove());

beforeEach(async () => {
  guard = await guardUnderTest();
  return () => guard.remove();
});

const start = (words: readonly string[], script: string, by = guard) =>
  by.start(['--project', fleet.project, '--soak', '0s', 'web-*', ...words, '--', 'sh', '-c', script]);

async function roll(words: readonly string[], script: string): Promise<Ended> {
  const { exitCode, stdout, stderr } = await start(words, script);
  return { status: exitCode, stdout: String(stdout), stderr };
}

async function namesWith(path: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of fleet.names) if ((await fileIn(fleet, name, path)) !== null) found.push(name);
  return found;
}

const lastFive = fleetEnd(5);
function fleetEnd(many: number): RegExp {
  const names = Array.from({ length: many }, (_, index) => `web-${String(count - index).padStart(2, '0')}`);
  return new RegExp(`^(${names.join('|')})$`);
}

describe(`${count} containers`, () => {
  test('a canary that breaks: one is rolled back, the others are untouched', async () => {
    const before = await Promise.all(fleet.names.map((name) => snapshotsOf(fleet, name)));
    const ended = await roll(['--canary', '1', '--max-parallel', '10'], 'touch /root/canary; exit 3');
    expect(ended.status).toBe(40);
    expect(ended.stderr).toContain(`1 rolled back, ${count - 1} not started`);
    expect(await namesWith('/root/canary')).toEqual([]);
    expect(await Promise.all(fleet.names.map((name) => snapshotsOf(fleet, name)))).toEqual(before);
  });

  test('five broken ones are allowed by --max-failures, and one less is not', async () => {
    const script = (file: string): string =>
      `touch /root/${file}; case $(hostname) in ${fleet.names.slice(-5).join('|')}) exit 3;; esac`;
    const allowed = await roll(['--max-parallel', '10', '--max-failures', '5'], script('allowed'));
    expect(allowed.status).toBe(40);
    expect(allowed.stderr).toContain(`is complete: ${count - 5} kept, 5 rolled back`);
    expect(await namesWith('/root/allowed')).toEqual(fleet.names.filter((name) => !lastFive.test(name)));
    const stopped = await roll(['--max-parallel', '1', '--max-failures', '3', '--retry'], script('stopped'));
    expect(stopped.stderr).toContain(
      `4 failures are more than allowed: ${count - 5} kept, 4 rolled back, 1 not started`,
    );
  });

  test('all or nothing: none has the change at the end', async () => {
    const script = `touch /root/nothing; test $(hostname) != ${fleet.names.at(-1)}`;
    const ended = await roll(['--max-parallel', '5', '--all-or-nothing'], script);
    expect(ended.status).toBe(40);
    expect(await namesWith('/root/nothing')).toEqual([]);
    expect(ended.stderr).toContain(`${count - 1} rolled back too, 1 rolled back`);
  });
});

test(`killed ${kills} times at random moments, resumed each time with the records of another host: each has the change once`, async () => {
  const seconds = 2 + count / 5;
  for (let trial = 0; trial < kills; trial += 1) {
    const file = `/root/trial-${trial}`;
    const begin = (): ReturnType<typeof start> =>
      start(['--max-parallel', '5', '--canary', '1'], `echo once >>${file}`);
    const hosts: GuardUnderTest[] = [];
    let resumes = 0;
    let isClaimed = false;
    for (let process = begin(); ; resumes += 1) {
      // Three kills a trial, at any moment of the rollout or of its recovery; the fourth guard comes to the end.
      const timer = resumes < 3 ? setTimeout(() => process.kill('SIGKILL'), Math.random() * seconds * 1000) : undefined;
      const ended = await process;
      clearTimeout(timer);
      const id = /"(\d{8}-\d{6}-\w{4})"/.exec(await projectRecord(fleet))?.[1];
      // Killed before anything was claimed, or after the last instance was kept: there is no record.
      if (ended.exitCode === 0 || (id === undefined && isClaimed)) break;
      isClaimed ||= id !== undefined;
      if (resumes >= 6) throw new Error(`It does not come to its end: ${ended.stderr}`);
      const host = await guardUnderTest();
      hosts.push(host);
      process = id === undefined ? begin() : host.start(['rollout', 'resume', id, '--project', fleet.project]);
    }
    console.log(`trial ${trial}: ${resumes} resumes`);
    for (const host of hosts) await host.remove();
    const found: (string | null)[] = [];
    for (const name of fleet.names) found.push(await fileIn(fleet, name, file));
    expect(found).toEqual(fleet.names.map(() => 'once'));
    expect(await projectRecord(fleet)).toBe('');
    const left = await Promise.all(fleet.names.map((name) => snapshotsOf(fleet, name)));
    expect(left.flat().filter((name) => name === 'guard-in-flight')).toEqual([]);
  }
  await incusCommand('list', '--project', fleet.project);
}, 3_600_000);
