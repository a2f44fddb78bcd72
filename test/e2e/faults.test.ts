import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { keptRestorePoints } from '../../src/journal/kept-restore-points.ts';
import { asOnServer } from '../chaos/as-on-server.ts';
import { bringUp, incus, killDaemon, startDaemon, takeDown, waitFor, type Host } from '../host/host.ts';
import {
  booted,
  closeScene,
  forgetFrom,
  inside,
  openScene,
  outcomeOf,
  recoverScene,
  snapshotsOf,
  startRun,
  stateOf,
  type Running,
  type Scene,
} from './faults-subject.ts';

// A host of its own: its daemon is killed, and its small pool is filled.
let host: Host;
let scene: Scene;
let names = 0;
// Names of their own in each run: two runs on one machine would kill each other's daemon.
const file = Date.now().toString(36);

beforeAll(async () => {
  host = await bringUp({ name: `f-${file}`, poolSize: '2GiB' });
});

beforeEach(async () => {
  names += 1;
  scene = await openScene(host, `gf-${file}-${names}`);
  await inside(scene, 'echo old >/root/state; sync');
});

afterEach(async () => {
  await startDaemon(host);
  await closeScene(scene);
});

afterAll(async () => {
  await takeDown(host);
});

const old = { status: 'Running', state: 'old', held: false };
const changed = { status: 'Running', state: 'new', held: false };

const restartDaemonHard = async (): Promise<void> => {
  await killDaemon(host);
  await startDaemon(host);
};

describe('the daemon is killed and restarted (F12, F39)', () => {
  test.each(['command', 'verify', 'keep'])('in the phase %s of a good change', async (phase) => {
    const run = startRun(scene, 'echo new >/root/state; sleep 3', '--soak', '3s');
    await run.phaseBegun(phase);
    await restartDaemonHard();
    const { status } = await run.ended;
    // guard itself lives: it comes to an end without help.
    expect(await stateOf(scene)).toEqual(status === 0 ? changed : old);
    expect([0, 10, 11, 12]).toContain(status);
  });

  test.each(['baseline', 'restore-point'])('in the phase %s of a run that has just begun', async (phase) => {
    const run = startRun(scene, 'echo new >/root/state');
    await run.phaseBegun(phase);
    await restartDaemonHard();
    const { status } = await run.ended;
    // Both are over in some milliseconds: the command may have begun, and nobody knows its end then.
    expect([0, 10, 30]).toContain(status);
    // What could not be taken back is finished by a recovery; what was never there, by nothing.
    expect((await recoverScene(scene)).status).toBe(0);
    expect(await stateOf(scene)).toEqual(status === 0 ? changed : old);
    expect(await snapshotsOf(scene)).toHaveLength(status === 0 ? 1 : 0);
  });

  test.each(['evidence', 'stop', 'start', 'verify-again'])('in the phase %s of a rollback', async (phase) => {
    const run = startRun(scene, 'echo new >/root/state; exit 1');
    await run.phaseBegun(phase);
    await restartDaemonHard();
    expect(outcomeOf(await run.ended)).toEqual({ outcome: 'rolled-back', cause: 'command' });
    expect(await stateOf(scene)).toEqual(old);
  });
});

describe('the daemon is killed a few milliseconds into a restore', () => {
  test('rolled back, or 21 with commands that finish it (F6, F43)', async () => {
    const run = startRun(scene, 'echo new >/root/state; exit 1');
    await run.phaseBegun('restore');
    await restartDaemonHard();
    const end = await run.ended;
    const outcome = outcomeOf(end) as { outcome: string; manualRecovery?: string[] };
    expect([10, 21]).toContain(end.status);
    // Done by hand, exactly as printed; the restore point stays until guard knows.
    for (const command of outcome.manualRecovery ?? []) await asOnServer(host, command);
    expect((await stateOf(scene)).state).toBe('old');
    expect((await recoverScene(scene)).status).toBe(0);
    expect(await stateOf(scene)).toEqual(old);
  });
});

