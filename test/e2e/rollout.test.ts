import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { createFleet, fileIn, projectRecord, snapshotsOf, type TestFleet } from '../rollouts/fleet.ts';
import { guardUnderTest, type Ended, type GuardUnderTest } from './guard.ts';
import { incusCommand } from './incus-subject.ts';

let fleet: TestFleet;
let guard: GuardUnderTest;
let other: GuardUnderTest;

beforeAll(async () => {
  fleet = await createFleet('gr-rollout', 4);
});

afterAll(() => fleet.remove());

beforeEach(async () => {
  guard = await guardUnderTest();
  other = await guardUnderTest();
  return async () => {
    await guard.remove();
    await other.remove();
    await incusCommand('project', 'unset', fleet.project, 'user.guard.rollout');
  };
});

function roll(words: readonly string[], script = 'true', by = guard): Promise<Ended> {
  return by.run(['--project', fleet.project, '--soak', '0s', ...words, '--', 'sh', '-c', script]);
}

function rollout(words: readonly string[], by = other): Promise<Ended> {
  return by.run(['rollout', ...words, '--project', fleet.project]);
}

const filesIn = (path: string): Promise<(string | null)[]> =>
  Promise.all(fleet.names.map((name) => fileIn(fleet, name, path)));

/** Adds a line for each time that the command ran and was kept. */
const addLine = (file: string): string => `echo once >>/root/${file}`;
const once = ['once', 'once', 'once', 'once'];

