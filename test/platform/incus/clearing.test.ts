import { execa } from 'execa';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearingOf } from '../../../src/platform/incus/storage/clearing.ts';

let pool: string;
beforeEach(async () => {
  pool = await mkdtemp(join(tmpdir(), 'guard-clearing-'));
});
afterEach(() => rm(pool, { recursive: true }));

/** The line for one failure, run by a shell in which `btrfs subvolume delete` removes a folder. */
const clear = async (how: string): Promise<string[]> => {
  const path = join(pool, 'web01');
  const line = clearingOf(`Failed to rename "${path}" to "${path}.incustmp": rename ${path} ${path}.incustmp: ${how}`);
  await execa('sh', ['-c', `btrfs() { rm -r "$3"; }; ${line}`]);
  return readdir(pool);
};

const fill = async (name: string, content: string): Promise<void> => {
  await mkdir(join(pool, name, 'rootfs'), { recursive: true });
  await writeFile(join(pool, name, 'rootfs', 'file'), content);
};

describe('what a killed daemon left of a restore (F7)', () => {
  it('is removed where the file system was made anew', async () => {
    await fill('web01', 'restored');
    await fill('web01.incustmp', 'changed');
    expect(await clear('file exists')).toEqual(['web01']);
    expect(await readFile(join(pool, 'web01', 'rootfs', 'file'), 'utf8')).toBe('restored');
  });

  it('is moved back where the daemon came no further, and Incus put an empty folder in its place', async () => {
    await mkdir(join(pool, 'web01'));
    await fill('web01.incustmp', 'changed');
    expect(await clear('file exists')).toEqual(['web01']);
    expect(await readFile(join(pool, 'web01', 'rootfs', 'file'), 'utf8')).toBe('changed');
  });

  it('is moved back where Incus wrote its backup.yaml to the folder in its place', async () => {
    await mkdir(join(pool, 'web01'));
    await writeFile(join(pool, 'web01', 'backup.yaml'), '');
    await fill('web01.incustmp', 'changed');
    expect(await clear('file exists')).toEqual(['web01']);
    expect(await readFile(join(pool, 'web01', 'rootfs', 'file'), 'utf8')).toBe('changed');
  });

  it('keeps a folder with other files than those of Incus, and fails', async () => {
    await fill('web01', 'restored');
    await mkdir(join(pool, 'web01.incustmp'));
    await writeFile(join(pool, 'web01.incustmp', 'mine'), '');
    await expect(clear('file exists')).rejects.toThrow('test ! -e');
    expect((await readdir(pool)).toSorted()).toEqual(['web01', 'web01.incustmp']);
  });

  it('is moved back where nothing is in its place', async () => {
    await fill('web01.incustmp', 'changed');
    expect(await clear('no such file or directory')).toEqual(['web01']);
  });

  it('is an empty folder where it had been cleared away without moving it back', async () => {
    await fill('web01', 'restored');
    await mkdir(join(pool, 'web01.incustmp'));
    await writeFile(join(pool, 'web01.incustmp', 'backup.yaml'), '');
    expect(await clear('file exists')).toEqual(['web01']);
  });

  it('is nothing where the failure says something else', () => {
    expect(clearingOf('Failed to rename "a" to "b": rename a b: file exists')).toBeNull();
    expect(clearingOf('Failed deleting subvolume "/pools/default/containers/web01.incustmp": exit status 1')).toContain(
      'btrfs subvolume delete /pools/default/containers/web01.incustmp;',
    );
  });
});
