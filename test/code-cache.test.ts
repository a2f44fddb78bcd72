import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  open,
  readFile,
  readdir,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';

const program = resolve(import.meta.dirname, '../dist/guard.cjs');
let home: string;
let folder: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'guard-cache-'));
  folder = join(home, 'incus-guard');
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** A run that is refused before anything, since there is no Incus. */
const guard = async (environment: Readonly<Record<string, string>> = {}) => {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [program, 'none', '--', 'true'], {
    reject: false,
    stdin: 'ignore',
    env: { XDG_CACHE_HOME: home, INCUS_SOCKET: join(home, 'none'), INCUS_CONF: join(home, 'none'), ...environment },
  });
  return { exitCode, stdout, stderr };
};

const cacheFile = async (): Promise<string> => {
  const [only = '', ...more] = await readdir(folder);
  expect(more).toEqual([]);
  return join(folder, only);
};

test('the first run leaves the compiled code, which the second one starts from', async () => {
  const first = await guard();
  expect(first.exitCode).toBe(30);
  const { ino, mode } = await stat(await cacheFile());
  expect(mode & 0o777).toBe(0o600);
  expect(await guard()).toEqual(first);
  expect((await stat(await cacheFile())).ino).toBe(ino);
});

test.each<[string, (good: Buffer) => Buffer]>([
  ['empty', () => Buffer.alloc(0)],
  ['cut short', (good) => good.subarray(0, good.length / 2)],
  ['of other bytes', (good) => Buffer.concat([good.subarray(0, 5000), Buffer.from('xyz'), good.subarray(5003)])],
])('one that is %s is not used, and made anew', async (_name, broken) => {
  const first = await guard();
  const file = await cacheFile();
  const good = await readFile(file);
  await writeFile(file, broken(good));
  expect(await guard()).toEqual(first);
  expect((await readFile(file)).length).toBeGreaterThan(good.length / 2);
  expect((await readFile(file)).equals(broken(good))).toBe(false);
});

test('the oldest ones of earlier programs go', async () => {
  await mkdir(folder, { recursive: true });
  const others = Array.from({ length: 20 }, (_, age) => ({
    name: `program-${age}.cjs.v0.0.0`,
    at: new Date(1e12 - age * 1000),
  }));
  for (const { name, at } of others) {
    await writeFile(join(folder, name), '');
    await utimes(join(folder, name), at, at);
  }
  await guard();
  const left = await readdir(folder);
  const older = left.filter((name) => name.endsWith('.v0.0.0'));
  expect(older.toSorted()).toEqual(
    others
      .slice(0, 11)
      .map(({ name }) => name)
      .toSorted(),
  );
  expect(left).toHaveLength(12);
});

test('one that others can write is not used', async () => {
  await guard();
  const file = await cacheFile();
  await chmod(file, 0o620);
  await guard();
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('where there is no place for it, guard starts without', async () => {
  const first = await guard();
  await rm(folder, { recursive: true });
  await writeFile(folder, 'not a folder');
  expect(await guard()).toEqual(first);
  expect(await readFile(folder, 'utf8')).toBe('not a folder');
});

test('it is switched off as that of Node itself', async () => {
  await guard({ NODE_DISABLE_COMPILE_CACHE: '1' });
  expect(await readdir(home)).toEqual([]);
});

test('the version needs nothing but the launcher', async () => {
  const alone = join(home, 'guard.cjs');
  await copyFile(program, alone);
  const { version } = JSON.parse(await readFile(resolve(import.meta.dirname, '../package.json'), 'utf8')) as {
    version: string;
  };
  expect((await execa(process.execPath, [alone, '--version'])).stdout).toMatch(`guard ${version} (commit `);
});

test('a run begins without the libraries that it may need later, whose cache is their own', async () => {
  await guard();
  expect(await readdir(folder)).toEqual([expect.stringMatching(/^program-/)]);
  const file = join(home, 'guard.yaml');
  await writeFile(file, 'defaults:\n  soak: 1s\n');
  await execa(process.execPath, [program, '--config', file, 'none', '--', 'true'], {
    reject: false,
    stdin: 'ignore',
    env: { XDG_CACHE_HOME: home, INCUS_SOCKET: join(home, 'none') },
  });
  expect((await readdir(folder)).toSorted()).toEqual([
    expect.stringMatching(/^libraries-/),
    expect.stringMatching(/^program-/),
  ]);
});

test('what is compiled once is taken by every run, with a configuration of the client as well', async () => {
  const client = join(home, 'client');
  await mkdir(client);
  await writeFile(join(client, 'config.yml'), 'default-remote: local\n');
  const inodes = async (): Promise<Record<string, number>> => {
    const names = await readdir(folder);
    return Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, (await stat(join(folder, name))).ino])),
    );
  };
  await guard({ INCUS_CONF: client });
  const once = await inodes();
  expect(Object.keys(once)).toHaveLength(2);
  await guard({ INCUS_CONF: client });
  expect(await inodes()).toEqual(once);
});

test('libraries that an upgrade removed meanwhile are still there for who has begun', async () => {
  const installed = join(home, 'dist');
  await cp(resolve(import.meta.dirname, '../dist'), installed, { recursive: true });
  const file = join(home, 'guard.yaml');
  await execa('mkfifo', [file]);
  const running = execa(process.execPath, [join(installed, 'guard.cjs'), '--config', file, 'none', '--', 'true'], {
    reject: false,
    stdin: 'ignore',
    env: { XDG_CACHE_HOME: home, INCUS_SOCKET: join(home, 'none') },
  });
  // It has opened the pipe as soon as this is written, and reads its libraries afterwards.
  const writer = await open(file, 'w');
  await rm(installed, { recursive: true });
  await writer.write('defaults:\n  soak: 1s\n  nonsense: 1\n');
  await writer.close();
  const { exitCode, stderr } = await running;
  expect(stderr).toContain('nonsense');
  expect(exitCode).toBe(78);
});

test('what a run left that ended early gives way to what one leaves that ended well', async () => {
  await guard();
  const early = await stat(await cacheFile());
  await execa(process.execPath, [program, 'run', '--help', '--', 'true'], { env: { XDG_CACHE_HOME: home } });
  const whole = await stat(await cacheFile());
  expect(whole.ino).not.toBe(early.ino);
  await guard();
  expect((await stat(await cacheFile())).ino).toBe(whole.ino);
});
