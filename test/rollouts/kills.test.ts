import { afterAll, beforeAll, expect, test } from 'vitest';
import { guardUnderTest, type GuardUnderTest, type Started } from '../e2e/guard.ts';
import { createFleet, fileIn, projectRecord, snapshotsOf, type TestFleet } from './fleet.ts';

/** How often guard is killed in all. */
const kills = Number(process.env['GUARD_ROLLOUT_KILLS'] ?? 10);
let fleet: TestFleet;
let guard: GuardUnderTest;

beforeAll(async () => {
  fleet = await createFleet('gr-kills', 12, 'kill');
  guard = await guardUnderTest();
});

afterAll(async () => {
  await fleet.remove();
  await guard.remove();
});

test(`killed ${kills} times at random moments, resumed each time with the records of another host: each has the change once`, async () => {
  const { names } = fleet;
  const seconds = 5;
  let killed = 0;
  for (let trial = 0; killed < kills; trial += 1) {
    const file = `/root/trial-${trial}`;
    const words = ['--project', fleet.project, '--soak', '0s', '--max-parallel', '5', '--canary', '1', ...names];
    const begin = (): Started => guard.start([...words, '--', 'sh', '-c', `echo once >>${file}`]);
    const hosts: GuardUnderTest[] = [];
    let resumes = 0;
    let isClaimed = false;
    for (let process = begin(); ; resumes += 1) {
      // Three kills a trial, at any moment of the rollout or of its recovery; the fourth guard comes to the end.
      const timer = resumes < 3 ? setTimeout(() => process.kill('SIGKILL'), Math.random() * seconds * 1000) : undefined;
      const ended = await process;
      clearTimeout(timer);
      if (ended.exitCode === undefined) killed += 1;
      const id = /"(\d{8}-\d{6}-\w{4})"/.exec(await projectRecord(fleet))?.[1];
      // Killed before anything was claimed, or after the last instance was kept: there is no record.
      if (ended.exitCode === 0 || (id === undefined && isClaimed)) break;
      isClaimed ||= id !== undefined;
      if (resumes >= 6) throw new Error(`It does not come to its end: ${ended.stderr}`);
      const host = await guardUnderTest();
      hosts.push(host);
      process = id === undefined ? begin() : host.start(['rollout', 'resume', id, '--project', fleet.project]);
    }
    console.log(`trial ${trial}: ${resumes} resumes, ${killed} kills so far`);
    for (const host of hosts) await host.remove();
    const found: (string | null)[] = [];
    for (const name of names) found.push(await fileIn(fleet, name, file));
    expect(found).toEqual(names.map(() => 'once'));
    expect(await projectRecord(fleet)).toBe('');
    const left = await Promise.all(names.map((name) => snapshotsOf(fleet, name)));
    expect(left.flat().filter((name) => name === 'guard-in-flight')).toEqual([]);
  }
}, 7_200_000);
