import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fileExists, guardUnderTest, snapshotNames, statusOf, type GuardUnderTest } from './guard.ts';
import { openProxy, type IncusProxy, type Passed } from './incus-proxy.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

// Everything that the built program asks of the server, whole run by whole run: promises 1 and 2 of guard.

const instance = 'cm-requests';
const own = `/1.0/instances/${instance}`;
const inFlight = `${own}/snapshots/guard-in-flight`;
const ofTheUser = ['mine', 'guard-mine', 'guard-20200101-000000-abcd'];
let guard: GuardUnderTest;
let proxy: IncusProxy;

beforeAll(async () => {
  guard = await guardUnderTest();
  proxy = await openProxy();
  await launch(instance);
  // What a user has, under names that look like guard's.
  for (const name of ofTheUser) await incusCommand('snapshot', 'create', instance, name);
});

afterAll(async () => {
  await remove(instance);
  await proxy.close();
  await guard.remove();
});

beforeEach(() => proxy.forget());

afterEach(() => {
  proxy.fail = null;
});

const run = (...words: string[]) => guard.run(['--soak', '0s', ...words], { env: { INCUS_SOCKET: proxy.socket } });

const removed = (): string[] =>
  proxy
    .changes()
    .filter(({ method }) => method === 'DELETE')
    .map(({ path }) => path);

/** A request that asks the inside, or reads an operation: nothing on the server becomes different by it. */
const isQuestion = ({ method, path }: Passed): boolean =>
  (method === 'POST' && path === `${own}/exec`) || (method === 'POST' && path.startsWith('/1.0/operations/'));

/** What a run may change, and nothing else is: its own snapshot, its own mark, the state of its own instance. */
const isOfTheRun = ({ method, path, body }: Passed): boolean => {
  const keys = Object.keys(body ?? {});
  switch (`${method} ${path}`) {
    case `POST ${own}/snapshots`:
      return (body as { name?: unknown }).name === 'guard-in-flight';
    case `POST ${inFlight}`:
    case `PUT ${inFlight}`:
    case `PATCH ${inFlight}`:
    case `DELETE ${inFlight}`:
      return true;
    case `PUT ${own}/state`:
      return ['start', 'stop', 'restart'].includes(String((body as { action?: unknown }).action));
    case `PATCH ${own}`:
      // The description goes with every PATCH: Incus before 6.0.6 would empty it.
      return (
        keys.toSorted().join() === 'config,description' &&
        isNoteOfTheRun((body as { config: Readonly<Record<string, string>> }).config) &&
        (body as { description: unknown }).description === ''
      );
    case `PUT ${own}`:
      return keys.includes('restore') && (body as { restore: unknown }).restore === 'guard-in-flight';
    default:
      // What is kept expires by the server's own time of it, after it has its final name.
      return method === 'PATCH' && finalName.test(path) && keys.join() === 'expires_at';
  }
};

/** The marker; with the end of the marker, which run was kept. */
const isNoteOfTheRun = (config: Readonly<Record<string, string>>): boolean => {
  const keys = Object.keys(config).toSorted().join();
  return keys === 'user.guard.run' || (keys === 'user.guard.kept,user.guard.run' && config['user.guard.run'] === '');
};

const finalName = new RegExp(`^${own}/snapshots/guard-\\d{8}-\\d{6}-[0-9a-z]{4}$`);

const strangers = (): Passed[] => proxy.changes().filter((request) => !isQuestion(request) && !isOfTheRun(request));

