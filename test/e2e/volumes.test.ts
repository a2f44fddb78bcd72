import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardUnderTest, snapshotNames, statusOf, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-volumes';
const other = 'gr-volumes-other';
let guard: GuardUnderTest;
let hostFolder: string;

const inside = (...words: string[]) => incusCommand('exec', instance, '--', ...words);
const attach = (device: string, volume: string, to = instance) =>
  incusCommand('storage', 'volume', 'attach', 'default', volume, to, device, `/${device}`);
const volumeSnapshots = async (volume: string): Promise<string[]> => {
  const path = `/1.0/storage-pools/default/volumes/custom/${volume}/snapshots?recursion=1`;
  const snapshots: unknown = JSON.parse(await incusCommand('query', path));
  return (snapshots as { name: string }[]).map(({ name }) => name.split('/').at(-1) ?? '');
};

beforeAll(async () => {
  guard = await guardUnderTest();
  hostFolder = await mkdtemp(join(tmpdir(), 'guard-host-folder-'));
  await launch(instance);
  for (const volume of ['gr-own', 'gr-shared']) await incusCommand('storage', 'volume', 'create', 'default', volume);
  await attach('own', 'gr-own');
});

afterAll(async () => {
  await remove(instance);
  await remove(other);
  for (const volume of ['gr-own', 'gr-shared']) await incusCommand('storage', 'volume', 'delete', 'default', volume);
  await rm(hostFolder, { recursive: true });
  await guard.remove();
});

const quick = ['--soak', '0s'];
const write = (text: string) => ['sh', '-c', `echo ${text} >/own/rows; echo ${text} >/root/version; sync`];

describe('a custom volume that only this instance uses', () => {
  test('goes back with the instance (F19)', async () => {
    await inside(...write('old'));
    const ended = await guard.run([...quick, instance, '--', 'sh', '-c', `${write('new')[2]}; exit 1`]);
    expect(ended.status).toBe(10);
    expect(await inside('cat', '/own/rows', '/root/version')).toBe('old\nold');
    expect(await volumeSnapshots('gr-own')).toEqual([]);
    expect(ended.stderr).not.toContain('does not cover');
  });

  test('has a snapshot of the same name beside the one of a kept run', async () => {
    const ended = await guard.run([...quick, '--name', 'both', instance, '--', ...write('kept')]);
    expect(ended.status).toBe(0);
    expect(await snapshotNames(instance)).toContain('both');
    expect(await volumeSnapshots('gr-own')).toEqual(['both']);
  });

  test('loses its older snapshots with the restore points that are pruned, and no other one', async () => {
    await incusCommand('storage', 'volume', 'snapshot', 'create', 'default', 'gr-own', 'mine');
    for (let run = 0; run < 3; run += 1)
      expect((await guard.run([...quick, '--keep', '1', instance, '--', 'true'])).status).toBe(0);
    const names = await volumeSnapshots('gr-own');
    expect(names.filter((name) => /^guard-\d/.test(name))).toHaveLength(1);
    expect(names).toContain('mine');
    expect(names).toContain('both');
  });

  test('goes back by recover as well when guard is killed (F12)', async () => {
    await inside(...write('old'));
    const process = guard.start([...quick, instance, '--', 'sh', '-c', `${write('new')[2]}; echo ready; sleep 60`]);
    await new Promise<void>((resolve) => {
      process.stdout.once('data', () => resolve());
    });
    process.kill('SIGKILL');
    await process;
    expect((await guard.run(['recover', instance])).status).toBe(0);
    expect(await inside('cat', '/own/rows', '/root/version')).toBe('old\nold');
    expect(await volumeSnapshots('gr-own')).not.toContain('guard-in-flight');
    expect(await statusOf(instance)).toBe('Running');
  });
});

describe('what no restore point covers', () => {
  test('a volume that others use is named, and refused with --uncovered refuse', async () => {
    await launch(other);
    await attach('shared', 'gr-shared');
    await attach('shared', 'gr-shared', other);
    const warned = await guard.run([...quick, instance, '--', 'true']);
    expect(warned.status).toBe(0);
    expect(warned.stderr).toContain('The restore point does not cover the disk "shared" at /shared');
    const refused = await guard.run([...quick, '--uncovered', 'refuse', instance, '--', 'true']);
    expect(refused.status).toBe(30);
    expect(refused.stderr).toContain('gr-shared');
    const accepted = await guard.run([...quick, '--uncovered', 'accept', instance, '--', 'true']);
    expect(accepted.stderr).not.toContain('does not cover');
    await incusCommand('storage', 'volume', 'detach', 'default', 'gr-shared', instance);
  });

  test('a folder of the host does not go back, and that is said', async () => {
    await writeFile(join(hostFolder, 'file'), 'old\n');
    // Not shifted, which not every server can: root inside has the rights of others there.
    await chmod(hostFolder, 0o755);
    await chmod(join(hostFolder, 'file'), 0o666);
    await incusCommand('config', 'device', 'add', instance, 'host', 'disk', `source=${hostFolder}`, 'path=/host');
    const ended = await guard.run([...quick, instance, '--', 'sh', '-c', 'echo new >/host/file; exit 1']);
    expect(ended.status).toBe(10);
    expect(ended.stderr).toContain(`a folder of the host (${hostFolder})`);
    expect(await readFile(join(hostFolder, 'file'), 'utf8')).toBe('new\n');
    await incusCommand('config', 'device', 'remove', instance, 'host');
  });
});
