import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { asOnServer } from '../chaos/as-on-server.ts';
import { bringUp, incus, takeDown, type Host } from '../host/host.ts';
import {
  closeScene,
  forgetFrom,
  inside,
  openScene,
  outcomeOf,
  recoverScene,
  snapshotsOf,
  startRun,
  stateOf,
  type Scene,
} from './faults-subject.ts';

// What a daemon leaves that is killed between two of its own steps is made by hand here: chance rarely hits the moment. On a
// host of its own, since it is made in the daemon's database and on its disk.
let host: Host;
let scene: Scene;

beforeAll(async () => {
  host = await bringUp({ name: `to-${Date.now().toString(36)}`, poolSize: '2GiB' });
});
beforeEach(async () => {
  scene = await openScene(host, 'gt-torn');
  await inside(scene, 'echo old >/root/state; sync');
});
afterEach(() => closeScene(scene));
afterAll(() => takeDown(host));

const old = { status: 'Running', state: 'old', held: false };

const sql = (statement: string) => incus(host, 'admin', 'sql', 'global', statement);
const onDisk = (kind: string, name: string) => join(host.incusDir, 'storage-pools/default', kind, name);
const snapshotData = (name: string) => onDisk(`containers-snapshots/${scene.instance}`, name);
const take = (name: string) => incus(host, 'snapshot', 'create', scene.instance, name);
const next = async (): Promise<number | undefined> => (await startRun(scene, 'true').ended).status;

/** As a daemon leaves it that is killed after it has removed the data of a snapshot, and before it forgets the snapshot. */
const halfRemove = async (name: string): Promise<void> => {
  await asOnServer(host, `btrfs subvolume delete '${snapshotData(name)}'`);
  await sql(`DELETE FROM storage_volumes_snapshots WHERE name='${name}'`);
};

/** As a daemon leaves it that is killed after it has renamed the data of a snapshot. */
const halfRename = async (from: string, to: string): Promise<void> => {
  await asOnServer(host, `mv '${snapshotData(from)}' '${snapshotData(to)}'`);
  await sql(`UPDATE storage_volumes_snapshots SET name='${to}' WHERE name='${from}'`);
};

describe('a snapshot whose data is gone, while Incus still lists it', () => {
  test('of somebody else: refused, with the line that mends it, and recover does not touch it (F17, F43)', async () => {
    await take('mine');
    await halfRemove('mine');
    const run = await startRun(scene, 'echo new >/root/state').ended;
    expect(run.status).toBe(30);
    const { refusal } = outcomeOf(run) as { refusal: { message: string; advice: string } };
    expect(refusal.message).toContain('"mine"');
    expect((await recoverScene(scene)).status).toBe(30);
    expect(await snapshotsOf(scene)).toEqual(['mine']);
    await printed(refusal.advice);
    expect(await next()).toBe(0);
    expect(await stateOf(scene)).toEqual(old);
  });

  test('that an earlier run kept: recover removes it (F16)', async () => {
    expect((await startRun(scene, 'echo old >/root/state').ended).status).toBe(0);
    const [kept = ''] = await snapshotsOf(scene);
    await halfRemove(kept);
    expect(await next()).toBe(30);
    expect((await recoverScene(scene)).status).toBe(0);
    expect(await snapshotsOf(scene)).toEqual([]);
    expect(await next()).toBe(0);
  });

  test('that is the restore point in flight of a run that was rolled back: recover frees the lock (F12, F14)', async () => {
    expect((await startRun(scene, 'echo new >/root/state; exit 1').ended).status).toBe(10);
    await take('guard-in-flight');
    await forgetFrom(scene, 'released');
    await halfRemove('guard-in-flight');
    expect((await recoverScene(scene)).status).toBe(0);
    expect(await stateOf(scene)).toEqual(old);
    expect(await snapshotsOf(scene)).toEqual([]);
    expect(await next()).toBe(0);
  });
});

describe('a restore point that was being renamed', () => {
  test('in its data alone: recover refuses with the line for the database, and finishes after it (F43)', async () => {
    expect((await startRun(scene, 'echo new >/root/state').ended).status).toBe(0);
    const [kept = ''] = await snapshotsOf(scene);
    await incus(host, 'snapshot', 'rename', scene.instance, kept, 'guard-in-flight');
    await forgetFrom(scene, 'released');
    await halfRename('guard-in-flight', kept);
    const refused = await recoverScene(scene);
    expect(refused.status).toBe(30);
    await printed((outcomeOf(refused) as { refusal: { advice: string } }).refusal.advice);
    expect((await recoverScene(scene)).status).toBe(0);
    expect(await snapshotsOf(scene)).toEqual([kept]);
    expect(await stateOf(scene)).toEqual({ ...old, state: 'new' });
    await incus(host, 'snapshot', 'restore', scene.instance, kept);
    expect(await inside(scene, 'cat /root/state')).toBe('old');
  });

  test('on the disk alone: recover finishes it', async () => {
    expect((await startRun(scene, 'echo new >/root/state').ended).status).toBe(0);
    const [kept = ''] = await snapshotsOf(scene);
    await incus(host, 'snapshot', 'rename', scene.instance, kept, 'guard-in-flight');
    await forgetFrom(scene, 'released');
    await asOnServer(host, `mv '${snapshotData('guard-in-flight')}' '${snapshotData(kept)}'`);
    expect((await recoverScene(scene)).status).toBe(0);
    expect(await snapshotsOf(scene)).toEqual([kept]);
    await incus(host, 'snapshot', 'restore', scene.instance, kept);
    expect(await inside(scene, 'cat /root/state')).toBe('old');
  });
});

describe('a restore that was cut', () => {
  const path = () => onDisk('containers', scene.instance);

  test.each([
    ['after it had moved the file system away', async () => asOnServer(host, `mv '${path()}' '${path()}.incustmp'`)],
    [
      'before it had removed the file system from before',
      async () => asOnServer(host, `btrfs subvolume snapshot '${path()}' '${path()}.incustmp'`),
    ],
  ])('%s: 21 with lines that finish it, and every later restore works (F6, F7, F43)', async (_, cut) => {
    const run = startRun(scene, 'echo new >/root/state; sync; echo ready; sleep 60');
    await run.said('ready');
    run.kill();
    await run.ended;
    await incus(host, 'stop', '--force', scene.instance);
    await cut();
    const end = await recoverScene(scene);
    expect(end.status).toBe(21);
    for (const command of (outcomeOf(end) as { manualRecovery: string[] }).manualRecovery)
      await asOnServer(host, command);
    expect((await stateOf(scene)).state).toBe('old');
    expect((await recoverScene(scene)).status).toBe(0);
    expect(await stateOf(scene)).toEqual(old);
    expect((await startRun(scene, 'echo new >/root/state; exit 1').ended).status).toBe(10);
  });
});

/** Runs the commands of a sentence, which are between backticks. */
const printed = async (sentence: string): Promise<void> => {
  const commands = [...sentence.matchAll(/`(incus [^`]*)`/g)].map(([, command = '']) => command);
  expect(commands).not.toEqual([]);
  for (const command of commands) await execa('sh', ['-c', command], { env: host.env, stdin: 'ignore' });
};
