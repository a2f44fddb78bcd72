import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readUnits, stateFacts } from '../../src/doctor/host.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-doctor-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the folder of records', () => {
  test('one that is not there is judged by the folder that it would be made in, and is not made', async () => {
    const path = join(folder, 'state/guard');
    expect(await stateFacts(path)).toMatchObject({ path, problem: null, mode: null, isInMemory: false });
    expect(await readdir(folder)).toEqual([]);
  });

  test('one that is there has its mode and its space', async () => {
    const { mode, free, problem } = await stateFacts(folder);
    expect({ mode, problem }).toEqual({ mode: 0o700, problem: null });
    expect(free).toBeGreaterThan(0);
  });

  test('a file in its place is a problem', async () => {
    const path = join(folder, 'file');
    await writeFile(path, '', { mode: 0o700 });
    expect((await stateFacts(path)).problem).toBe(`${path} is not a folder.`);
  });

  test('memory is told from a disk', async () => {
    expect((await stateFacts('/dev/shm')).isInMemory).toBe(true);
  });
});

test('units are read as systemctl shows them', () => {
  const text = [
    'Id=guard-agent.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled',
    'Id=guard-recover.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=',
    'Id=other.service\nLoadState=loaded\nActiveState=failed\nUnitFileState=',
  ].join('\n\n');
  expect(Object.fromEntries(readUnits(text))).toEqual({
    'guard-agent.service': { enabled: 'enabled', active: 'active' },
    'guard-recover.service': { enabled: 'not-found', active: 'inactive' },
    'other.service': { enabled: 'disabled', active: 'failed' },
  });
});
