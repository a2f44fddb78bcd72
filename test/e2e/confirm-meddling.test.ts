import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { fileExists, guardUnderTest, snapshotNames } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';
import { openTerminal, type PseudoTerminal } from './pseudo-terminal.ts';
import { touching, waitingSubject } from './waiting-subject.ts';

// What others do to an instance, to the agent and to the record while a change waits for its confirmation.

const project = 'guard-e2e-meddling';
const instance = 'gr-meddling';
const subject = waitingSubject(project, instance);
const { withAgent, lastRun, endedWith } = subject;

/** A change that waits, without its caller. */
const waiting = async (file: string, confirm: string, name = instance): Promise<string> => {
  expect((await subject.guard.run(touching(name, file, '--detach', '--confirm', confirm))).status).toBe(16);
  return (await lastRun()).run;
};

const notes = (): Promise<string[]> => readdir(join(subject.guard.stateDirectory, 'waiting'));

const warned = (text: string): Promise<void> =>
  waitFor(
    () =>
      (subject.agent?.events() ?? []).some(
        ({ type, message }) => type === 'agent-warning' && String(message).includes(text),
      ),
    { limitMs: 90_000 },
  );

const shown = async (run: string): Promise<string> => (await subject.guard.run(['show', run])).stdout;

describe('the marker', () => {
  test('0: is removed: that is said once, and guard confirm keeps the change', async () => {
    await withAgent();
    const run = await waiting('unmarked', '10m');
    await incusCommand('config', 'unset', instance, 'user.guard.run');
    await warned('The marker of this run');
    expect(await shown(run)).toContain('The marker of this run');
    // A recovery leaves it alone.
    expect((await subject.guard.run(['recover', instance])).status).toBe(0);
    const confirmed = await subject.guard.run(['confirm', run]);
    expect(confirmed.status).toBe(0);
    expect(confirmed.stderr).toContain('The marker of this run');
    expect(await fileExists(instance, '/root/unmarked')).toBe(true);
    expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
    expect(await lastRun()).toMatchObject({ run, outcome: 'kept' });
  });

  test('14: cannot be read: the change is rolled back at its deadline', async () => {
    await withAgent();
    const run = await waiting('garbled', '15s');
    await incusCommand('config', 'set', instance, 'user.guard.run=by hand');
    await warned('cannot be read');
    expect((await lastRun()).outcome).toBe('waiting');
    await endedWith(14);
    expect(await fileExists(instance, '/root/garbled')).toBe(false);
    expect(await shown(run)).toContain('nobody confirmed the change');
  });

  test('30: another host says what it cannot tell', async () => {
    await withAgent();
    const run = await waiting('unseen', '10m');
    await incusCommand('config', 'unset', instance, 'user.guard.run');
    const elsewhere = await guardUnderTest();
    const asked = await elsewhere.run(['confirm', instance]);
    expect(asked.status).toBe(30);
    expect(asked.stderr).toContain('on the host that made the change');
    await elsewhere.remove();
    expect((await subject.guard.run(['confirm', run])).status).toBe(0);
  });
});

describe('the restore point is removed', () => {
  test('0: that is said, a rollback is refused, and the change can be kept', async () => {
    await withAgent();
    const run = await waiting('pointless', '10m');
    await incusCommand('snapshot', 'delete', instance, 'guard-in-flight');
    await warned('restore point of this run');
    expect(await shown(run)).toContain('restore point of this run');
    expect((await subject.guard.run(['rollback', instance, '-y'])).status).toBe(30);
    const confirmed = await subject.guard.run(['confirm', instance]);
    expect(confirmed.status).toBe(0);
    expect(confirmed.stderr).toContain('cannot be rolled back');
    expect(await lastRun()).toMatchObject({ run, outcome: 'kept' });
    expect(await incusCommand('config', 'get', instance, 'user.guard.run')).toBe('');
  });

  test('21: nothing can be rolled back at the deadline', async () => {
    await withAgent();
    const run = await waiting('lost', '12s');
    await incusCommand('snapshot', 'delete', instance, 'guard-in-flight');
    await warned('restore point of this run');
    expect((await lastRun()).outcome).toBe('waiting');
    await endedWith(21);
    expect(await fileExists(instance, '/root/lost')).toBe(true);
    expect(await shown(run)).toContain('stays as the change left it');
    await waitFor(async () => (await notes()).length === 0);
  });
});

