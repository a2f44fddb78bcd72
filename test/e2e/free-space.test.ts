import { execa } from 'execa';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { asOnServer } from '../chaos/as-on-server.ts';
import { bringUp, incus, killDaemon, startDaemon, takeDown, waitFor, type Host } from '../host/host.ts';
import {
  closeScene,
  inside,
  openScene,
  outcomeOf,
  recoverScene,
  snapshotsOf,
  startRun,
  stateOf,
  type Scene,
  type SceneEnd,
} from './faults-subject.ts';

// On a host of its own: pools are made, filled, and copied by a daemon that is killed.
let host: Host;
let scene: Scene | null = null;

beforeAll(async () => {
  host = await bringUp({ name: `ro-${Date.now().toString(36)}`, poolSize: '2GiB', dirPool: true });
});
afterEach(async () => {
  await startDaemon(host);
  if (scene !== null) await closeScene(scene);
  scene = null;
});
afterAll(() => takeDown(host));

const open = async (...launch: readonly string[]): Promise<Scene> => {
  scene = await openScene(host, 'gt-room', launch);
  await inside(scene, 'echo old >/root/state; sync');
  return scene;
};

const old = { status: 'Running', state: 'old', held: false };
const refusalOf = (end: SceneEnd) => (outcomeOf(end) as { refusal: { message: string; advice: string } }).refusal;
const noticesOf = ({ events }: SceneEnd) =>
  events.filter(({ type }) => type === 'notice').map(({ message }) => String(message));

test('a driver that copies says first for how long the instance stands still, and with how much', async () => {
  const where = await open('--storage', 'dirpool');
  const end = await startRun(where, 'echo new >/root/state; exit 1').ended;
  expect(end.status).toBe(10);
  const taken = end.events.findIndex(({ type, phase }) => type === 'phase-started' && phase === 'restore-point');
  const pause = end.events.findIndex(({ message }) =>
    /dir, copies \d+ MiB .* is frozen meanwhile/.test(String(message)),
  );
  expect(pause).toBeGreaterThan(0);
  expect(pause).toBeLessThan(taken);
  const { stdout } = await execa('du', [
    '-skx',
    join(host.incusDir, 'storage-pools/dirpool/containers/gt-room/rootfs'),
  ]);
  const said = Number(/copies (\d+) MiB/.exec(noticesOf(end).join('\n'))?.[1]);
  expect(Math.abs(said - Number.parseInt(stdout, 10) / 1024)).toBeLessThan(30);
  const plan = await where.guard.run(['plan', where.instance, '--', 'true'], { env: host.env });
  expect(plan.stdout).toContain('is frozen meanwhile');
  expect(await stateOf(where)).toEqual(old);
});

test('a pool that copies and has no room for a whole copy: refused with the estimate and the limit (F15)', async () => {
  const mount = join(host.incusDir, '../small');
  await asOnServer(host, `mkdir '${mount}' && mount -t tmpfs -o size=450m tmpfs '${mount}'`);
  await incus(host, 'storage', 'create', 'small', 'dir', `source=${mount}`);
  const where = await open('--storage', 'small');
  const end = await startRun(where, 'echo new >/root/state').ended;
  expect(end.status).toBe(30);
  expect(refusalOf(end).message).toMatch(/^Pool "small" has \d+ MiB free of 4\d\d MiB: .* dir copies \d+ MiB/);
  expect(await snapshotsOf(where)).toEqual([]);
  expect(await stateOf(where)).toEqual(old);
});

test('a root disk whose own limit is used up: refused with both numbers (F18)', async () => {
  const where = await open('--device', 'root,size=400MiB');
  await inside(where, 'dd if=/dev/zero of=/root/filler bs=1M 2>/dev/null; sync; true');
  const end = await startRun(where, 'echo new >/root/state').ended;
  expect(end.status).toBe(30);
  expect(refusalOf(end).message).toMatch(/limited to 400 MiB, of which (3[89]\d|4\d\d) MiB are used/);
  expect(await snapshotsOf(where)).toEqual([]);
  await inside(where, 'rm /root/filler; sync');
  expect((await startRun(where, 'echo new >/root/state; exit 1').ended).status).toBe(10);
  expect(await stateOf(where)).toEqual(old);
});

test('an instance that a killed daemon left frozen in the middle of the copy goes on (F12)', async () => {
  const where = await open('--storage', 'dirpool');
  const run = startRun(where, 'echo new >/root/state');
  const status = async () =>
    (JSON.parse(await incus(host, 'query', `/1.0/instances/${where.instance}`)) as { status: string }).status;
  await run.phaseBegun('restore-point');
  await waitFor(async () => (await status()) === 'Frozen', { everyMs: 5 });
  await killDaemon(host);
  await startDaemon(host);
  expect((await run.ended).status).toBe(30);
  expect(await status()).toBe('Running');
  expect((await recoverScene(where)).status).toBe(0);
  expect(await stateOf(where)).toEqual(old);
  expect(await snapshotsOf(where)).toEqual([]);
});

test('and where guard was killed as well, recover lets it go on (F12)', async () => {
  const where = await open('--storage', 'dirpool');
  const run = startRun(where, 'echo new >/root/state');
  await run.phaseBegun('restore-point');
  const status = async () =>
    (JSON.parse(await incus(host, 'query', `/1.0/instances/${where.instance}`)) as { status: string }).status;
  await waitFor(async () => (await status()) === 'Frozen', { everyMs: 5 });
  run.kill();
  await killDaemon(host);
  await startDaemon(host);
  expect(await status()).toBe('Frozen');
  expect((await recoverScene(where)).status).toBe(0);
  expect(await stateOf(where)).toEqual(old);
  expect(await snapshotsOf(where)).toEqual([]);
});
