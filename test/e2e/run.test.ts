import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { outcomeTable } from '../../src/run/outcome.ts';
import {
  addressOf,
  fileExists,
  guardUnderTest,
  restoreWords,
  snapshotNames,
  statusOf,
  type GuardUnderTest,
} from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';
import { inside } from './instance-facts.ts';

const instance = 'gr-run';
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

/** Options that make the runs of this file quick: what is tested here is not the watch. */
const quick = ['--soak', '0s'];

describe('a run that is kept', () => {
  test('keeps the change and exits with 0', async () => {
    const ended = await guard.run([...quick, instance, '--', 'touch', '/root/kept']);
    expect(ended.stderr).toContain('kept');
    expect(ended.status).toBe(0);
    expect(await fileExists(instance, '/root/kept')).toBe(true);
  });

  test('leaves a restore point under the name the user chose', async () => {
    const ended = await guard.run([...quick, '--name', 'ubuntu-test-1', instance, '--', 'true']);
    expect(ended.status).toBe(0);
    expect(await incusCommand('info', instance)).toContain('ubuntu-test-1');
  });

  test('keeps no more than --keep of its own restore points, and never the user’s', async () => {
    await incusCommand('snapshot', 'create', instance, 'guard-mine');
    for (let run = 0; run < 4; run += 1) {
      const ended = await guard.run([...quick, '--keep', '2', instance, '--', 'true']);
      expect(ended.status).toBe(0);
    }
    const names = await snapshotNames(instance);
    expect(names).toContain('guard-mine');
    expect(names).toContain('ubuntu-test-1');
    expect(names.filter((name) => /^guard-\d/.test(name))).toHaveLength(2);
  });

  test('says nothing on stdout but what the command said', async () => {
    const ended = await guard.run([...quick, instance, '--', 'sh', '-c', 'echo out; echo err >&2']);
    expect(ended.stdout).toBe('out\n');
    expect(ended.stderr).toContain('err\n');
    expect(ended.status).toBe(0);
  });

  test('counts the statuses of --ok-status as success', async () => {
    const ended = await guard.run([...quick, '--ok-status', '0,100-103', instance, '--', 'sh', '-c', 'exit 102']);
    expect(ended.status).toBe(0);
  });
});

