import { chmod, chown, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';

// Sockets that let nobody in: no container is needed, and none could be reached.

const nobody = 65_534;
/** `disk` has a name in every Debian's /etc/group. */
const group = { id: 6, name: 'disk' };

let folder: string;
let program: string;
let server: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-socket-'));
  await chmod(folder, 0o755);
  // The other user may not be able to read the checkout.
  program = join(folder, 'dist/guard.cjs');
  await cp(resolve(import.meta.dirname, '../../dist'), join(folder, 'dist'), { recursive: true });
  const home = join(folder, 'home');
  await mkdir(home);
  await chown(home, nobody, nobody);
  server = createServer();
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const runAs = (uid: number, socket: string) =>
  execa(process.execPath, [program, 'web01', '--', 'true'], {
    uid,
    gid: uid,
    reject: false,
    stdin: 'ignore',
    extendEnv: false,
    env: { INCUS_SOCKET: socket, HOME: join(folder, 'home'), PATH: process.env['PATH'] ?? '' },
    cwd: folder,
  });

test('30: a socket that the user may not use is named, with its group and how to join it', async () => {
  const socket = join(folder, 'unix.socket');
  await new Promise<void>((done) => {
    server.listen(socket, done);
  });
  await chown(socket, 0, group.id);
  await chmod(socket, 0o660);
  const ended = await runAs(nobody, socket);
  expect(ended.exitCode).toBe(30);
  expect(ended.stderr).toContain(socket);
  expect(ended.stderr).toContain(`the group ${group.name}`);
  expect(ended.stderr).toContain(`usermod -aG ${group.name} nobody`);
  expect(ended.stderr).toContain('Nothing was changed');
});

test('30: a socket of root alone', async () => {
  const socket = join(folder, 'root.socket');
  const ofRoot = createServer();
  await new Promise<void>((done) => {
    ofRoot.listen(socket, done);
  });
  await chmod(socket, 0o600);
  const ended = await runAs(nobody, socket);
  ofRoot.close();
  expect(ended.exitCode).toBe(30);
  expect(ended.stderr).toContain(socket);
  expect(ended.stderr).toMatch(/as a user who may/);
});

test('30: a socket in a folder that the user may not enter', async () => {
  const hidden = join(folder, 'hidden');
  await mkdir(hidden, { mode: 0o700 });
  const ended = await runAs(nobody, join(hidden, 'unix.socket'));
  expect(ended.exitCode).toBe(30);
  expect(ended.stderr).toContain(join(hidden, 'unix.socket'));
});

test('30: a socket that a stopped daemon left behind', async () => {
  const socket = join(folder, 'stopped.socket');
  // Killed, it cannot take its socket away with it.
  const listen = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await execa(process.execPath, ['-e', listen], { reject: false });
  const ended = await runAs(0, socket);
  expect(ended.exitCode).toBe(30);
  expect(ended.stderr).toContain(`nothing answers on the socket ${socket}`);
  expect(ended.stderr).toContain('Start Incus');
});

test('30: a file that is no socket', async () => {
  const ended = await runAs(0, program);
  expect(ended.exitCode).toBe(30);
  expect(ended.stderr).toContain(program);
});
