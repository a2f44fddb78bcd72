import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import {
  addressOf,
  client,
  fileExists,
  guardUnderTest,
  snapshotNames,
  statusOf,
  type GuardUnderTest,
} from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-hooks';
let guard: GuardUnderTest;
let folder: string;

beforeAll(async () => {
  guard = await guardUnderTest();
  folder = await mkdtemp(join(tmpdir(), 'guard-hooks-'));
  await launch(instance);
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  await inside(`rm -f /root/held /root/changed; pkill -f '[h]eld-by-hook' || true`);
  await rm(join(folder, 'log'), { force: true });
});

const inside = (script: string): Promise<string> => incusCommand('exec', instance, '--', 'sh', '-c', script);

/** Holds still what a file says, on the disk, and a process in memory, as a lock of a database would. */
const hold =
  '--hook=beforeRestorePoint=touch /root/held; sync; setsid bash -c "exec -a held-by-hook sleep 1000" </dev/null >/dev/null 2>&1 & sleep 0.1';
const letGo = "--hook=afterRestorePoint=rm -f /root/held; pkill -f '[h]eld-by-hook' || true";
const quick = ['--soak', '0s', '--retry'];

/** Nothing is held still, nobody holds the instance. */
const isFree = async (): Promise<void> => {
  expect(await fileExists(instance, '/root/held')).toBe(false);
  expect(await inside("pgrep -f '[h]eld-by-hook' || true")).toBe('');
  expect(await incusCommand('config', 'get', instance, 'user.guard.quiesce')).toBe('');
  expect(await incusCommand('config', 'get', instance, 'user.guard.run')).toBe('');
  expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  expect(await statusOf(instance)).toBe('Running');
};

const log = async (): Promise<string[]> => (await readFile(join(folder, 'log'), 'utf8')).trim().split('\n');

/** Writes on the host what the hook was told. */
const logged = (moment: string, words: string): string => `--hook=host:${moment}=echo ${words} >>${folder}/log`;

const snapshotSeen = `$(incus query /1.0/instances/${instance}/snapshots | grep -c guard-in-flight)`;

describe('a moment of quiet', () => {
  test('holds still before the snapshot, lets go after it, and says how the run ended', async () => {
    const run = await guard.run([
      ...quick,
      hold,
      letGo,
      logged('beforeRestorePoint', `before ${snapshotSeen} '$GUARD_INSTANCE'`.replaceAll("'", '')),
      logged('afterRestorePoint', `after ${snapshotSeen}`),
      logged('afterKeep', 'keep $GUARD_OUTCOME-$GUARD_CAUSE $GUARD_MOMENT'),
      instance,
      '--',
      'touch',
      '/root/changed',
    ]);
    expect(run.stderr).toContain('kept: ');
    expect(run.status).toBe(0);
    expect(await log()).toEqual([`before 0 ${instance}`, 'after 1', 'keep kept- afterKeep']);
    await isFree();
  });

  test('an instance that was put back does not stay held still, and is told about', async () => {
    const run = await guard.run([
      ...quick,
      hold,
      letGo,
      logged('beforeRollback', 'drain $GUARD_CAUSE'),
      logged('afterRollback', 'admit $GUARD_OUTCOME $GUARD_CAUSE'),
      instance,
      '--',
      'sh',
      '-c',
      'touch /root/changed; exit 3',
    ]);
    expect(run.status).toBe(10);
    expect(await log()).toEqual(['drain command', 'admit rolled-back command']);
    expect(await fileExists(instance, '/root/changed')).toBe(false);
    await isFree();
  });

  test('where holding still fails, the run is refused and what was held is let go', async () => {
    const run = await guard.run([
      ...quick,
      hold,
      '--hook=beforeRestorePoint=echo no room >&2; exit 7',
      letGo,
      instance,
      '--',
      'touch',
      '/root/changed',
    ]);
    expect(run.status).toBe(30);
    expect(run.stderr).toContain('The beforeRestorePoint hook inside failed: exit status 7: no room.');
    expect(await fileExists(instance, '/root/changed')).toBe(false);
    await isFree();
  });

  test('a hook that does not end is killed, with what it started', async () => {
    const run = await guard.run([
      ...quick,
      '--hook=beforeRestorePoint=touch /root/held; bash -c "exec -a held-by-hook sleep 1000"; true',
      '--hook=afterRestorePoint=rm -f /root/held',
      '--hook-timeout=2s',
      instance,
      '--',
      'touch',
      '/root/changed',
    ]);
    expect(run.status).toBe(30);
    expect(run.stderr).toContain('it did not end within 2 s');
    await isFree();
  });

  test('where letting go fails the run is refused, and recover tries again', async () => {
    const run = await guard.run([
      ...quick,
      hold,
      '--hook=afterRestorePoint=test -e /root/may && rm /root/held /root/may && { pkill -f "[h]eld-by-hook" || true; }',
      instance,
      '--',
      'touch',
      '/root/changed',
    ]);
    expect(run.status).toBe(30);
    expect(run.stderr).toContain(`guard recover ${addressOf(instance)}`);
    expect(run.stderr).toContain(`${client} config unset ${addressOf(instance)} user.guard.quiesce`);
    expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
    expect(await fileExists(instance, '/root/changed')).toBe(false);
    expect((await guard.run(['recover', instance])).status).toBe(21);
    await inside('touch /root/may');
    expect((await guard.run(['recover', instance])).status).toBe(0);
    await isFree();
  });

  test('a hook of the end that fails is told, and changes nothing', async () => {
    const run = await guard.run([...quick, '--hook=afterKeep=exit 4', instance, '--', 'true']);
    expect(run.status).toBe(0);
    expect(run.stderr).toContain('The afterKeep hook inside failed: exit status 4.');
  });
});

