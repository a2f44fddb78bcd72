import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../host/host.ts';
import { fileExists, guardUnderTest, snapshotNames, statusOf, type GuardUnderTest } from './guard.ts';
import { incusCommand } from './incus-subject.ts';
import { openTerminal, type PseudoTerminal } from './pseudo-terminal.ts';
import { touching, waitingSubject } from './waiting-subject.ts';

const instance = 'gr-confirm';
const subject = waitingSubject('guard-e2e-confirm', instance);
const { withAgent, lastRun, endedWith } = subject;

const change = (file: string, ...words: string[]): string[] => touching(instance, file, ...words);

const markerOf = (): Promise<string> => incusCommand('config', 'get', instance, 'user.guard.run');

const isWaiting = async (): Promise<boolean> => (await markerOf()).includes('"waiting"');

const isFree = async (): Promise<void> => {
  await waitFor(async () => !(await snapshotNames(instance)).includes('guard-in-flight'));
  expect(await incusCommand('config', 'get', instance, 'user.guard.run')).toBe('');
  expect(await statusOf(instance)).toBe('Running');
};

test('is refused where nobody would keep the deadline', async () => {
  const ended = await subject.guard.run(change('unkept', '--confirm', '1m'));
  expect(ended.status).toBe(30);
  expect(ended.stderr).toContain('guard agent');
  expect(await fileExists(instance, '/root/unkept')).toBe(false);
  expect((await subject.guard.run(change('unkept', '--detach'))).status).toBe(64);
  expect((await subject.guard.run(change('unkept', '--confirm-by', 'true'))).status).toBe(64);
});

test('waits without its caller, holds the instance, and is kept by a confirmation', async () => {
  await withAgent();
  const begun = await subject.guard.run(change('kept', '--confirm', '5m', '--detach'));
  expect(begun.status).toBe(16);
  const { run, outcome } = await lastRun();
  expect(outcome).toBe('waiting');
  expect(begun.stderr).toContain(`guard confirm`);

  const other = await subject.guard.run(change('other'));
  expect(other.status).toBe(31);
  expect(other.stderr).toContain('waits for a confirmation until');
  // A recovery leaves it alone.
  expect((await subject.guard.run(['recover'])).status).toBe(0);
  expect(await isWaiting()).toBe(true);

  expect((await subject.guard.run(['confirm', run])).status).toBe(0);
  expect(await fileExists(instance, '/root/kept')).toBe(true);
  await isFree();
  expect(await lastRun()).toMatchObject({ run, outcome: 'kept' });
  const again = await subject.guard.run(['confirm', instance]);
  expect(again.status).toBe(30);
  expect(again.stderr).toContain('waits for a confirmation');
});

test('14: is rolled back at its deadline, which an extension moves', async () => {
  await withAgent();
  expect((await subject.guard.run(change('expired', '--confirm', '20s', '--detach'))).status).toBe(16);
  expect((await subject.guard.run(['confirm', instance, '--extend', '2s'])).status).toBe(0);
  await endedWith(14);
  expect(await fileExists(instance, '/root/expired')).toBe(false);
  await isFree();
});

test('14: also where its caller was killed while it waited', async () => {
  await withAgent();
  const caller = subject.guard.start(change('killed', '--confirm', '10s'));
  await waitFor(isWaiting);
  process.kill(caller.pid ?? 0, 'SIGKILL');
  await caller;
  await endedWith(14);
  expect(await fileExists(instance, '/root/killed')).toBe(false);
  await isFree();
});

test('14: also where every guard was killed, and the agent comes back after the deadline', async () => {
  await withAgent();
  expect((await subject.guard.run(change('late', '--confirm', '8s', '--detach'))).status).toBe(16);
  await subject.endAgent('SIGKILL');
  const deadline = performance.now() + 8000;
  await waitFor(() => performance.now() > deadline);
  expect(await isWaiting()).toBe(true);
  await withAgent();
  await endedWith(14);
  expect(await fileExists(instance, '/root/late')).toBe(false);
  await isFree();
});

