import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findConfiguration, mostBytes, placesOf, type Search } from '../../src/config/find.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { formatMistake } from '../../src/config/mistake.ts';

let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'guard-config-'));
  await Promise.all(['work', 'home', 'etc'].map((folder) => mkdir(join(root, folder))));
});

afterEach(() => rm(root, { recursive: true, force: true }));

const search = (changes: Partial<Search> = {}): Search => ({
  explicitPath: null,
  environment: { HOME: join(root, 'home') },
  cwd: join(root, 'work'),
  systemPath: join(root, 'etc/guard.yaml'),
  ...changes,
});

const put = async (path: string, text: string | Uint8Array = 'defaults: {}'): Promise<string> => {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
};

/** The path that was found, null for none, or what was said. */
const found = async (changes: Partial<Search> = {}): Promise<string | null> => {
  const result = await findConfiguration(search(changes));
  return result.ok ? (result.value?.path ?? null) : result.error.map(formatMistake).join('\n');
};

describe('the first that exists is read, alone', () => {
  test('none at all is no mistake', async () => {
    expect(await found()).toBeNull();
    expect(await loadConfiguration(search())).toMatchObject({ ok: true, value: { file: null, blocks: [] } });
  });

  test('the working folder, then the user, then the system', async () => {
    const system = await put('etc/guard.yaml');
    expect(await found()).toBe(system);
    const user = await put('home/.config/guard/guard.yaml');
    expect(await found()).toBe(user);
    const here = await put('work/guard.yaml');
    expect(await found()).toBe(here);
    const named = await put('work/other.yaml');
    expect(await found({ explicitPath: 'other.yaml' })).toBe(named);
    expect(await found({ explicitPath: named })).toBe(named);
  });

  test("the user's folder is XDG_CONFIG_HOME where that is absolute", async () => {
    const xdg = join(root, 'xdg');
    expect(placesOf(search({ environment: { HOME: '/h', XDG_CONFIG_HOME: xdg } }))[1]).toBe(
      join(xdg, 'guard/guard.yaml'),
    );
    expect(placesOf(search({ environment: { HOME: '/h', XDG_CONFIG_HOME: 'x' } }))[1]).toBe(
      '/h/.config/guard/guard.yaml',
    );
    expect(placesOf(search({ environment: {} }))).toHaveLength(2);
    expect(placesOf({ explicitPath: null, environment: {}, cwd: '/' }).at(-1)).toBe('/etc/guard/guard.yaml');
  });

  test('what is found is read', async () => {
    await put('work/guard.yaml', 'instances: {web: {soak: 5s}}');
    const loaded = await loadConfiguration(search());
    expect(loaded).toMatchObject({ ok: true, value: { blocks: [{ pattern: 'web', layer: { soakMs: 5000 } }] } });
  });
});

describe('a file that cannot be read is a mistake, never passed over', () => {
  test('a file that was named and is not there', async () => {
    expect(await found({ explicitPath: 'gone.yaml' })).toBe(
      `${root}/work/gone.yaml: There is no such file. Name an existing file, or leave out --config.`,
    );
  });

  test('a folder', async () => {
    expect(await found({ explicitPath: '.' })).toBe(`${root}/work: It cannot be read: it is a folder.`);
    await mkdir(join(root, 'work/guard.yaml'));
    expect(await found()).toBe(`${root}/work/guard.yaml: It is not a file.`);
  });

  test('a FIFO that nobody writes to does not hold guard up', async () => {
    await promisify(execFile)('mkfifo', [join(root, 'work/guard.yaml')]);
    expect(await found()).toBe(`${root}/work/guard.yaml: It is not a file.`);
  });

  test('a circle of links', async () => {
    await symlink('guard.yaml', join(root, 'work/guard.yaml'));
    expect(await found()).toContain('its symbolic links go round in a circle');
  });

  test.skipIf(process.getuid?.() === 0)('a file without permission', async () => {
    await chmod(await put('work/guard.yaml'), 0o000);
    expect(await found()).toContain('permission denied');
  });

  test('a huge file', async () => {
    await put('work/guard.yaml', Buffer.alloc(mostBytes + 1, '#'));
    expect(await found()).toContain('larger than 1 MiB');
    await put('work/guard.yaml', Buffer.alloc(mostBytes, '#'));
    expect(await found()).toBe(`${root}/work/guard.yaml`);
  });

  test('an endless one', async () => {
    expect(await found({ explicitPath: '/dev/zero' })).toContain('larger than 1 MiB');
  });
});

describe('a file that guard came upon may hold commands of somebody else', () => {
  test('anybody may write to it', async () => {
    const file = await put('work/guard.yaml');
    await chmod(file, 0o666);
    expect(await found()).toBe(
      `${file}: Every user of this machine may write to it, and its commands would run with your permissions. If you trust it, name it: --config ${file}`,
    );
    expect(await found({ explicitPath: file })).toBe(file);
  });

  test.runIf(process.getuid?.() === 0)('a group may write to it that is not of one user alone', async () => {
    const file = await put('work/guard.yaml');
    await chmod(file, 0o664);
    expect(await found()).toBe(file);
    await chown(file, 1234, 100);
    expect(await found({ uid: 1234 })).toContain('Its group (gid 100) may write to it');
    expect(await found({ uid: 1234, explicitPath: file })).toBe(file);
    await chown(file, 1234, 1234);
    expect(await found({ uid: 1234 })).toBe(file);
  });

  // Only root can give a file to somebody else.
  test.runIf(process.getuid?.() === 0)('it belongs to another user', async () => {
    const file = await put('work/guard.yaml');
    await chown(file, 1234, 1234);
    expect(await found()).toContain('It belongs to another user (uid 1234)');
    expect(await found({ uid: 5678 })).toContain('It belongs to another user (uid 1234)');
    expect(await found({ uid: 1234 })).toBe(file);
    expect(await found({ explicitPath: file })).toBe(file);
    expect(await found({ environment: { SUDO_UID: '1234' } })).toBe(file);
    expect(await found({ uid: 5678, environment: { SUDO_UID: '1234' } })).toContain('another user');
  });
});