test('of guards with and without hooks at once exactly one works, and nothing stays held still (F13)', async () => {
  const script = 'echo ran >>/root/ran; while [ ! -e /root/go ]; do sleep 0.1; done';
  await inside('rm -f /root/go /root/ran');
  const all = Array.from({ length: 8 }, (_, at) =>
    guard.start([...quick, '--no-automatic', ...(at % 2 ? [hold, letGo] : []), instance, '--', 'sh', '-c', script]),
  );
  const ends = all.map(async (one) => (await one).exitCode);
  let busy = 0;
  for (const end of ends) void end.then((status) => (busy += status === 31 ? 1 : 0));
  await waitFor(() => busy >= 7, { limitMs: 120_000 });
  await inside('touch /root/go');
  expect((await Promise.all(ends)).toSorted((a = 0, b = 0) => a - b)).toEqual([0, 31, 31, 31, 31, 31, 31, 31]);
  expect(await inside('cat /root/ran')).toBe('ran');
  await isFree();
});

/** Starts a run and kills it (SIGKILL) as soon as it has said this. */
const killedAt = async (text: string, words: readonly string[]): Promise<void> => {
  const process = guard.start(['--json', ...quick, ...words]);
  let said = '';
  await new Promise<void>((resolve, reject) => {
    process.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes(text)) resolve();
    });
    process.stdout.once('end', () => reject(new Error(`the run ended before ${text}: ${said}`)));
  });
  process.kill('SIGKILL');
  await process;
};

const moments = [
  '"type":"lifecycle-command-started","moment":"beforeRestorePoint"',
  '"type":"lifecycle-command-ended","moment":"beforeRestorePoint"',
  '"type":"lifecycle-command-started","moment":"afterRestorePoint"',
  '"type":"lifecycle-command-ended","moment":"afterRestorePoint"',
  '"type":"quiesce-ended"',
];

/** Until the hook that was under way when guard died has ended too: it belongs to nobody then. */
const settled = (): Promise<string> =>
  inside('while pgrep -f "[t]ouch /root/held; sync" >/dev/null; do sleep 0.1; done');

describe('kill -9 between holding still and letting go (F12, F21)', () => {
  const run = [hold, letGo, instance, '--', 'touch', '/root/changed'];

  test.each(moments)('recover lets go: %s', async (moment) => {
    await killedAt(moment, run);
    await settled();
    expect((await guard.run(['recover', instance])).status).toBe(0);
    await isFree();
    expect((await guard.run(['recover', instance])).stderr).toContain('nothing to recover');
  });

  test('recover without the record of the run lets go too', async () => {
    await killedAt(moments[2] ?? '', run);
    await settled();
    const other = await guardUnderTest();
    try {
      expect((await other.run(['recover', instance])).status).toBe(0);
    } finally {
      await other.remove();
    }
    await isFree();
  });

  test('the next run lets go, where only that is left', async () => {
    await killedAt(moments[0] ?? '', run);
    await settled();
    const next = await guard.run([...quick, instance, '--', 'true']);
    expect(next.stderr).toContain('had quiesced this instance for its restore point and was interrupted');
    expect(next.status).toBe(0);
    await isFree();
  });

  test('a kept restore point that somebody restores by hand is let go by recover', async () => {
    expect((await guard.run([...quick, '--name', 'by-hand', ...run])).status).toBe(0);
    await incusCommand('snapshot', 'restore', instance, 'by-hand');
    expect(await fileExists(instance, '/root/held')).toBe(true);
    expect((await guard.run(['recover', instance])).status).toBe(0);
    await isFree();
    await incusCommand('snapshot', 'delete', instance, 'by-hand');
  });
});