test('14: also where its record cannot be read, and its note says nothing about the next change', async () => {
  await withAgent();
  expect((await subject.guard.run(change('unreadable', '--confirm', '10m', '--detach'))).status).toBe(16);
  const { run } = await lastRun();
  const journal = join(subject.guard.stateDirectory, 'runs', run, 'journal.jsonl');
  await rename(journal, `${journal}.away`);
  // A folder of that name is there, and yet no record.
  await mkdir(journal);
  const waiting = join(subject.guard.stateDirectory, 'waiting');
  expect((await subject.guard.run(['confirm', instance, '--extend', '2s'])).status).toBe(0);
  const note = await readFile(join(waiting, run), 'utf8');
  await waitFor(async () => !(await snapshotNames(instance)).includes('guard-in-flight'), { limitMs: 90_000 });
  expect(await fileExists(instance, '/root/unreadable')).toBe(false);

  // A keeper that was killed has not removed it.
  await writeFile(join(waiting, run), note);
  expect((await subject.guard.run(change('next', '--confirm', '10m', '--detach'))).status).toBe(16);
  await subject.agent?.end('SIGTERM');
  const agent = await withAgent();
  // The agent begins with the older note, and names the deadline of the second run when it has read its instance.
  await agent.saw('confirmation-waiting', { run: (await lastRun()).run });
  expect(await isWaiting()).toBe(true);
  expect((await subject.guard.run(['confirm', instance])).status).toBe(0);
  expect(await fileExists(instance, '/root/next')).toBe(true);
  await rm(journal, { recursive: true });
  await waitFor(async () => (await readdir(waiting)).length === 0, { limitMs: 90_000 });
  await isFree();
});

test('14: also where guard.yaml has got a mistake meanwhile', async () => {
  await withAgent();
  expect((await subject.guard.run(change('mistake', '--confirm', '5s', '--detach'))).status).toBe(16);
  await writeFile(join(subject.guard.stateDirectory, 'agent.yaml'), 'defaults: { soka: 1s }\n');
  await endedWith(14);
  expect(await fileExists(instance, '/root/mistake')).toBe(false);
  await isFree();
});

describe('another host', () => {
  let elsewhere: GuardUnderTest;

  beforeAll(async () => {
    elsewhere = await guardUnderTest();
  });

  afterAll(() => elsewhere.remove());

  test('14: an earlier deadline that it sets is kept', async () => {
    await withAgent();
    expect((await subject.guard.run(change('earlier', '--confirm', '30m', '--detach'))).status).toBe(16);
    expect((await elsewhere.run(['confirm', instance, '--extend', '3s'])).status).toBe(0);
    await endedWith(14);
    expect(await fileExists(instance, '/root/earlier')).toBe(false);
    await isFree();
  });

  test('14: also where the guard that made the change is stopped', async () => {
    await withAgent();
    const caller = subject.guard.start(change('moved', '--confirm', '30m'));
    await waitFor(isWaiting);
    process.kill(caller.pid ?? 0, 'SIGSTOP');
    expect((await elsewhere.run(['confirm', instance, '--extend', '2s'])).status).toBe(0);
    await waitFor(async () => !(await snapshotNames(instance)).includes('guard-in-flight'), { limitMs: 90_000 });
    process.kill(caller.pid ?? 0, 'SIGCONT');
    expect((await caller).exitCode).toBe(14);
    expect(await fileExists(instance, '/root/moved')).toBe(false);
    await isFree();
  });

  test('0: confirms, and the record of the host that made the change says so', async () => {
    await withAgent();
    expect((await subject.guard.run(change('elsewhere', '--confirm', '30m', '--detach'))).status).toBe(16);
    expect((await elsewhere.run(['confirm', instance])).status).toBe(0);
    await endedWith(0);
    expect(await fileExists(instance, '/root/elsewhere')).toBe(true);
    await isFree();
  });

  test('sees whose change waits, and rolls it back after the deadline where the keeper is lost', async () => {
    await withAgent();
    expect((await subject.guard.run(change('orphan', '--confirm', '20s', '--detach'))).status).toBe(16);
    await subject.endAgent('SIGKILL');
    const busy = await elsewhere.run(change('other'));
    expect(busy.status).toBe(31);
    expect(busy.stderr).toContain('guard recover');
    expect((await elsewhere.run(['recover', instance])).stderr).toContain('waits for a confirmation');
    expect(await isWaiting()).toBe(true);
    const deadline = performance.now() + 20_000;
    await waitFor(() => performance.now() > deadline, { limitMs: 30_000 });
    const late = await elsewhere.run(['confirm', instance]);
    expect(late.status).toBe(30);
    expect(late.stderr).toContain('guard recover');
    expect((await elsewhere.run(['recover', instance])).status).toBe(0);
    expect(await fileExists(instance, '/root/orphan')).toBe(false);
    await isFree();
    // The host that made the change finds it finished.
    await withAgent();
    await waitFor(async () => (await readdir(join(subject.guard.stateDirectory, 'waiting'))).length === 0, {
      limitMs: 90_000,
    });
  });
});