describe('a run that is rolled back', () => {
  test('goes back to what the package manager left that was at work when it began, not to the middle of it (F28)', async () => {
    await inside(
      instance,
      String.raw`
cat >/root/hold <<'END'
use Fcntl ":DEFAULT", "SEEK_SET";
open(F, ">>", "/var/lib/dpkg/lock-frontend") or die;
my $lock = pack("s s x4 q q i x4", F_WRLCK, SEEK_SET, 0, 0, 0);
fcntl(F, F_SETLK, $lock) or die;
open(R, ">", "/root/work"); print R "half"; close(R);
sleep 3;
open(R, ">", "/root/work"); print R "whole"; close(R);
END
until systemctl is-system-running | grep -qE 'running|degraded'; do sleep 0.2; done
systemd-run --quiet perl /root/hold
for try in $(seq 200); do ! grep -qs half /root/work || exit 0; sleep 0.05; done
exit 1`,
    );
    expect((await guard.run([...quick, instance, '--', 'sh', '-c', 'echo changed >/root/work; exit 1'])).status).toBe(
      10,
    );
    expect(await incusCommand('exec', instance, '--', 'cat', '/root/work')).toBe('whole');
  });

  test('10: the command failed; its file is gone, the container runs', async () => {
    const ended = await guard.run([...quick, instance, '--', 'sh', '-c', 'touch this_file.txt; exit 3']);
    expect(ended.status).toBe(10);
    expect(ended.stderr).toMatch(/rolled back.*exit status 3/is);
    expect(await fileExists(instance, '/root/this_file.txt')).toBe(false);
    expect(await statusOf(instance)).toBe('Running');
    expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  });

  test('10 becomes the command’s own status with --passthrough', async () => {
    const ended = await guard.run([...quick, '--passthrough', instance, '--', 'sh', '-c', 'exit 42']);
    expect(ended.status).toBe(42);
  });

  test('11: a check fails after the command', async () => {
    const ended = await guard.run([
      ...quick,
      '--check',
      'test -e /etc/hostname',
      '--check-interval',
      '100ms',
      '--verify-timeout',
      '5s',
      instance,
      '--',
      'rm',
      '/etc/hostname',
    ]);
    expect(ended.status).toBe(11);
    expect(ended.stderr).toContain('test -e /etc/hostname');
    expect(await fileExists(instance, '/etc/hostname')).toBe(true);
  });

  test('12: the command runs longer than --timeout', async () => {
    const ended = await guard.run([
      ...quick,
      '--timeout',
      '1s',
      instance,
      '--',
      'sh',
      '-c',
      'touch /root/late; sleep 60',
    ]);
    expect(ended.status).toBe(12);
    expect(await fileExists(instance, '/root/late')).toBe(false);
  });

  test('12: the command is silent for longer than --idle-timeout', async () => {
    const ended = await guard.run([
      ...quick,
      '--idle-timeout',
      '1s',
      instance,
      '--',
      'sh',
      '-c',
      'for i in 1 2 3 4; do echo $i; sleep 0.4; done; touch /root/silent; sleep 60',
    ]);
    expect(ended.stdout).toBe('1\n2\n3\n4\n');
    expect(ended.status).toBe(12);
    expect(await fileExists(instance, '/root/silent')).toBe(false);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s while the command runs ends with %i and the instance back', async (signal, status) => {
    const process = guard.start([
      ...quick,
      instance,
      '--',
      'sh',
      '-c',
      'touch /root/interrupted; echo ready; sleep 60',
    ]);
    await new Promise<void>((resolve) => {
      process.stdout.once('data', () => resolve());
    });
    process.kill(signal);
    // A second one must not break the rollback.
    process.kill(signal);
    expect((await process).exitCode).toBe(status);
    expect(await fileExists(instance, '/root/interrupted')).toBe(false);
    expect(await statusOf(instance)).toBe('Running');
    expect(await snapshotNames(instance)).not.toContain('guard-in-flight');
  });

  test('20: restored and started, but the baseline does not hold (F8)', async () => {
    // What lies outside the restore point does not come back with it.
    const folder = await mkdtemp(join(tmpdir(), 'guard-outside-'));
    await writeFile(join(folder, 'flag'), '');
    const device = ['config', 'device'];
    // Not shifted, which not every server can: root inside has the rights of others there.
    await chmod(folder, 0o777);
    await incusCommand(...device, 'add', instance, 'outside', 'disk', `source=${folder}`, 'path=/outside');
    try {
      const ended = await guard.run([
        ...quick,
        '--check',
        'test -e /outside/flag',
        '--check-interval',
        '100ms',
        '--verify-timeout',
        '3s',
        '--name',
        'not-well',
        instance,
        '--',
        'rm',
        '/outside/flag',
      ]);
      expect(ended.status).toBe(20);
      expect(ended.stderr).not.toMatch(/^guard: rolled back:/m);
      expect(await snapshotNames(instance)).toContain('not-well');
    } finally {
      await incusCommand(...device, 'remove', instance, 'outside');
      await rm(folder, { recursive: true });
    }
  });
});

describe('a run that fails and is kept by policy', () => {
  test('13: the command failed, --on-failure keep (F46)', async () => {
    const ended = await guard.run([
      ...quick,
      '--on-failure',
      'keep',
      instance,
      '--',
      'sh',
      '-c',
      'touch /root/stays; exit 1',
    ]);
    expect(ended.status).toBe(13);
    expect(await fileExists(instance, '/root/stays')).toBe(true);
  });
});

