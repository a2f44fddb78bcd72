import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { guardUnderTest, type Ended, type GuardUnderTest } from '../e2e/guard.ts';
import { incusCommand } from '../e2e/incus-subject.ts';
import { hostUnderTest, waitFor } from '../host/host.ts';
import { addRemote, type RemoteHost } from '../host/remote.ts';
import { createFleet, fileIn, projectRecord, type TestFleet } from './fleet.ts';

// Two machines as guard tells them apart: a host name, a network namespace and a state directory of its own for each. Their
// namespaces stay until the end: the kernel gives the number of one that is gone to the next one, and then the second machine
// would know, and rightly, that the guard of the first is dead.

let fleet: TestFleet;
let machines: Readonly<Record<'first' | 'second', Machine>>;
let first: GuardUnderTest;
let second: GuardUnderTest;

interface Machine {
  readonly pid: number;
  readonly end: () => Promise<void>;
}

beforeAll(async () => {
  fleet = await createFleet('gr-takeover', 4, 'pair');
  machines = { first: await startMachine('first'), second: await startMachine('second') };
});

afterAll(async () => {
  await Promise.all(Object.values(machines).map(({ end }) => end()));
  await fleet.remove();
});

beforeEach(async () => {
  first = await guardUnderTest();
  second = await guardUnderTest();
  for (const { stateDirectory } of [first, second])
    await writeFile(join(stateDirectory, 'guard.yaml'), 'defaults: { lease: 1m, soak: 0s }\n');
  return async () => {
    await first.remove();
    await second.remove();
    await incusCommand('project', 'unset', fleet.project, 'user.guard.rollout');
  };
});

/** Namespaces with the host name, and a process that keeps them. */
async function startMachine(host: string): Promise<Machine> {
  const script = 'hostname "$1" && echo up && exec sleep infinity';
  const machine = execa('unshare', ['--uts', '--net', 'sh', '-c', script, 'sh', host], {
    stdin: 'ignore',
    reject: false,
  });
  await new Promise((resolve) => machine.stdout.once('data', resolve));
  const end = async (): Promise<void> => {
    machine.kill();
    await machine;
  };
  return { pid: machine.pid ?? 0, end };
}

/** guard on that machine. */
function guardOn(
  host: keyof typeof machines,
  { stateDirectory, command }: GuardUnderTest,
  words: readonly string[],
): { readonly pid: number; readonly ended: Promise<Ended> } {
  const entering = ['--target', String(machines[host].pid), '--uts', '--net', '--'];
  const guard = execa('nsenter', [...entering, ...command, ...words], {
    stdin: 'ignore',
    reject: false,
    forceKillAfterDelay: false,
    env: { GUARD_STATE_DIR: stateDirectory, XDG_CONFIG_HOME: stateDirectory },
  });
  const ended = async (): Promise<Ended> => {
    const { exitCode, stdout, stderr } = await guard;
    return { status: exitCode, stdout, stderr };
  };
  return { pid: guard.pid ?? 0, ended: ended() };
}

const config = ({ stateDirectory }: GuardUnderTest): string[] => ['--config', join(stateDirectory, 'guard.yaml')];

const filesIn = (path: string): Promise<(string | null)[]> =>
  Promise.all(fleet.names.map((name) => fileIn(fleet, name, path)));

/** A rollout whose second instance takes a minute, killed there. Gives its id. */
async function killedOnFirst(file: string): Promise<string> {
  const script = `echo once >>${file}; test $(hostname) = pair-01 -o -e /root/go || sleep 60`;
  const words = ['--project', fleet.project, ...config(first), ...fleet.names, '--', 'sh', '-c', script];
  const run = guardOn('first', first, words);
  await waitFor(async () => (await fileIn(fleet, 'pair-02', file)) !== null);
  process.kill(run.pid, 'SIGKILL');
  await run.ended;
  for (const name of fleet.names)
    await incusCommand('exec', name, '--project', fleet.project, '--', 'touch', '/root/go');
  return /"(\d{8}-\d{6}-\w{4})"/.exec(await projectRecord(fleet))?.[1] ?? '';
}