describe('a whole run', () => {
  test('that is kept removes no snapshot, and changes its own instance alone', async () => {
    expect((await run(instance, '--', 'touch', '/root/kept')).status).toBe(0);
    expect(removed()).toEqual([]);
    expect(strangers()).toEqual([]);
    // The proxy saw the run, and not its absence.
    expect(proxy.changes().map(({ method, path }) => `${method} ${path}`)).toContain(`POST ${own}/snapshots`);
  });

  test('that is kept asks the inside for a look, the command and a look, and the server for no state', async () => {
    expect((await run('--keep', '0', instance, '--', 'true')).status).toBe(0);
    expect(proxy.changes().filter(({ path }) => path === `${own}/exec`)).toHaveLength(3);
    expect(proxy.seen.map(({ path }) => path)).not.toContain(`${own}/state`);
  });

  test('that is kept with --keep 1 removes exactly the restore points of guard’s earlier runs, by name', async () => {
    const earlier = (await snapshotNames(instance)).filter(
      (name) => /^guard-\d{8}-/.test(name) && name !== 'guard-20200101-000000-abcd',
    );
    expect(earlier).toHaveLength(1);
    const ended = await run('--keep', '1', instance, '--', 'true');
    expect(ended).toMatchObject({ status: 0 });
    expect(removed()).toEqual(earlier.map((name) => `${own}/snapshots/${name}`));
    expect(strangers().filter(({ method }) => method !== 'DELETE')).toEqual([]);
  });

  test('that is rolled back removes exactly its own restore point', async () => {
    expect((await run(instance, '--', 'sh', '-c', 'touch /root/gone; exit 1')).status).toBe(10);
    expect(removed()).toEqual([inFlight]);
    expect(strangers()).toEqual([]);
    expect(proxy.changes()).toContainEqual(expect.objectContaining({ method: 'PUT', path: own }));
  });

  test('that is rolled back keeps a restore point that the user named', async () => {
    expect((await run('--name', 'precious', instance, '--', 'sh', '-c', 'exit 2')).status).toBe(10);
    expect(removed()).toEqual([]);
    expect(await snapshotNames(instance)).toContain('precious');
  });

  test.each([
    ['because the instance is unhealthy already', ['--check', 'false', '--check-interval', '100ms', instance]],
    ['because a snapshot has the wanted name', ['--name', 'mine', instance]],
  ])('that is refused %s asks, and changes nothing', async (_, words) => {
    expect((await run(...words, '--', 'touch', '/root/refused')).status).toBe(30);
    expect(proxy.changes().filter((request) => !isQuestion(request))).toEqual([]);
    expect(proxy.seen.length).toBeGreaterThan(0);
    expect(await fileExists(instance, '/root/refused')).toBe(false);
  });

  test('that is refused because there is no such command changes nothing', async () => {
    expect((await run(instance, '--', 'no-such-command')).status).toBe(30);
    expect(proxy.changes().filter((request) => !isQuestion(request))).toEqual([]);
  });

  test('of a stopped instance that is refused puts it back as it was', async () => {
    await incusCommand('stop', '--force', instance);
    expect((await run(instance, '--', 'no-such-command')).status).toBe(30);
    expect(strangers()).toEqual([]);
    expect(removed()).toEqual([inFlight]);
    expect(await statusOf(instance)).toBe('Stopped');
    await incusCommand('start', instance);
  });
});

test('after all of these the user’s snapshots are there, whatever their names look like (F17)', async () => {
  expect(await snapshotNames(instance)).toEqual(expect.arrayContaining(ofTheUser));
});

describe('a rollback that the server refuses', () => {
  test('21: the commands that are printed, run by a shell, bring the instance back (F6, F43)', async () => {
    proxy.fail = ({ method, path, body }) =>
      method === 'PUT' && path === own && 'restore' in (body as object) ? 'the disk says no' : null;
    const ended = await run(instance, '--', 'sh', '-c', 'touch /root/by-hand; exit 1');
    expect(ended.status).toBe(21);
    expect(ended.stderr).toContain('the disk says no');
    expect(removed()).toEqual([]);
    const commands = ended.stderr
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.startsWith('incus '));
    expect(commands.length).toBeGreaterThan(1);
    for (const command of commands) await execa('sh', ['-c', command], { stdin: 'ignore', reject: false });
    expect(await statusOf(instance)).toBe('Running');
    expect(await fileExists(instance, '/root/by-hand')).toBe(false);
    expect(await fileExists(instance, '/root/kept')).toBe(true);

    // What was done by hand is found and finished: the instance is free for the next run.
    proxy.fail = null;
    proxy.forget();
    const recovered = await guard.run(['recover', instance], { env: { INCUS_SOCKET: proxy.socket } });
    expect(recovered.stderr).not.toContain('bug in guard');
    expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
    expect(strangers()).toEqual([]);
    expect((await run(instance, '--', 'true')).status).toBe(0);
  });
});