describe('a rollback that cannot be done', () => {
  test('21: the restore point was removed behind guard’s back, and the commands to go on by hand are printed (F2)', async () => {
    const process = guard.start([...quick, instance, '--', 'sh', '-c', 'echo ready; sleep 2; exit 1']);
    await new Promise<void>((resolve) => {
      process.stdout.once('data', () => resolve());
    });
    await incusCommand('snapshot', 'delete', instance, 'guard-in-flight');
    const ended = await process;
    expect(ended.exitCode).toBe(21);
    expect(ended.stderr).toContain(`${restoreWords} ${addressOf(instance)} guard-in-flight`);
    // Nothing was stopped on the way to a restore that could not work.
    expect(await statusOf(instance)).toBe('Running');
  });
});

describe('a stopped instance', () => {
  test('is started for the run and goes back to stopped', async () => {
    await incusCommand('stop', '--force', instance);
    const kept = await guard.run([...quick, instance, '--', 'touch', '/root/while-stopped']);
    expect(kept.status).toBe(0);
    expect(await statusOf(instance)).toBe('Stopped');
    const rolledBack = await guard.run([...quick, instance, '--', 'sh', '-c', 'rm /root/while-stopped; exit 1']);
    expect(rolledBack.status).toBe(10);
    expect(await statusOf(instance)).toBe('Stopped');
    await incusCommand('start', instance);
    expect(await fileExists(instance, '/root/while-stopped')).toBe(true);
  });
});

