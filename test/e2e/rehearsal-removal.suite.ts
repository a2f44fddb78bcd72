import { randomUUID } from 'node:crypto';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RehearsalCopy } from '../../src/event.ts';
import { incusCommand, launch, openTestIncus, remove } from './incus-subject.ts';

export function removalTests(): void {
  // Promise 1: the one function that deletes an instance refuses everything but the copy of its record.

  const name = 'gr-removal';
  const run = '20261129-120000-abcd';
  const daemon = openTestIncus();
  const { seen } = daemon;
  const { rehearsals } = daemon.platform;

  const uuidOf = async (project: string): Promise<string> =>
    (await incusCommand('config', 'get', name, 'volatile.uuid', '--project', project)).trim();

  const exists = async (project: string): Promise<boolean> => {
    const listed = await incusCommand('list', `^${name}$`, '--project', project, '--columns', 'n', '--format', 'csv');
    return listed === name;
  };

  /** An instance in guard's project, as a copy of guard's would be. */
  const makeCopy = async (config: Readonly<Record<string, string>> = {}): Promise<RehearsalCopy> => {
    const words = Object.entries({ 'user.guard.rehearsal': run, ...config }).flatMap(([key, value]) => [
      '-c',
      `${key}=${value}`,
    ]);
    await incusCommand(
      'copy',
      name,
      name,
      '--instance-only',
      '--no-profiles',
      '--target-project',
      'guard-rehearsal',
      '-d',
      'eth0,type=none',
      '-d',
      'root,type=disk',
      '-d',
      'root,path=/',
      '-d',
      'root,pool=default',
      ...words,
    );
    return { project: 'guard-rehearsal', instance: name, uuid: await uuidOf('guard-rehearsal'), volumes: [] };
  };

  const attempt = (copy: RehearsalCopy, of = run) => rehearsals.deleteCopy(copy, of, { limitMs: 60_000 });

  beforeAll(async () => {
    await launch(name);
    await rehearsals.ensurePlace();
  });

  beforeEach(async () => {
    await remove(name, 'guard-rehearsal');
    seen.length = 0;
  });

  afterAll(async () => {
    await remove(name, 'guard-rehearsal');
    await remove(name);
    daemon.close();
  });

  const deletes = (): string[] => seen.filter((request) => request.startsWith('DELETE'));

  test('removes the copy of its record, running or not, and that twice', async () => {
    const copy = await makeCopy();
    await incusCommand('start', name, '--project', 'guard-rehearsal');
    expect(await attempt(copy)).toEqual({ ok: true, value: undefined });
    expect(await exists('guard-rehearsal')).toBe(false);
    expect(await exists('default')).toBe(true);
    expect(deletes()).toEqual([`DELETE /1.0/instances/${name}?project=guard-rehearsal`]);
    expect(await attempt(copy)).toEqual({ ok: true, value: undefined });
    expect(deletes()).toHaveLength(1);
  });

  describe('refuses', () => {
    const refuses = async (copy: RehearsalCopy, of = run): Promise<void> => {
      expect(await attempt(copy, of)).toMatchObject({ ok: false, error: { kind: 'invalid' } });
      expect(deletes()).toEqual([]);
      expect(await exists('default')).toBe(true);
      expect(await incusCommand('list', `^${name}$`, '--columns', 's', '--format', 'csv')).toBe('RUNNING');
    };

    test('the same name in the user’s project, with its true uuid and even guard’s key', async () => {
      await incusCommand('config', 'set', name, `user.guard.rehearsal=${run}`);
      await refuses({ project: 'default', instance: name, uuid: await uuidOf('default'), volumes: [] });
      await incusCommand('config', 'unset', name, 'user.guard.rehearsal');
    });

    test.each(['default', '', 'guard-rehearsal2', 'guard-rehearsal&project=default', 'Guard-Rehearsal', '../default'])(
      'a record with the project "%s"',
      async (project) => {
        const copy = await makeCopy();
        await refuses({ ...copy, project });
        expect(await exists('guard-rehearsal')).toBe(true);
      },
    );

    test('an instance of the user’s in guard’s project', async () => {
      const copy = await makeCopy({ 'user.guard.rehearsal': '' });
      await refuses(copy);
      expect(await exists('guard-rehearsal')).toBe(true);
    });

    test('another uuid, an empty one, and the one of the original', async () => {
      const copy = await makeCopy();
      for (const uuid of [randomUUID(), '', await uuidOf('default')]) await refuses({ ...copy, uuid });
      await incusCommand('config', 'set', name, `volatile.uuid=${randomUUID()}`, '--project', 'guard-rehearsal');
      await refuses(copy);
      expect(await exists('guard-rehearsal')).toBe(true);
    });

    test('the copy of another run, and a forged record without one', async () => {
      const copy = await makeCopy();
      await refuses(copy, '20261129-120000-wxyz');
      await refuses(copy, '');
      expect(await exists('guard-rehearsal')).toBe(true);
    });

    test('a project without guard’s key: it was renamed, and another has its name', async () => {
      const copy = await makeCopy();
      const key = 'user.guard.rehearsals';
      await incusCommand('project', 'unset', 'guard-rehearsal', key);
      try {
        await refuses(copy);
        expect(await exists('guard-rehearsal')).toBe(true);
        expect(await rehearsals.ensurePlace()).toMatchObject({ ok: false, error: { kind: 'name-taken' } });
      } finally {
        await incusCommand('project', 'set', 'guard-rehearsal', `${key}=1`);
      }
    });

    test.each(['..', '.', '', `${name}/snapshots/x`, `${name}?project=default`, `../../1.0/instances/${name}`])(
      'the instance "%s" deletes nothing',
      async (instance) => {
        const copy = await makeCopy();
        await attempt({ ...copy, instance });
        expect(deletes()).toEqual([]);
        expect(await exists('guard-rehearsal')).toBe(true);
        expect(await exists('default')).toBe(true);
      },
    );

    test('a client of any project: what is deleted is always of guard’s', async () => {
      const copy = await makeCopy();
      const other = daemon.platform.inProject('gr-any').rehearsals;
      expect(await other.deleteCopy(copy, run, { limitMs: 60_000 })).toMatchObject({ ok: true });
      expect(deletes()).toEqual([`DELETE /1.0/instances/${name}?project=guard-rehearsal`]);
    });
  });

  describe('a copied volume', () => {
    const volume = 'gr-removal-volume';
    const rehearsal = ['--project', 'guard-rehearsal'];

    afterAll(async () => {
      for (const project of [[], rehearsal])
        await execa('incus', ['storage', 'volume', 'delete', 'default', volume, ...project], {
          reject: false,
          stdin: 'ignore',
        });
    });

    test('is removed with the key of its run alone, and never the user’s of the same name', async () => {
      await incusCommand('storage', 'volume', 'create', 'default', volume);
      await incusCommand('storage', 'volume', 'create', 'default', volume, ...rehearsal);
      const removal = () => rehearsals.deleteVolume({ pool: 'default', copy: volume }, run, { limitMs: 30_000 });
      expect(await removal()).toMatchObject({ ok: false, error: { kind: 'invalid' } });
      expect(deletes()).toEqual([]);
      await incusCommand('storage', 'volume', 'set', 'default', volume, `user.guard.rehearsal=${run}`, ...rehearsal);
      expect(await removal()).toMatchObject({ ok: true });
      expect(deletes()).toEqual([`DELETE /1.0/storage-pools/default/volumes/custom/${volume}?project=guard-rehearsal`]);
      expect(await incusCommand('storage', 'volume', 'list', 'default', '--format', 'csv')).toContain(volume);
    });
  });
}