describe('a process that is stopped past the deadline', () => {
  test('14: the guard that made the change: the agent rolls back, and the guard reports that', async () => {
    await withAgent();
    const caller = subject.guard.start(change('stopped', '--confirm', '8s'));
    await waitFor(isWaiting);
    process.kill(caller.pid ?? 0, 'SIGSTOP');
    await waitFor(async () => !(await snapshotNames(instance)).includes('guard-in-flight'), { limitMs: 90_000 });
    process.kill(caller.pid ?? 0, 'SIGCONT');
    expect((await caller).exitCode).toBe(14);
    expect(await fileExists(instance, '/root/stopped')).toBe(false);
    await endedWith(14);
    await isFree();
  });

  test('14: the guard that made the change, which goes on while the agent rolls back', async () => {
    await withAgent();
    const caller = subject.guard.start(change('resumed', '--confirm', '8s', '--hook', 'host:beforeRollback=sleep 10'));
    await waitFor(isWaiting);
    process.kill(caller.pid ?? 0, 'SIGSTOP');
    await waitFor(async () => (await markerOf()).includes('"expired"'), { limitMs: 60_000 });
    process.kill(caller.pid ?? 0, 'SIGCONT');
    expect((await caller).exitCode).toBe(14);
    expect(await fileExists(instance, '/root/resumed')).toBe(false);
    await endedWith(14);
    await isFree();
  });

  test('14: the agent: it rolls back when it goes on', async () => {
    await withAgent();
    expect((await subject.guard.run(change('asleep', '--confirm', '8s', '--detach'))).status).toBe(16);
    process.kill(subject.agent?.pid ?? 0, 'SIGSTOP');
    const deadline = performance.now() + 9000;
    await waitFor(() => performance.now() > deadline);
    expect(await isWaiting()).toBe(true);
    process.kill(subject.agent?.pid ?? 0, 'SIGCONT');
    await endedWith(14);
    expect(await fileExists(instance, '/root/asleep')).toBe(false);
    await isFree();
  });

  test('16: a machine that slept for longer than the lease leaves the change waiting', async () => {
    await withAgent();
    const config = join(subject.guard.stateDirectory, 'lease.yaml');
    await writeFile(config, 'defaults: { lease: 60s }\n', { mode: 0o600 });
    const caller = subject.guard.start(change('slept', '--confirm', '30m', '--config', config));
    await waitFor(isWaiting);
    process.kill(caller.pid ?? 0, 'SIGSTOP');
    const leaseMs = 60_000;
    const until = performance.now() + leaseMs;
    await waitFor(() => performance.now() > until, { limitMs: leaseMs + 10_000 });
    process.kill(caller.pid ?? 0, 'SIGCONT');
    expect((await caller).exitCode).toBe(16);
    expect(await isWaiting()).toBe(true);
    expect((await subject.guard.run(['confirm', instance])).status).toBe(0);
    await isFree();
  });
});

describe('a caller that waits', () => {
  test('0: ends when somebody else confirms', async () => {
    await withAgent();
    const caller = subject.guard.start(change('attached', '--confirm', '5m'));
    await waitFor(isWaiting);
    const extended = await subject.guard.run(['confirm', '--json', '--extend', '10m', instance]);
    expect(JSON.parse(extended.stdout)).toMatchObject({ type: 'confirmation-extended' });
    const confirmed = await subject.guard.run(['confirm', '--json', instance]);
    expect(confirmed.status).toBe(0);
    expect(JSON.parse(confirmed.stdout)).toMatchObject({ type: 'run-ended', outcome: { outcome: 'kept' } });
    expect((await caller).exitCode).toBe(0);
    expect(await fileExists(instance, '/root/attached')).toBe(true);
    await isFree();
  });

  test('14: ends at the deadline', async () => {
    await withAgent();
    expect((await subject.guard.run(change('alone', '--confirm', '2s'))).status).toBe(14);
    expect(await fileExists(instance, '/root/alone')).toBe(false);
    await isFree();
  });

  test('14: ends when somebody rolls the change back', async () => {
    await withAgent();
    const caller = subject.guard.start(change('refused', '--confirm', '5m'));
    await waitFor(isWaiting);
    expect((await subject.guard.run(['rollback', instance, '-y'])).status).toBe(0);
    expect((await caller).exitCode).toBe(14);
    expect(await fileExists(instance, '/root/refused')).toBe(false);
    await isFree();
  });

  test('14: rolls back by itself, however long that takes: nobody takes the run over from a guard that works', async () => {
    await withAgent();
    const slow = ['--hook', 'beforeRollback=sleep 25'];
    const ended = await subject.guard.run(change('slow', '--confirm', '2s', ...slow));
    expect(ended.status).toBe(14);
    expect(ended.stderr).not.toContain('Another guard');
    expect(await fileExists(instance, '/root/slow')).toBe(false);
    await isFree();
  });

  test('14: also where somebody rolls the change back, who waits for its end', async () => {
    await withAgent();
    const caller = subject.guard.start(change('waited-for', '--confirm', '5m', '--hook', 'beforeRollback=sleep 25'));
    await waitFor(isWaiting);
    const rollback = await subject.guard.run(['rollback', instance, '-y']);
    expect(rollback.status).toBe(0);
    expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
    expect((await caller).exitCode).toBe(14);
    await isFree();
  });

  test('16: leaves the change waiting when it is told to end', async () => {
    await withAgent();
    const caller = subject.guard.start(change('left', '--confirm', '5m'));
    await waitFor(isWaiting);
    process.kill(caller.pid ?? 0, 'SIGHUP');
    expect((await caller).exitCode).toBe(16);
    expect(await isWaiting()).toBe(true);
    expect((await subject.guard.run(['confirm', instance])).status).toBe(0);
    await isFree();
  });
});