describe('the pool is full', () => {
  const fill = (where: Scene) =>
    inside(
      where,
      'dd if=/dev/zero of=/root/filler bs=1M 2>/dev/null; dd if=/dev/zero of=/root/rest bs=4k 2>/dev/null; sync',
    );

  test('before the restore point: refused (F1, F15)', async () => {
    const other = await openScene(host, 'gf-filler');
    try {
      await fill(other).catch(() => '');
      const { status } = await startRun(scene, 'echo new >/root/state').ended;
      expect(status).toBe(30);
      expect(await snapshotsOf(scene)).toEqual([]);
    } finally {
      await closeScene(other);
    }
    expect(await stateOf(scene)).toEqual(old);
  });

  test('because of the command, so that it is during the restore too: rolled back (F18)', async () => {
    const script =
      'echo new >/root/state; dd if=/dev/zero of=/root/filler bs=1M; dd if=/dev/zero of=/root/rest bs=4k; sync; exit 1';
    expect(outcomeOf(await startRun(scene, script).ended)).toEqual({ outcome: 'rolled-back', cause: 'command' });
    expect(await stateOf(scene)).toEqual(old);
  });
});

describe('the state directory', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'guard-faults-'));
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder]);
  });

  afterEach(async () => {
    await execa('umount', [folder]);
    await rm(folder, { recursive: true });
  });

  const runIn = (script: string) =>
    startRun(
      {
        ...scene,
        guard: {
          ...scene.guard,
          start: (words, options) =>
            scene.guard.start(words, { ...options, env: { ...options?.env, GUARD_STATE_DIR: folder } }),
        },
      },
      script,
    );

  test('is full before the run: refused, nothing was changed (F12)', async () => {
    await writeFile(join(folder, 'filler'), Buffer.alloc(1024 * 1024)).catch(() => {});
    const { status } = await runIn('echo new >/root/state').ended;
    expect(status).toBe(30);
    expect(await stateOf(scene)).toEqual(old);
    expect(await snapshotsOf(scene)).toEqual([]);
  });

  test('is read-only before the run: refused, nothing was changed (F12)', async () => {
    await execa('mount', ['-o', 'remount,ro', folder]);
    const { status } = await runIn('echo new >/root/state').ended;
    expect(status).toBe(30);
    expect(await stateOf(scene)).toEqual(old);
    expect(await snapshotsOf(scene)).toEqual([]);
  });

  test.each([0, 1])('fills up during the command, which ends with %i: the run comes to its end', async (exit) => {
    const run = runIn(`while [ ! -e /run/go ]; do sleep 0.1; done; echo new >/root/state; exit ${exit}`);
    await run.phaseBegun('command');
    await writeFile(join(folder, 'filler'), Buffer.alloc(1024 * 1024)).catch(() => {});
    await inside(scene, 'touch /run/go');
    const { status } = await run.ended;
    expect(await stateOf(scene)).toEqual(status === 0 ? changed : old);
    expect(status).toBe(exit === 0 ? 0 : 10);
  });
});

