import { resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { fileExists, guardUnderTest, snapshotNames, statusOf, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const program = resolve(import.meta.dirname, '../../dist/guard.cjs');
const instance = 'gr-lease';

/** Two machines: names of their own, and records of their own. Whether a process of the other lives neither can see: each has a network of its own. */
let first: GuardUnderTest;
let second: GuardUnderTest;

beforeAll(async () => {
  first = await guardUnderTest();
  second = await guardUnderTest();
  await launch(instance);
});

afterAll(async () => {
  await remove(instance);
  await Promise.all([first.remove(), second.remove()]);
});

beforeEach(async () => {
  await incusCommand('exec', instance, '--', 'rm', '-f', '/root/changed');
});

interface Machine {
  readonly pid: number;
  readonly said: () => string;
  readonly ended: Promise<{ readonly status: number | undefined; readonly stderr: string }>;
}

/** guard on a machine of that name. */
const guardOn = (host: string, { stateDirectory }: GuardUnderTest, words: readonly string[]): Machine => {
  const naming = ['--uts', '--net', 'sh', '-c', 'hostname "$1"; shift; exec "$@"', 'sh', host];
  const process = execa('unshare', [...naming, globalThis.process.execPath, program, ...words], {
    stdin: 'ignore',
    reject: false,
    forceKillAfterDelay: false,
    env: { GUARD_STATE_DIR: stateDirectory, XDG_CONFIG_HOME: stateDirectory },
  });
  let text = '';
  process.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const end = async (): Promise<{ status: number | undefined; stderr: string }> => {
    const { exitCode, stderr } = await process;
    return { status: exitCode, stderr };
  };
  return { pid: process.pid ?? 0, said: () => text, ended: end() };
};

/** A run whose command has changed something and does not end. */
const runOnFirst = async (): Promise<Machine> => {
  const script = 'touch /root/changed; echo changed; sleep 1000';
  await execa('sh', ['-c', `echo 'defaults: { lease: 1m }' >${first.stateDirectory}/guard.yaml`]);
  const config = ['--config', `${first.stateDirectory}/guard.yaml`];
  const words = ['--json', '--soak', '0s', '--retry', ...config, instance, '--', 'sh', '-c', script];
  const run = guardOn('first', first, words);
  await waitFor(() => run.said().includes('"data":"changed\\n"'));
  return run;
};

/** What nobody may touch any more once the other machine is done. */
const bootOf = async (): Promise<unknown> => {
  const state = JSON.parse(await incusCommand('query', `/1.0/instances/${instance}/state`)) as { pid: number };
  return state.pid;
};

const isBack = async (): Promise<void> => {
  expect(await statusOf(instance)).toBe('Running');
  expect(await fileExists(instance, '/root/changed')).toBe(false);
  expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  expect(await incusCommand('config', 'get', instance, 'user.guard.run')).toBe('');
};

/** The machine that lost its run goes on, sees that, and leaves everything as it is. */
const goesOnAndStops = async (lost: Machine): Promise<void> => {
  const before = await bootOf();
  process.kill(lost.pid, 'SIGCONT');
  const ended = await lost.ended;
  expect(ended.status).toBe(21);
  expect(lost.said()).toMatch(/Another guard took over this run|could not reach the server for so long/);
  expect(await bootOf()).toBe(before);
  await isBack();
};

test('a run of another host is finished once it gives no sign of life, and its guard stops when it comes back (F13)', async () => {
  const run = await runOnFirst();
  const waiting = ['recover', '--config', `${second.stateDirectory}/guard.yaml`, instance];
  await execa('sh', ['-c', `echo 'defaults: { lease: 1m }' >${second.stateDirectory}/guard.yaml`]);
  const living = await guardOn('second', second, waiting).ended;
  expect(living.stderr).toContain('is still running: it renewed its lease');
  expect(living.status).toBe(31);

  process.kill(run.pid, 'SIGSTOP');
  const recovered = await guardOn('second', second, waiting).ended;
  expect(recovered.stderr).toContain('Waiting 1 min');
  expect(recovered.status).toBe(0);
  await isBack();
  await goesOnAndStops(run);
}, 400_000);

test('--take-over does not wait, and what it takes over it can be taken from again (F14)', async () => {
  const run = await runOnFirst();
  process.kill(run.pid, 'SIGSTOP');
  const killed = guardOn('second', second, ['recover', '--json', '--take-over', instance]);
  await waitFor(() => killed.said().includes('"type":"phase-started","phase":"restore"'));
  process.kill(killed.pid, 'SIGKILL');
  await killed.ended;
  // The second machine knows that its own guard is dead.
  expect((await guardOn('second', second, ['recover', '--take-over', instance]).ended).status).toBe(0);
  await isBack();
  await goesOnAndStops(run);
});
