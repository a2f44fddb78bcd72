import { mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardUnderTest, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-state-folder';
let guard: GuardUnderTest;

beforeAll(async () => {
  await launch(instance);
});
afterAll(() => remove(instance));

/** What may stand in place of a file. Reading or writing each of them can block, fail or never end. */
const makers: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  'a pipe': (path) => execa('mkfifo', [path]),
  'a socket': (path) =>
    new Promise<void>((resolve) => {
      const server = createServer().listen(path, resolve);
      server.unref();
    }),
  'a folder': (path) => mkdir(path),
  'an endless device': (path) => symlink('/dev/zero', path),
  'a full device': (path) => symlink('/dev/full', path),
};

/** The files of the state folder that guard reads or writes by a fixed name, of a run and beside it. */
const filesOf = async (state: string, run: string): Promise<Readonly<Record<string, string>>> => ({
  'the journal': join(state, 'runs', run, 'journal.jsonl'),
  'the baseline': join(state, 'runs', run, 'baseline.json'),
  'the note of finished runs': join(state, 'finished'),
  'the history of the instance': join(state, 'history', (await readdir(join(state, 'history')))[0] ?? ''),
  'the former index': join(state, 'index.jsonl'),
  'the note of a waiting run': join(state, 'waiting', run),
  'the record of a rollout': join(state, 'rollouts', `${run}.jsonl`),
  'the lock of the agent': join(state, 'agent.pid'),
});

const options = ['--soak', '0s', '--keep', '1'];
const inTime = { timeout: 60_000 };

describe.each(Object.keys(makers))('%s in place of a file in the state folder (F12)', (kind) => {
  beforeAll(async () => {
    guard = await guardUnderTest();
    await guard.run([...options, instance, '--', 'true']);
  });
  afterAll(() => guard.remove());

  test('ends no command and blocks none', async () => {
    const state = guard.stateDirectory;
    const [run = ''] = await readdir(join(state, 'runs'));
    for (const [name, path] of Object.entries(await filesOf(state, run))) {
      await rm(path, { recursive: true, force: true });
      await mkdir(dirname(path), { recursive: true });
      await makers[kind]?.(path);
      for (const words of [['runs'], ['runs', instance], ['recover'], ['show', run], ['rollout', 'status', run]]) {
        const { status } = await guard.run(words, inTime);
        expect([name, words.join(' '), [0, 21, 30, 64].includes(status ?? -1) ? 'ended' : status]).toEqual([
          name,
          words.join(' '),
          'ended',
        ]);
      }
    }
    // A new run has files of its own, and everything beside them is as above.
    expect((await guard.run([...options, instance, '--', 'true'], inTime)).status).toBe(0);
    expect((await guard.run([...options, '--confirm', '1h', instance, '--', 'true'], inTime)).status).toBe(30);
    expect(await incusCommand('config', 'get', instance, 'user.guard.run')).toBe('');
  });
});