describe('somebody else meanwhile', () => {
  const waiting = 'echo new >/root/state; sync; echo ready; sleep 60';
  const ready = (run: Running): Promise<void> => run.said('ready');

  test('stops the instance: rolled back, and it runs again', async () => {
    const run = startRun(scene, waiting);
    await ready(run);
    await incus(host, 'stop', '--force', scene.instance);
    expect((await run.ended).status).toBe(10);
    expect(await stateOf(scene)).toEqual(old);
  });

  test('restarts the instance: it ends kept or rolled back', async () => {
    const run = startRun(scene, waiting);
    await ready(run);
    await incus(host, 'restart', '--force', scene.instance);
    const { status } = await run.ended;
    expect(await stateOf(scene)).toEqual(status === 0 ? changed : old);
  });

  test('stops and renames the instance: 21; after it has its name again, recover finishes (F6)', async () => {
    const run = startRun(scene, waiting);
    await ready(run);
    await incus(host, 'stop', '--force', scene.instance);
    await incus(host, 'rename', scene.instance, `${scene.instance}-other`);
    const { status } = await run.ended;
    await incus(host, 'rename', `${scene.instance}-other`, scene.instance);
    expect(status).toBe(21);
    expect((await recoverScene(scene)).status).toBe(0);
    expect(await stateOf(scene)).toEqual(old);
  });

  test('deletes the instance: 21, at once', async () => {
    const run = startRun(scene, waiting);
    await ready(run);
    await incus(host, 'delete', '--force', scene.instance);
    const { status } = await run.ended;
    expect(status).toBe(21);
  });

  test('restores another snapshot while the command runs: back to the restore point', async () => {
    await incus(host, 'snapshot', 'create', scene.instance, 'mine');
    await inside(scene, 'echo newer >/root/state; sync');
    const run = startRun(scene, waiting);
    await ready(run);
    await incus(host, 'snapshot', 'restore', scene.instance, 'mine');
    // The restore cuts the command off.
    expect(outcomeOf(await run.ended)).toEqual({ outcome: 'rolled-back', cause: 'command' });
    expect(await stateOf(scene)).toEqual({ ...old, state: 'newer' });
    expect(await snapshotsOf(scene)).toEqual(['mine']);
  });

  test('restores another snapshot while the change is verified: never said to be kept', async () => {
    await incus(host, 'snapshot', 'create', scene.instance, 'mine');
    await inside(scene, 'echo newer >/root/state; sync');
    const run = startRun(scene, 'echo new >/root/state', '--soak', '8s');
    await run.phaseBegun('verify');
    await incus(host, 'snapshot', 'restore', scene.instance, 'mine');
    const { status } = await run.ended;
    expect(status).not.toBe(0);
    expect(await stateOf(scene)).toEqual({ ...old, state: 'newer' });
  });

  // Good changes reach the first phases, bad ones the others.
  const phases = [
    ['baseline', 0],
    ['restore-point', 0],
    ['command', 0],
    ['verify', 0],
    ['keep', 0],
    ['evidence', 1],
    ['stop', 1],
    ['restore', 1],
    ['start', 1],
    ['verify-again', 1],
  ] as const;

  const attempt = async (...words: readonly string[]): Promise<boolean> =>
    (await execa('incus', words, { env: host.env, stdin: 'ignore', reject: false })).exitCode === 0;

  /** What is told is what is there, and nothing holds the instance; a recovery may be needed. */
  async function endsTruly(run: Running, before: readonly string[]): Promise<void> {
    const end = await run.ended;
    const recovered = await recoverScene(scene);
    const outcome = outcomeOf(end);
    expect({ outcome, recovered: recovered.status }).toEqual({ outcome, recovered: 0 });
    const seen = await stateOf(scene);
    const isKept = end.status === 0 || JSON.stringify(outcomeOf(recovered) ?? null).includes('"kept"');
    expect(await snapshotsOf(scene)).not.toContain('guard-in-flight');
    expect({ outcome, status: seen.status }).toEqual({ outcome, status: 'Running' });
    expect({ outcome, isTrue: (isKept ? ['new'] : before).includes(seen.state) }).toEqual({ outcome, isTrue: true });
  }

  test.each(phases)('overwrites the marker in the phase %s of a change that ends with %i', async (phase, exit) => {
    const run = startRun(scene, `echo new >/root/state; sync; sleep 1; exit ${exit}`);
    await run.phaseBegun(phase);
    // The server refuses it while it stops, restores or starts the instance.
    await waitFor(() => attempt('config', 'set', scene.instance, 'user.guard.run=garbage'), { everyMs: 5 });
    await endsTruly(run, ['old']);
    // What was written after guard had removed its marker stays, and holds nobody up.
    expect((await startRun(scene, 'true').ended).status).toBe(0);
    expect(await stateOf(scene)).toMatchObject({ held: false });
  });

  // A restore after the last look at the instance is the user's own matter: the last phases are left out.
  test.each(phases.filter(([phase]) => phase !== 'keep' && phase !== 'verify-again'))(
    'restores another snapshot in the phase %s of a change that ends with %i',
    async (phase, exit) => {
      await incus(host, 'snapshot', 'create', scene.instance, 'mine');
      await inside(scene, 'echo newer >/root/state; sync');
      const run = startRun(scene, `echo new >/root/state; sync; sleep 1; exit ${exit}`, '--soak', '2s');
      await run.phaseBegun(phase);
      await waitFor(() => attempt('snapshot', 'restore', scene.instance, 'mine'), { everyMs: 5 });
      await endsTruly(run, ['newer', 'old']);
    },
  );

  test('has snapshots taken by schedule: they stay, and are not taken for the restore point (F5)', async () => {
    const run = startRun(scene, 'echo new >/root/state; until [ -e /run/go ]; do sleep 0.2; done; exit 1');
    await run.phaseBegun('command');
    await incus(host, 'config', 'set', scene.instance, 'snapshots.schedule=* * * * *');
    await waitFor(async () => (await snapshotsOf(scene)).length > 1, { limitMs: 130_000, everyMs: 500 });
    await inside(scene, 'touch /run/go');
    expect((await run.ended).status).toBe(10);
    expect(await stateOf(scene)).toEqual(old);
    expect(await snapshotsOf(scene)).toHaveLength(1);
  });
});