test('guard rollback waits for nobody, also where guard.yaml says confirm', async () => {
  await withAgent();
  const config = join(subject.guard.stateDirectory, 'confirm.yaml');
  await writeFile(config, 'defaults: { confirm: 5m, soak: 0s }\n', { mode: 0o600 });
  const begun = await subject.guard.run(['--config', config, '--detach', instance, '--', 'touch', '/root/yaml']);
  expect(begun.status).toBe(16);
  expect((await subject.guard.run(['confirm', 'last'])).status).toBe(0);
  expect(await fileExists(instance, '/root/yaml')).toBe(true);
  expect((await subject.guard.run(['rollback', '--config', config, '-y', instance])).status).toBe(0);
  expect(await fileExists(instance, '/root/yaml')).toBe(false);
  await isFree();
});

describe('a clock that is set while a change waits', () => {
  const jump = (ms: number) => ({
    env: {
      NODE_OPTIONS: `--require=${join(import.meta.dirname, 'clock-jump.cjs')}`,
      GUARD_TEST_JUMP: String(ms),
    },
  });
  const day = 86_400_000;

  test('0: forward: the change goes on waiting', async () => {
    await withAgent();
    const caller = subject.guard.start(change('forward', '--confirm', '5m'), jump(day));
    await waitFor(isWaiting);
    // Long after the jump.
    const later = performance.now() + 5000;
    await waitFor(() => performance.now() > later);
    expect(await isWaiting()).toBe(true);
    expect((await subject.guard.run(['confirm', instance])).status).toBe(0);
    expect((await caller).exitCode).toBe(0);
    expect(await fileExists(instance, '/root/forward')).toBe(true);
    await isFree();
  });

  test('14: back: the deadline stays', async () => {
    await withAgent();
    expect((await subject.guard.run(change('back', '--confirm', '6s'), jump(-day))).status).toBe(14);
    expect(await fileExists(instance, '/root/back')).toBe(false);
    await isFree();
  });
});

describe('at a terminal', () => {
  const terminals: PseudoTerminal[] = [];

  const atTerminal = async (file: string, confirm: string): Promise<PseudoTerminal> => {
    const [program = '', ...before] = subject.guard.command;
    const words = [...before, ...change(file, '--confirm', confirm)];
    const terminal = openTerminal(program, words, {
      GUARD_STATE_DIR: subject.guard.stateDirectory,
      XDG_CONFIG_HOME: subject.guard.stateDirectory,
    });
    terminals.push(terminal);
    await terminal.shows('Keep it?');
    return terminal;
  };

  afterEach(() => {
    for (const terminal of terminals.splice(0)) terminal.hangUp();
  });

  test('0: says what is at stake, and yes keeps the change', async () => {
    await withAgent();
    const terminal = await atTerminal('yes', '5m');
    await terminal.shows('guard confirm');
    await terminal.shows('lost in a rollback: what was written since');
    terminal.type('yes\r');
    expect(await terminal.ended).toBe(0);
    expect(await fileExists(instance, '/root/yes')).toBe(true);
    await isFree();
  });

  test('14: no rolls it back, and the report names the writes that are lost', async () => {
    await withAgent();
    const terminal = await atTerminal('no', '5m');
    terminal.type('perhaps\r');
    terminal.type('no\r');
    expect(await terminal.ended).toBe(14);
    expect(terminal.seen()).toContain('lost: what was written between');
    expect(await fileExists(instance, '/root/no')).toBe(false);
    await isFree();
  });

  test('16: later, and Ctrl-C, leave it waiting', async () => {
    await withAgent();
    for (const keys of ['later\r', '\u0003']) {
      const terminal = await atTerminal('later', '5m');
      terminal.type(keys);
      expect(await terminal.ended).toBe(16);
      expect(await isWaiting()).toBe(true);
      expect((await subject.guard.run(['confirm', instance])).status).toBe(0);
      await isFree();
    }
  });

  test('14: a terminal that is closed changes nothing about the deadline', async () => {
    await withAgent();
    const terminal = await atTerminal('closed', '10s');
    terminal.hangUp();
    await endedWith(14);
    expect(await fileExists(instance, '/root/closed')).toBe(false);
    await isFree();
  });
});