describe('another machine', () => {
  test('sees the rollout, waits for a sign of life, and goes on with it', async () => {
    const id = await killedOnFirst('/root/waited');
    const status = await guardOn('second', second, ['rollout', 'status', id]).ended;
    expect(status.stdout).toContain(`rollout ${id} is in progress on host first, according to its record`);
    const resumed = await guardOn('second', second, ['rollout', 'resume', id, ...config(second)]).ended;
    expect(resumed.stderr).toContain('waiting 120 s to see whether host first');
    expect(resumed).toMatchObject({ status: 0, stderr: expect.stringContaining('4 kept') as string });
    expect(await filesIn('/root/waited')).toEqual(['once', 'once', 'once', 'once']);
    expect(await projectRecord(fleet)).toBe('');
  });

  test('does not take over what lives', async () => {
    const script = 'echo once >>/root/lives; test -e /root/end || sleep 600';
    const words = ['--project', fleet.project, ...config(first), ...fleet.names, '--', 'sh', '-c', script];
    const run = guardOn('first', first, words);
    await waitFor(async () => (await fileIn(fleet, 'pair-01', '/root/lives')) !== null);
    const id = /"(\d{8}-\d{6}-\w{4})"/.exec(await projectRecord(fleet))?.[1] ?? '';
    const resumed = await guardOn('second', second, ['rollout', 'resume', id, ...config(second)]).ended;
    expect(resumed).toMatchObject({
      status: 31,
      stderr: expect.stringContaining(`Rollout ${id} is in progress on host first`) as string,
    });
    process.kill(run.pid, 'SIGINT');
    expect((await run.ended).status).toBe(130);
    expect(await filesIn('/root/lives')).toEqual([null, null, null, null]);
  });

  test('ends it with --take-over at once, and rolls back what was under way', async () => {
    for (const name of fleet.names)
      await incusCommand('exec', name, '--project', fleet.project, '--', 'rm', '-f', '/root/go');
    const id = await killedOnFirst('/root/aborted');
    const aborted = await guardOn('second', second, ['rollout', 'abort', id, '--take-over', ...config(second)]).ended;
    expect(aborted.stderr).not.toContain('to see whether host');
    expect(await filesIn('/root/aborted')).toEqual(['once', null, null, null]);
    expect(await projectRecord(fleet)).toBe('');
  });
});

describe('a certificate that may not write the project', () => {
  let remote: RemoteHost;

  beforeAll(async () => {
    remote = await addRemote(await hostUnderTest(), 'far', [], ['--restricted', '--projects', fleet.project]);
  });

  afterAll(() => remote.close());

  test('has the rollout in the records of its host alone, which goes on with it', async () => {
    const { env } = remote;
    const words = ['--project', fleet.project, ...config(first), 'far:pair-*', '--', 'sh', '-c'];
    const script = 'echo once >>/root/restricted; test $(hostname) != pair-03 -o -e /root/fine';
    const stopped = await first.run([...words, script], { env });
    expect(stopped.stderr).toContain('The rollout is therefore recorded only on this host: resume it here.');
    expect(stopped).toMatchObject({
      status: 40,
      stderr: expect.stringContaining('2 kept, 1 rolled back, 1 not started') as string,
    });
    const [id = ''] = /\d{8}-\d{6}-\w{4}/.exec(stopped.stderr.slice(stopped.stderr.indexOf('rollout '))) ?? [];
    expect(await projectRecord(fleet)).toBe('');
    const there = await second.run(['rollout', 'status', `far:${id}`, '--project', fleet.project], { env });
    expect(there).toMatchObject({ status: 30, stderr: expect.stringContaining('There is no rollout') as string });
    await incusCommand('exec', 'pair-03', '--project', fleet.project, '--', 'touch', '/root/fine');
    const resumed = await first.run(['rollout', 'resume', 'last', '--retry', ...config(first)], { env });
    expect(resumed).toMatchObject({ status: 0, stderr: expect.stringContaining('4 kept') as string });
    expect(await filesIn('/root/restricted')).toEqual(['once', 'once', 'once', 'once']);
  });
});
