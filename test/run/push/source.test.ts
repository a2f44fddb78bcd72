import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOfPush } from '../../../src/run/push/digest.ts';
import { entriesOf, surveyPush } from '../../../src/run/push/source.ts';
import type { PushPlan } from '../../../src/run/plan.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-push-'));
});
afterEach(() => rm(folder, { recursive: true }));

const survey = (local: string, inside: string) => surveyPush({ local: join(folder, local), inside, user: 0, group: 0 });

const planned = async (local: string, inside: string): Promise<PushPlan> => {
  const found = await survey(local, inside);
  if (!found.ok) throw new Error(found.error);
  return found.value;
};

const refusal = async (local: string, inside = '/x'): Promise<string | null> => {
  const found = await survey(local, inside);
  return found.ok ? null : found.error.replaceAll(folder, '');
};

describe('what a push becomes', () => {
  test('is what was named, or goes into the folder with a slash', async () => {
    await writeFile(join(folder, 'app'), 'x');
    await mkdir(join(folder, 'dist'));
    expect((await planned('app', '/opt/app')).inside).toBe('/opt/app');
    expect((await planned('app', '/opt/')).inside).toBe('/opt/app');
    expect((await planned('app', '/opt//x/../app2')).inside).toBe('/opt/app2');
    expect((await planned('dist', '/srv/')).inside).toBe('/srv/dist');
    expect((await planned('dist', '/')).inside).toBe('/');
  });

  test('is counted', async () => {
    await mkdir(join(folder, 'dist/a b'), { recursive: true });
    await writeFile(join(folder, 'dist/a b/x'), '12345');
    await symlink('x', join(folder, 'dist/a b/y'));
    expect(await planned('dist', '/srv')).toMatchObject({ kind: 'folder', files: 2, bytes: 5 });
  });

  test('comes in order, folders first, links as links', async () => {
    await mkdir(join(folder, 'dist/b'), { recursive: true });
    await writeFile(join(folder, 'dist/b/x'), '', { mode: 0o640 });
    await chmod(join(folder, 'dist/b/x'), 0o4750);
    await symlink('/nowhere', join(folder, 'dist/a'));
    const seen: unknown[] = [];
    for await (const { inside, kind, mode } of entriesOf(await planned('dist', '/srv/d')))
      seen.push([inside, kind, kind === 'file' ? mode.toString(8) : '']);
    expect(seen).toEqual([
      ['/srv/d', 'folder', ''],
      ['/srv/d/a', 'link', ''],
      ['/srv/d/b', 'folder', ''],
      ['/srv/d/b/x', 'file', '4750'],
    ]);
  });
});

test('what cannot be pushed is said in a sentence', async () => {
  expect(await refusal('none')).toBe('There is no "/none" to push.');
  await mkdir(join(folder, 'dist'));
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(join(folder, 'dist/socket'), resolve);
  });
  expect(await refusal('dist')).toBe(
    '"/dist" cannot be pushed: "/dist/socket" is neither a file, a folder nor a link.',
  );
  expect(await refusal('dist/socket')).toBe('"/dist/socket" is neither a file nor a folder.');
  server.close();
  await writeFile(join(folder, 'app'), 'x');
  expect(await refusal('app', '/')).toBeNull();
});

test('the digest is of what arrives: not of times, and not of where it came from', async () => {
  const make = async (name: string, text: string): Promise<string> => {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'x'), text);
    return digestOfPush(await planned(name, '/srv/d'));
  };
  const first = await make('a', 'one');
  expect(await make('b', 'one')).toBe(first);
  expect(await make('c', 'two')).not.toBe(first);
  await utimes(join(folder, 'a/x'), 1, 1);
  expect(await digestOfPush(await planned('a', '/srv/d'))).toBe(first);
  expect(await digestOfPush(await planned('a', '/srv/e'))).not.toBe(first);
  await chmod(join(folder, 'a/x'), 0o755);
  expect(await digestOfPush(await planned('a', '/srv/d'))).not.toBe(first);
});