describe('what tells of a change that waits', () => {
  test('guard runs, guard show, the notifications and the metrics', async () => {
    const told = join(subject.guard.stateDirectory, 'told');
    const metrics = join(subject.guard.stateDirectory, 'metrics.sock');
    const configuration = join(subject.guard.stateDirectory, 'notify.yaml');
    const notify = `notify: [{ command: [sh, -c, 'cat >>${told}'], on: [waiting, rolled-back] }]`;
    await writeFile(configuration, `defaults: { ${notify} }\n`, { mode: 0o600 });
    const agent = await withAgent('--metrics', `unix:${metrics}`);
    const begun = await subject.guard.run(change('told', '--confirm', '15s', '--detach', '--config', configuration));
    expect(begun.status).toBe(16);
    const { run, waitingUntil } = await lastRun();
    expect(waitingUntil).toBeGreaterThan(Date.now());
    expect((await subject.guard.run(['runs'])).stdout).toMatch(/waiting, \d+ s left/);
    expect((await subject.guard.run(['show', run])).stdout).toMatch(/Waits +for a confirmation until .* left\)/);
    await agent.saw('confirmation-waiting', { run });
    const scrape = async (): Promise<string> => {
      const { stdout } = await execa('curl', ['-s', '--unix-socket', metrics, 'http://guard/metrics'], {
        stdin: 'ignore',
      });
      return stdout;
    };
    expect(await scrape()).toContain('guard_agent_confirmation_deadline_timestamp_seconds{');
    await endedWith(14);
    await agent.saw('confirmation-ended', { run, outcome: 'rolled-back' });
    expect(await scrape()).toMatch(/guard_agent_confirmations_total\{outcome="rolled-back"[^}]*\} \d/);
    expect(await scrape()).not.toContain('guard_agent_confirmation_deadline_timestamp_seconds{');
    const outcomes = (await readFile(told, 'utf8')).match(/"outcome":"[a-z-]+"/g);
    expect(outcomes).toEqual(['"outcome":"waiting"', '"outcome":"rolled-back"']);
    await isFree();
  });
});

test('0: a command on this machine confirms it, also when the caller has gone', async () => {
  await withAgent();
  const word = join(subject.guard.stateDirectory, 'word');
  expect(
    (await subject.guard.run(change('by', '--confirm', '5m', '--confirm-by', `test -e ${word}`, '--detach'))).status,
  ).toBe(16);
  await writeFile(word, '');
  await endedWith(0);
  expect(await fileExists(instance, '/root/by')).toBe(true);
  await isFree();
  await rm(word);
});

test('14: a command that hangs does not hide a deadline that was moved forward', async () => {
  await withAgent();
  const started = join(subject.guard.stateDirectory, 'started');
  const hanging = `sh -c 'touch ${started}; exec sleep 600'`;
  expect(
    (await subject.guard.run(change('hangs', '--confirm', '10m', '--confirm-by', hanging, '--detach'))).status,
  ).toBe(16);
  await waitFor(async () => (await readdir(subject.guard.stateDirectory)).includes('started'));
  expect((await subject.guard.run(['confirm', instance, '--extend', '2s'])).status).toBe(0);
  // A try may take 60 s: a keeper that waits for its end acts later than this.
  await waitFor(async () => (await lastRun()).exitStatus === 14, { limitMs: 30_000 });
  expect(await fileExists(instance, '/root/hangs')).toBe(false);
  await isFree();
});