describe('what is refused', () => {
  const unchanged = async (words: readonly string[]) => {
    const before = await snapshotNames(instance);
    const ended = await guard.run(words);
    expect(await snapshotNames(instance)).toEqual(before);
    return ended;
  };

  test('30: an instance that does not exist, with the nearest name', async () => {
    const ended = await unchanged(['gr-rum', '--', 'true']);
    expect(ended.status).toBe(30);
    expect(ended.stderr).toContain('Did you mean "gr-run"?');
  });

  test.each(['check', 'init', 'plan', 'recover', 'prune', 'hook status', 'hook install'])(
    'guard %s says so too',
    async (subcommand) => {
      const words = subcommand === 'plan' ? ['gr-rum', '--', 'true'] : ['gr-rum'];
      const ended = await guard.run([...subcommand.split(' '), ...words]);
      expect(ended.status).toBe(30);
      expect(ended.stderr).toContain('There is no instance "gr-rum" in project "default"');
      expect(ended.stderr).toContain('Did you mean "gr-run"?');
    },
  );

  test('30: a command that does not exist costs no downtime', async () => {
    const before = await incusCommand('exec', instance, '--', 'cat', '/proc/sys/kernel/random/boot_id');
    const ended = await unchanged([instance, '--', 'no-such-command']);
    expect(ended.status).toBe(30);
    expect(ended.stderr).toContain('no-such-command');
    expect(ended.stderr).toContain('127');
    expect(await incusCommand('exec', instance, '--', 'cat', '/proc/sys/kernel/random/boot_id')).toBe(before);
  });

  test('30: a command that cannot be executed', async () => {
    const ended = await unchanged([instance, '--', '/etc/passwd']);
    expect(ended.status).toBe(30);
    expect(ended.stderr).toContain('126');
  });

  test('30: a check that fails already; --allow-unhealthy runs all the same (F34)', async () => {
    const failing = [...quick, '--check', 'false', '--check-interval', '100ms', '--verify-timeout', '5s'];
    expect((await unchanged([...failing, instance, '--', 'true'])).status).toBe(30);
    expect((await guard.run([...failing, '--allow-unhealthy', instance, '--', 'true'])).status).toBe(0);
  });

  test('30: a name that a snapshot has already', async () => {
    await incusCommand('snapshot', 'create', instance, 'taken');
    const ended = await unchanged(['--name', 'taken', instance, '--', 'true']);
    expect(ended.status).toBe(30);
    expect(ended.stderr).toContain('taken');
  });

  test('30: an ephemeral instance (F23)', async () => {
    await launch('gr-ephemeral', '--ephemeral');
    try {
      const ended = await guard.run(['gr-ephemeral', '--', 'true']);
      expect(ended.status).toBe(30);
      expect(ended.stderr).toContain('ephemeral');
    } finally {
      await remove('gr-ephemeral');
    }
  });

  test('30: no daemon on the socket, which is named', async () => {
    const ended = await guard.run([instance, '--', 'true'], { env: { INCUS_SOCKET: '/nowhere/unix.socket' } });
    expect(ended.status).toBe(30);
    expect(ended.stderr).toContain('/nowhere/unix.socket');
  });

  test('30: a project that does not allow snapshots', async () => {
    await incusCommand('project', 'create', 'gr-restricted', '-c', 'features.images=false');
    try {
      const inProject = ['--project', 'gr-restricted'];
      await incusCommand('profile', 'device', 'add', 'default', 'root', 'disk', 'path=/', 'pool=default', ...inProject);
      await incusCommand('launch', 'guard-debian', 'gr-inside', ...inProject);
      await incusCommand('project', 'set', 'gr-restricted', 'restricted=true');
      const ended = await guard.run(['--project', 'gr-restricted', 'gr-inside', '--', 'true']);
      expect(ended.status).toBe(30);
      expect(ended.stderr).toContain('restricted.snapshots');
    } finally {
      await incusCommand('delete', '--force', 'gr-inside', '--project', 'gr-restricted').catch(() => '');
      await incusCommand('project', 'delete', 'gr-restricted');
    }
  });

  test('31: another run is in progress on the instance; --wait-lock waits for it', async () => {
    const first = guard.start([...quick, instance, '--', 'sh', '-c', 'echo ready; sleep 3']);
    await new Promise<void>((resolve) => {
      first.stdout.once('data', () => resolve());
    });
    const second = await guard.run([...quick, instance, '--', 'true']);
    expect(second.status).toBe(31);
    const third = await guard.run([...quick, '--wait-lock', '60s', instance, '--', 'true']);
    expect(third.status).toBe(0);
    expect((await first).exitCode).toBe(0);
  });

  test.each([
    [['ubuntu-test', 'apt', 'upgrade'], '--'],
    [['ubuntu-test', '--'], 'command'],
    [['ubuntu-test', '--', ''], 'command'],
    [['--', 'true'], 'instance'],
    [['--soka', '1s', 'ubuntu-test', '--', 'true'], '--soak'],
    [['--soak', 'soon', 'ubuntu-test', '--', 'true'], 'soon'],
    [['--name', 'a/b', 'ubuntu-test', '--', 'true'], 'a/b'],
    [['--ok-status', '300', 'ubuntu-test', '--', 'true'], '300'],
    [['--on-failure', 'cry', 'ubuntu-test', '--', 'true'], 'cry'],
  ])('64: guard %j', async (words, told) => {
    const ended = await guard.run(words);
    expect(ended.status).toBe(64);
    expect(ended.stderr).toContain(told);
  });

  test('78: guard.yaml is wrong, with file, line and column', async () => {
    await writeFile(`${guard.stateDirectory}/wrong.yaml`, 'defaults:\n  soka: 10s\n');
    const ended = await guard.run(['--config', `${guard.stateDirectory}/wrong.yaml`, instance, '--', 'true']);
    expect(ended.status).toBe(78);
    expect(ended.stderr).toContain('wrong.yaml:2:3');
    expect(ended.stderr).toContain('soak');
  });
});

test('the help prints the whole table of exit statuses', async () => {
  const ended = await guard.run(['--help']);
  expect(ended.status).toBe(0);
  for (const row of outcomeTable) expect(ended.stdout).toContain(`${row.exit}`.padStart(3));
});
