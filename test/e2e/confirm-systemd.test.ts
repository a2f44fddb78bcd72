import { execa } from 'execa';
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { fileExists, snapshotNames, statusOf } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

// A host with systemd and without an agent: a container that reaches the Incus of the tests by its socket, with this build of
// guard and the Node of this machine.

const host = 'gr-keeper';
const target = 'gr-kept';
const socket = '/opt/incus.sock';

interface Ended {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const inside = async (...words: string[]): Promise<Ended> => {
  const environment = ['--env', `INCUS_SOCKET=${socket}`, '--env', 'HOME=/root'];
  const { exitCode, stdout, stderr } = await execa('incus', ['exec', host, ...environment, '--', ...words], {
    reject: false,
    stdin: 'ignore',
  });
  return { status: exitCode, stdout, stderr };
};

const guard = (...words: string[]): Promise<Ended> => inside('node', '/opt/dist/guard.cjs', ...words);

/** Copies a file or a folder of this machine into the container. */
const copy = (source: string, path: string): Promise<string> =>
  incusCommand('file', 'push', '--recursive', '--create-dirs', '--quiet', source, `${host}${path}`);

beforeAll(async () => {
  await Promise.all([launch(host), launch(target)]);
  const connect = `connect=unix:${process.env['INCUS_DIR'] ?? '/var/lib/incus'}/unix.socket`;
  const listen = [`listen=unix:${socket}`, 'bind=container', 'mode=0600'];
  await incusCommand('config', 'device', 'add', host, 'incus', 'proxy', connect, ...listen);
  await copy(await realpath(process.execPath), '/usr/local/bin/');
  const { stdout } = await execa('ldd', [process.execPath], { stdin: 'ignore' });
  // What a container without a compiler may not have.
  const library = /libstdc\+\+\S* => (\S+)/.exec(stdout)?.[1];
  if (library !== undefined)
    await incusCommand('file', 'push', '--quiet', await realpath(library), `${host}${library}`);
  await copy(resolve('dist'), '/opt/');
  await waitFor(async () => (await inside('node', '--version')).status === 0);
}, 600_000);

afterAll(async () => {
  await remove(host);
  await remove(target);
});

const change = (file: string, ...more: string[]): string[] => [
  '--soak',
  '0s',
  ...more,
  target,
  '--',
  'touch',
  `/root/${file}`,
];

interface RunLine {
  readonly run: string;
  readonly exitStatus: number | null;
}

const lastRun = async (): Promise<RunLine> =>
  JSON.parse((await guard('runs', '--json', '--limit', '1')).stdout) as RunLine;

const endedWith = (status: number): Promise<void> =>
  waitFor(async () => (await lastRun()).exitStatus === status, { limitMs: 90_000 });

const unitOf = (run: string): string => `guard-confirm-${run}.service`;

const stateOfUnit = async (run: string): Promise<string> =>
  (await inside('systemctl', 'show', '--property=ActiveState', '--value', unitOf(run))).stdout.trim();

/** A restart of the host ends the transient unit. The kernel goes on, and the uptime of the container begins anew. */
const restartHost = async (): Promise<void> => {
  await incusCommand('stop', '--force', host);
  // The proxy of Incus does not start over the socket that it left.
  await incusCommand('file', 'delete', `${host}${socket}`);
  await incusCommand('start', host);
  await waitFor(async () =>
    /^(starting|running|degraded)/.test((await inside('systemctl', 'is-system-running')).stdout),
  );
  await waitFor(async () => (await inside('test', '-S', socket)).status === 0);
};

const isFree = async (): Promise<void> => {
  expect(await snapshotNames(target)).not.toContain('guard-in-flight');
  expect(await incusCommand('config', 'get', target, 'user.guard.run')).toBe('');
  expect(await statusOf(target)).toBe('Running');
};

test('14: a transient unit rolls back at the deadline, and ends', async () => {
  const begun = await guard(...change('expired', '--confirm', '6s', '--detach'));
  expect(begun).toMatchObject({ status: 16 });
  const { run } = await lastRun();
  expect(await stateOfUnit(run)).toBe('active');
  await endedWith(14);
  expect(await fileExists(target, '/root/expired')).toBe(false);
  await isFree();
  await waitFor(async () => (await stateOfUnit(run)) === 'inactive');
});

test('14: also where the unit and everything of guard was killed', async () => {
  expect(await guard(...change('killed', '--confirm', '8s', '--detach'))).toMatchObject({ status: 16 });
  const { run } = await lastRun();
  await inside('systemctl', 'kill', '--signal=KILL', unitOf(run));
  await waitFor(async () => (await stateOfUnit(run)) === 'active');
  await endedWith(14);
  expect(await fileExists(target, '/root/killed')).toBe(false);
  await isFree();
});

test('0: a confirmation ends the unit', async () => {
  expect(await guard(...change('kept', '--confirm', '10m', '--detach'))).toMatchObject({ status: 16 });
  const { run } = await lastRun();
  expect(await guard('confirm', target)).toMatchObject({ status: 0 });
  expect(await fileExists(target, '/root/kept')).toBe(true);
  await isFree();
  await waitFor(async () => (await stateOfUnit(run)) === 'inactive');
});

test('14: where this host was restarted, a recovery at boot rolls back what is overdue, and keeps what still waits', async () => {
  expect(await guard(...change('overdue', '--confirm', '3s', '--detach'))).toMatchObject({ status: 16 });
  const { run } = await lastRun();
  await restartHost();
  const deadline = performance.now() + 3000;
  await waitFor(() => performance.now() > deadline);
  expect(await stateOfUnit(run)).toBe('inactive');
  expect(await guard('recover')).toMatchObject({ status: 0 });
  expect((await lastRun()).exitStatus).toBe(14);
  expect(await fileExists(target, '/root/overdue')).toBe(false);
  await isFree();

  expect(await guard(...change('early', '--confirm', '30s', '--detach'))).toMatchObject({ status: 16 });
  const next = await lastRun();
  await restartHost();
  await waitFor(async () => (await guard('recover')).status === 0);
  expect(await stateOfUnit(next.run)).toBe('active');
  await endedWith(14);
  await isFree();
});