describe('what a recovered run leaves is in the records (F17)', () => {
  const kept = async (): Promise<string[]> => {
    const { instance } = scene;
    const address = { instance, project: 'default', remote: null, uuid: null, server: null, createdAt: null };
    return (await keptRestorePoints(scene.guard.stateDirectory, address)).map(({ name }) => name);
  };

  test('where guard died after the restore point had got its final name', async () => {
    expect((await startRun(scene, 'echo new >/root/state').ended).status).toBe(0);
    const points = await snapshotsOf(scene);
    await forgetFrom(scene, 'released');
    expect(await kept()).toEqual([]);
    expect((await recoverScene(scene)).status).toBe(0);
    expect(await kept()).toEqual(points);
    expect(await stateOf(scene)).toEqual(changed);
  });

  test('where nothing but the restore point in flight was left', async () => {
    await incus(host, 'snapshot', 'create', scene.instance, 'guard-in-flight');
    expect((await recoverScene(scene)).status).toBe(0);
    expect(await kept()).toEqual(await snapshotsOf(scene));
    expect(await stateOf(scene)).toEqual(old);
  });
});

describe('a clock that jumps', () => {
  const day = 24 * 3600 * 1000;
  const jumping = (jump: number): Scene => ({
    ...scene,
    guard: {
      ...scene.guard,
      start: (words, options) =>
        scene.guard.start(words, {
          ...options,
          env: {
            ...options?.env,
            NODE_OPTIONS: `--require=${join(import.meta.dirname, 'clock-jump.cjs')}`,
            GUARD_TEST_JUMP: String(jump),
          },
        }),
    },
  });

  test.each([-day, day])('by %i ms during the command: neither a limit nor a watch takes it for time', async (jump) => {
    const kept = await startRun(jumping(jump), 'sleep 3; echo new >/root/state', '--timeout', '60s').ended;
    expect(outcomeOf(kept)).toEqual({ outcome: 'kept' });
    const command = kept.events.find(({ type, phase }) => type === 'phase-ended' && phase === 'command');
    expect(command?.['ms']).toBeGreaterThan(0);
    expect(command?.['ms']).toBeLessThan(60_000);
    const failed = await startRun(jumping(jump), 'sleep 3; echo newer >/root/state; exit 1', '--timeout', '60s').ended;
    expect(outcomeOf(failed)).toEqual({ outcome: 'rolled-back', cause: 'command' });
    expect(await stateOf(scene)).toEqual(changed);
  });

  test('between a killed run and its recovery: rolled back', async () => {
    const run = startRun(jumping(day), 'echo new >/root/state; sync; sleep 2; echo ready; sleep 60');
    await run.said('ready');
    run.kill();
    await run.ended;
    expect((await recoverScene(scene)).status).toBe(0);
    expect(await stateOf(scene)).toEqual(old);
  });
});

describe('a graceful stop that hangs', () => {
  test('is followed by force within its limit (trap 2, F39)', async () => {
    // Something that no restore point covers is attached, so that guard stops gracefully.
    const folder = await mkdtemp(join(tmpdir(), 'guard-faults-'));
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'guard.yaml'), 'defaults:\n  stopTimeout: 3s\n');
    await incus(
      host,
      'config',
      'device',
      'add',
      scene.instance,
      'outside',
      'disk',
      `source=${folder}/data`,
      'path=/outside',
    );
    await inside(
      scene,
      'printf "[Service]\\nExecStart=/bin/sleep infinity\\nExecStop=/bin/sleep 600\\nTimeoutStopSec=infinity\\n" >/etc/systemd/system/hang.service; systemctl daemon-reload; systemctl start hang; sync',
    );
    const run = startRun(scene, 'echo new >/root/state; exit 1', '--config', join(folder, 'guard.yaml'));
    const { status, events } = await run.ended;
    await booted(scene);
    const stopped = events.find(({ type, phase }) => type === 'phase-ended' && phase === 'stop');
    expect(stopped?.['ok']).toBe(true);
    expect(stopped?.['ms']).toBeLessThan(60_000);
    expect(await stateOf(scene)).toEqual(old);
    // hang.service ran before and is not enabled, so that it does not run again after the restart: not well, and said so.
    expect([10, 20]).toContain(status);
    await rm(folder, { recursive: true });
  });
});