describe('a change of several instances', () => {
  test('goes to all of them, and each line of output says from which', async () => {
    const ended = await roll(
      ['web-*', '--max-parallel', '2', '--canary', '1'],
      `echo from $(hostname); ${addLine('all')}`,
    );
    expect(ended).toMatchObject({ status: 0 });
    expect(ended.stdout.split('\n').filter(Boolean).toSorted()).toEqual(
      fleet.names.map((name) => `${name} | from ${name}`),
    );
    expect(ended.stderr).toMatch(/web-01: started \(wave canary/);
    expect(ended.stderr).toMatch(/is complete: 4 kept/);
    expect(await filesIn('/root/all')).toEqual(once);
    expect(await projectRecord(fleet)).toBe('');
  });

  test('a canary that breaks is rolled back, and the others are untouched', async () => {
    const before = await Promise.all(fleet.names.map((name) => snapshotsOf(fleet, name)));
    const report = join(guard.stateDirectory, 'report.xml');
    const ended = await roll(
      ['--all', '--canary', '1', '--max-parallel', '3', '--report', `junit=${report}`],
      'touch /root/broken; exit 3',
    );
    expect(ended.status).toBe(40);
    expect(await filesIn('/root/broken')).toEqual([null, null, null, null]);
    expect(await Promise.all(fleet.names.map((name) => snapshotsOf(fleet, name)))).toEqual(before);
    expect(ended.stderr).toMatch(/stopped, because the canary was not kept: 1 rolled back, 3 not started/);
    expect(ended.stderr).toMatch(/guard rollout resume \d{8}-\d{6}-\w{4}/);
    const xml = await readFile(report, 'utf8');
    expect(xml.match(/<testsuite /g)).toHaveLength(4);
    expect(xml.match(/<skipped/g)).toHaveLength(3);
  });

  test('all or nothing rolls the kept ones back', async () => {
    const ended = await roll([...fleet.names, '--all-or-nothing'], `${addLine('half')}; test $(hostname) != web-03`);
    expect(ended.status).toBe(40);
    expect(await filesIn('/root/half')).toEqual([null, null, null, null]);
    expect(ended.stderr).toMatch(/web-01 +1 +rolled back too.*what was written in the .* before the rollback is lost/);
    expect(ended.stderr).toMatch(/2 rolled back too, 1 rolled back, 1 not started/);
  });

  test('one that is refused stops the whole before anything is changed, unless it is left out', async () => {
    await incusCommand('stop', '--force', 'web-02', '--project', fleet.project);
    await incusCommand('config', 'set', 'web-02', '--property', 'ephemeral=true', '--project', fleet.project);
    try {
      const refused = await roll(['web-01', 'web-02', 'web-01'], addLine('refused'));
      expect(refused).toMatchObject({ status: 30, stderr: expect.stringMatching(/web-02.*ephemeral/s) as string });
      expect(await fileIn(fleet, 'web-01', '/root/refused')).toBeNull();
      const skipping = await roll(['web-01', 'web-02', 'web-01', '--skip-refused'], addLine('refused'));
      expect(skipping.status).toBe(0);
      expect(await fileIn(fleet, 'web-01', '/root/refused')).toBe('once');
    } finally {
      await incusCommand('config', 'set', 'web-02', '--property', 'ephemeral=false', '--project', fleet.project);
      await incusCommand('start', 'web-02', '--project', fleet.project);
    }
  });

  test.each([
    ['web'],
    ['web-0[12]'],
    ['.*3'],
    ['status=running'],
    ['status=stopped,running'],
    ['user.tier=front'],
    ['u.tier=fr.*'],
    ['type=container', 'web-04'],
  ])('--filter chooses what incus list would: %s %s', async (...filters) => {
    await incusCommand('config', 'set', 'web-02', 'user.tier=front', '--project', fleet.project);
    const listed = await incusCommand(
      'list',
      ...filters,
      '--format',
      'csv',
      '--columns',
      'n',
      '--project',
      fleet.project,
    );
    const ended = await roll(
      filters.flatMap((filter) => ['--filter', filter]),
      'true',
    );
    expect(ended.status).toBe(0);
    const begun = [...ended.stderr.matchAll(/^(\S+): started/gm)].map(([, name]) => name);
    expect(begun).toEqual(listed.split('\n'));
  });

  test('killed and resumed with the records of another host: nothing is lost, nothing is done twice', async () => {
    const words = ['--project', fleet.project, '--soak', '0s', '--max-parallel', '2', 'web-*', '--', 'sh', '-c'];
    const killed = guard.start([...words, `${addLine('killed')}; test $(hostname) = web-01 || sleep 30`]);
    await waitFor(async () => (await fileIn(fleet, 'web-03', '/root/killed')) !== null);
    // The record on the server is a few seconds late.
    await waitFor(async () => /"kept".*"running".*"running".*"pending"/.test(await projectRecord(fleet)));
    killed.kill('SIGKILL');
    await killed;
    const id = /"(\d{8}-\d{6}-\w{4})"/.exec(await projectRecord(fleet))?.[1] ?? '';
    const second = await roll(['web-04', 'web-01'], 'true', other);
    expect(second).toMatchObject({ status: 30, stderr: expect.stringContaining('was interrupted') as string });
    expect((await rollout(['status', id])).stdout).toMatch(/was interrupted: 1 kept, 2 in progress, 1 not started/);
    // What sleeps is long over by then, or is ended by the recovery.
    await rollout(['abort', id]);
    expect(await filesIn('/root/killed')).toEqual(['once', null, null, null]);
    expect(await projectRecord(fleet)).toBe('');
  });

  test('a project that does not exist is said to be one', async () => {
    for (const words of [['web-*'], ['--all'], ['web-01', 'web-02']])
      expect(await guard.run(['--project', 'gr-rollouts-2', ...words, '--', 'true'])).toMatchObject({
        status: 30,
        stderr: expect.stringContaining(
          'There is no instance in project "gr-rollouts-2", which is empty or does not exist.',
        ) as string,
      });
  });

  test('guard plan prints the waves of names, globs and groups, and changes nothing', async () => {
    const config = join(guard.stateDirectory, 'guard.yaml');
    await writeFile(
      config,
      'rollout: { canary: 1, maxParallel: 50%, spreadBy: user.ha-group }\ngroups: { pair: [web-01, "web-0[34]"] }\n',
    );
    const pair = ['web-03', 'web-04'];
    for (const name of pair) await incusCommand('config', 'set', name, 'user.ha-group=a', '--project', fleet.project);
    const before = await Promise.all(fleet.names.map((name) => snapshotsOf(fleet, name)));
    const plan = (...words: string[]): Promise<Ended> =>
      guard.run(['plan', '--project', fleet.project, '--config', config, ...words, '--', 'true']);
    const planned = await plan('web-02', '@pair', 'web-*');
    expect(planned).toMatchObject({ status: 0 });
    expect(planned.stdout).toContain('on 4 instances in 3 waves, the first one as the canary, 2 at a time (50%)');
    expect(planned.stdout).toContain('  wave 1, canary: web-02\n  wave 2: web-01, web-03 (a)\n  wave 3: web-04 (a)\n');
    const json = JSON.parse((await plan('--json', '--max-parallel', '1', '--canary', '0', '@pair')).stdout) as {
      members: { name: string; wave: number }[];
    };
    expect(json.members.map(({ name, wave }) => [name, wave])).toEqual([
      ['web-01', 1],
      ['web-03', 2],
      ['web-04', 3],
    ]);
    expect(await plan('@pear')).toMatchObject({ status: 30, stderr: expect.stringContaining('@pair') as string });
    expect(await Promise.all(fleet.names.map((name) => snapshotsOf(fleet, name)))).toEqual(before);
    for (const name of pair) await incusCommand('config', 'unset', name, 'user.ha-group', '--project', fleet.project);
  });

  test('a second one over the same instances waits for the first with --wait-lock', async () => {
    const first = guard.start([
      '--project',
      fleet.project,
      '--soak',
      '0s',
      'web-01',
      'web-02',
      '--',
      'sh',
      '-c',
      `${addLine('first')}; sleep 3`,
    ]);
    await waitFor(async () => (await fileIn(fleet, 'web-01', '/root/first')) !== null);
    expect(await roll(['web-02', 'web-03'], 'true', other)).toMatchObject({ status: 31 });
    const waited = await roll(['web-02', 'web-03', '--wait-lock', '2m'], 'cat /root/first 2>/dev/null; true', other);
    expect(waited).toMatchObject({ status: 0, stdout: 'web-02 | once\n' });
    await first;
  });

  test('--json says of which instance each event is', async () => {
    const ended = await roll(['web-01', 'web-02', '--json'], 'true');
    const events = ended.stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events[0]).toMatchObject({ type: 'rollout-started' });
    expect(events.at(-1)).toMatchObject({ type: 'rollout-ended', exitStatus: 0 });
    const ends = events.filter(({ type }) => type === 'run-ended');
    expect(ends.map(({ instance }) => instance)).toEqual(['web-01', 'web-02']);
  });

  test('Ctrl-C rolls back what runs, begins nothing more, and can be resumed', async () => {
    const running = guard.start([
      '--project',
      fleet.project,
      '--soak',
      '0s',
      ...fleet.names,
      '--',
      'sh',
      '-c',
      `${addLine('int')}; test -e /root/go || sleep 60`,
    ]);
    await waitFor(async () => (await fileIn(fleet, 'web-01', '/root/int')) !== null);
    running.kill('SIGINT');
    expect((await running).exitCode).toBe(130);
    expect(await filesIn('/root/int')).toEqual([null, null, null, null]);
    for (const name of fleet.names)
      await incusCommand('exec', name, '--project', fleet.project, '--', 'touch', '/root/go');
    const resumed = await rollout(['resume', 'last'], guard);
    expect(resumed.status).toBe(0);
    expect(await filesIn('/root/int')).toEqual(once);
  });
});
