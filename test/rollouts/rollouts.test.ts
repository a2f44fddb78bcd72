import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { guardUnderTest, type Ended, type GuardUnderTest } from '../e2e/guard.ts';
import { createFleet, fileIn, snapshotsOf, type TestFleet } from './fleet.ts';

// Long: many containers.

/** How many containers the judged rollouts have, at least 20. */
const count = Number(process.env['GUARD_ROLLOUT_COUNT'] ?? 50);
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

describe(`${count} containers`, () => {
  test('a canary that breaks: one is rolled back, the others are untouched', async () => {
    const before = await Promise.all(fleet.names.map((name) => snapshotsOf(fleet, name)));
    const ended = await roll(['--canary', '1', '--max-parallel', '10'], 'touch /root/canary; exit 3');
    expect(ended.status).toBe(40);
    expect(ended.stderr).toContain(`1 rolled back, ${count - 1} not started`);
    expect(await namesWith('/root/canary')).toEqual([]);
    expect(await Promise.all(fleet.names.map((name) => snapshotsOf(fleet, name)))).toEqual(before);
  });

  /** Fails on so many, which begin first. */
  const breakingFirst = (many: number, file: string): string =>
    `touch /root/${file}; case $(hostname) in ${fleet.names.slice(0, many).join('|')}) exit 3;; esac`;
  const allowed = Math.floor(count / 10);

  test(`--max-failures 10%: ${allowed} broken ones are rolled back, and all others get the change`, async () => {
    const ended = await roll(['--max-parallel', '10', '--max-failures', '10%'], breakingFirst(allowed, 'allowed'));
    expect(ended.status).toBe(40);
    expect(ended.stderr).toContain(`is complete: ${allowed} rolled back, ${count - allowed} kept`);
    expect(await namesWith('/root/allowed')).toEqual(fleet.names.slice(allowed));
  });

  test('--max-failures 10%: one more broken one stops it', async () => {
    const broken = allowed + 1;
    const ended = await roll(['--max-parallel', '5', '--max-failures', '10%'], breakingFirst(broken, 'stopped'));
    expect(ended.status).toBe(40);
    const counts = new RegExp(
      `${broken} failures are more than allowed: ${broken} rolled back, (\\d+) kept, (\\d+) not started`,
    ).exec(ended.stderr);
    const [kept, notBegun] = [Number(counts?.[1]), Number(counts?.[2])];
    expect(kept + broken + notBegun).toBe(count);
    // What ran beside the last failure came to its end, and nothing more began.
    expect(notBegun).toBeGreaterThan(count / 2);
    expect(await namesWith('/root/stopped')).toEqual(fleet.names.slice(broken, broken + kept));
  });

  test('all or nothing: none has the change at the end', async () => {
    const script = `touch /root/nothing; test $(hostname) != ${fleet.names.at(-1)}`;
    const ended = await roll(['--max-parallel', '10', '--all-or-nothing'], script);
    expect(ended.status).toBe(40);
    expect(await namesWith('/root/nothing')).toEqual([]);
    expect(ended.stderr).toContain(`${count - 1} rolled back too, 1 rolled back`);
  });
});