describe('the instance', () => {
  test('14: is renamed: guard follows it, and names it by its new name', async () => {
    await withAgent();
    await waiting('renamed', '45s');
    const present = `${instance}-new`;
    await incusCommand('stop', '--force', instance);
    await incusCommand('rename', instance, present);
    await incusCommand('start', present);
    await warned(`to ${present}`);
    expect((await subject.guard.run(['recover'])).stderr).not.toContain(`on ${instance}.`);
    await endedWith(14);
    expect((await lastRun()).instance).toBe(present);
    expect(await fileExists(present, '/root/renamed')).toBe(false);
    await incusCommand('stop', '--force', present);
    await incusCommand('rename', present, instance);
    await incusCommand('start', instance);
  });

  test('is deleted: that is said once, and the run ends at its deadline', async () => {
    const deleted = 'gr-deleted';
    await launch(deleted);
    await withAgent();
    await waiting('deleted', '12s', deleted);
    await remove(deleted, project);
    await warned('does not exist any more');
    await waitFor(async () => (await notes()).length === 0, { limitMs: 90_000 });
    expect((await lastRun()).outcome).toBe('instance-gone');
    const lines = (subject.agent?.events() ?? []).filter(({ message }) =>
      String(message).includes('does not exist any more'),
    );
    expect(lines).toHaveLength(1);
  });
});

test('30: an agent that is stopped keeps no deadline', async () => {
  const { pid } = await withAgent();
  process.kill(pid, 'SIGSTOP');
  const refused = await subject.guard.run(touching(instance, 'unkept', '--detach', '--confirm', '1m'));
  process.kill(pid, 'SIGCONT');
  expect(refused.status).toBe(30);
  expect(refused.stderr).toContain('does not answer');
  expect(await fileExists(instance, '/root/unkept')).toBe(false);
});

test('0: of two confirmations at once both say that the change is kept', async () => {
  await withAgent();
  const run = await waiting('twice', '10m');
  const both = await Promise.all([subject.guard.run(['confirm', run]), subject.guard.run(['confirm', run])]);
  expect(both.map(({ status }) => status)).toEqual([0, 0]);
  const again = await subject.guard.run(['confirm', run]);
  expect(again.status).toBe(0);
  expect(again.stderr).toMatch(/was confirmed by process \d+ of host .* at \d{4}-/);
  expect((await subject.guard.run(['confirm', instance])).status).toBe(30);
});

test('a record that is forgotten leaves the agent nothing to do', async () => {
  await withAgent();
  const run = await waiting('forgotten', '3s');
  await subject.endAgent('SIGKILL');
  const until = performance.now() + 3000;
  await waitFor(() => performance.now() > until);
  expect((await subject.guard.run(['forget', '-y', run])).status).toBe(0);
  expect(await notes()).toEqual([]);
  // The instance still says that its change waits, to every host.
  expect((await subject.guard.run(['recover', instance])).status).toBe(0);
});

describe('somebody who is logged in', () => {
  let session: PseudoTerminal | null = null;
  afterEach(() => session?.hangUp());

  test('is told before the change is rolled back, and where it is confirmed after that', async () => {
    await withAgent();
    session = openTerminal('incus', ['exec', '-t', instance, '--', 'login', '-f', 'root'], {});
    await session.shows(/[#$] $/);
    session.type('who\r');
    await session.shows(/root\s+pts/);
    await waiting('told', '70s');
    await session.shows('not confirmed yet');
    await session.shows(/rolled back in (1 min|\d+ s)/);
    expect((await subject.guard.run(['confirm', instance])).status).toBe(0);
    await session.shows('was confirmed');
  });
});
