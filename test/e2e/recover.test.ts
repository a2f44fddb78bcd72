import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { fileExists, guardUnderTest, snapshotNames, statusOf, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'gr-recover';
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

beforeEach(async () => {
  await incusCommand('exec', instance, '--', 'rm', '-f', '/root/changed');
});

const change = (status: number) => ['sh', '-c', `touch /root/changed; sync; exit ${status}`];

/** Starts a run and kills it (SIGKILL) as soon as it has said that a phase begins, or ends. */
const killedAt = async (moment: { type: string; phase: string }, words: readonly string[]): Promise<void> => {
  const process = guard.start(['--json', '--soak', '0s', instance, '--', ...words]);
  let text = '';
  await new Promise<void>((resolve, reject) => {
    process.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes(`"type":"${moment.type}","phase":"${moment.phase}"`)) resolve();
    });
    process.stdout.once('end', () => reject(new Error(`the run ended before ${moment.type} ${moment.phase}: ${text}`)));
  });
  process.kill('SIGKILL');
  await process;
};

const isFree = async (): Promise<void> => {
  expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  expect(await incusCommand('config', 'get', instance, 'user.guard.run')).toBe('');
  expect(await statusOf(instance)).toBe('Running');
};

const lastOutcome = async (): Promise<string | null> => {
  const { stdout } = await guard.run(['runs', '--json', '--limit', '1']);
  return (JSON.parse(stdout) as { outcome: string | null }).outcome;
};

describe('kill -9 before and after each step of a good change (F12)', () => {
  test.each(
    ['baseline', 'restore-point', 'command', 'verify', 'keep'].flatMap((phase) => [
      { type: 'phase-started', phase },
      { type: 'phase-ended', phase },
    ]),
  )('$type $phase', async (moment) => {
    await killedAt(moment, change(0));
    const ended = await guard.run(['recover', instance]);
    expect(ended.status).toBe(0);
    await isFree();
    const outcome = await lastOutcome();
    expect(['kept', 'rolled-back', 'refused']).toContain(outcome);
    // Old or new, never between.
    expect(await fileExists(instance, '/root/changed')).toBe(outcome === 'kept');
    // And a second recovery finds nothing.
    expect((await guard.run(['recover', instance])).stderr).toContain('nothing to recover');
  });
});

describe('kill -9 before and after each step of a rollback (F14)', () => {
  test.each(
    ['evidence', 'stop', 'restore', 'start', 'verify-again'].flatMap((phase) => [
      { type: 'phase-started', phase },
      { type: 'phase-ended', phase },
    ]),
  )('$type $phase', async (moment) => {
    await killedAt(moment, change(1));
    const ended = await guard.run(['recover', instance]);
    expect(ended.status).toBe(0);
    await isFree();
    expect(await lastOutcome()).toBe('rolled-back');
    expect(await fileExists(instance, '/root/changed')).toBe(false);
  });
});

describe('what is left of a run', () => {
  test('is said to the next run, which changes nothing (F13)', async () => {
    await killedAt({ type: 'phase-started', phase: 'verify' }, change(0));
    const next = await guard.run([instance, '--', 'true']);
    expect(next.status).toBe(30);
    expect(next.stderr).toContain('guard recover');
    expect((await guard.run(['recover', instance])).status).toBe(0);
    await isFree();
  });

  test('is finished without any record, from what is on the server (a lost disk)', async () => {
    await killedAt({ type: 'phase-started', phase: 'verify' }, change(0));
    const other = await guardUnderTest();
    try {
      expect((await other.run(['recover', instance])).status).toBe(0);
    } finally {
      await other.remove();
    }
    await isFree();
    expect(await fileExists(instance, '/root/changed')).toBe(false);
  });

  test('is kept with --keep-if-healthy where the baseline holds', async () => {
    await killedAt({ type: 'phase-ended', phase: 'command' }, change(0));
    expect((await guard.run(['recover', '--keep-if-healthy', instance])).status).toBe(0);
    await isFree();
    expect(await fileExists(instance, '/root/changed')).toBe(true);
    expect(await lastOutcome()).toBe('kept');
  });

  test('is not touched while its guard lives (31)', async () => {
    const process = guard.start(['--json', '--soak', '0s', instance, '--', 'sh', '-c', 'sleep 3']);
    await new Promise<void>((resolve) => {
      process.stdout.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('"phase-started","phase":"command"')) resolve();
      });
    });
    expect((await guard.run(['recover', instance])).status).toBe(31);
    expect((await process).exitCode).toBe(0);
  });
});
