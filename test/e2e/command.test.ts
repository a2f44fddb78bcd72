import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileExists, guardUnderTest, statusOf, type GuardUnderTest } from './guard.ts';
import { incusCommand, launch, remove } from './incus-subject.ts';

const instance = 'cm-command';
let guard: GuardUnderTest;

beforeAll(async () => {
  guard = await guardUnderTest();
  await launch(instance);
});

afterAll(async () => {
  await remove(instance);
  await guard.remove();
});

/** The command is what is tested here: no watch over the instance's own services, no soak. */
const quick = ['--soak', '0s', '--no-automatic'];

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** What the command wrote to stdout, with a zero byte after each item. */
const items = (stdout: string): string[] => stdout.split('\0').slice(0, -1);

describe('what the command writes', () => {
  test('the bytes of a program file arrive exactly, and guard’s words are not among them', async () => {
    const own = (await incusCommand('exec', instance, '--', 'sha256sum', '/usr/bin/perl')).split(' ')[0];
    const process = guard.start([...quick, instance, '--', 'cat', '/usr/bin/perl'], { buffer: { stdout: false } });
    const seen = createHash('sha256');
    for await (const chunk of process.stdout) seen.update(chunk as Buffer);
    const ended = await process;
    expect(seen.digest('hex')).toBe(own);
    expect(ended.stderr).toContain('kept');
    expect(ended.exitCode).toBe(0);
  });

  test('stderr of the command goes to stderr, and to nowhere else', async () => {
    const ended = await guard.run([...quick, instance, '--', 'sh', '-c', 'printf "%s" only-here >&2']);
    expect(ended.stdout).toBe('');
    expect(ended.stderr).toContain('only-here');
  });

  test('stdout carries events alone with --json, and the command’s output goes to stderr', async () => {
    const ended = await guard.run([...quick, '--json', instance, '--', 'echo', 'from the command']);
    const events = ended.stdout
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(events.at(-1)).toMatchObject({ type: 'run-ended', outcome: { outcome: 'kept' } });
    expect(ended.stderr).toContain('from the command\n');
  });
});

describe('the argument vector', () => {
  const odd = [
    'with space',
    `it's "quoted"`,
    'two\nlines\n',
    '$HOME $(id) `id` ${x}',
    'Grüße, 世界 🦊',
    '',
    '--',
    '-x',
    '--soak',
    '*',
    '\\n\\',
    ';',
    '&& rm -rf /',
    '',
  ];

  test('arrives unchanged: no shell is on the way', async () => {
    const ended = await guard.run([...quick, instance, '--', 'printf', '%s\\0', ...odd]);
    expect(items(ended.stdout)).toEqual(odd);
  });

  test('after `guard run` as well', async () => {
    const ended = await guard.run(['run', ...quick, instance, '--', 'printf', '%s\\0', ...odd]);
    expect(items(ended.stdout)).toEqual(odd);
  });

  test('of 100 kB in one word and of 2000 words arrives', async () => {
    const long = 'x'.repeat(100_000);
    const many = Array.from({ length: 2000 }, (_, at) => `word ${at}`);
    const ended = await guard.run([...quick, instance, '--', 'printf', '%s\\0', long, ...many]);
    expect(items(ended.stdout)).toEqual([long, ...many]);
  });
});

describe('what the command reads', () => {
  const bytes = Buffer.alloc(5_000_000, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));

  test('5 MB from a pipe arrive byte for byte', async () => {
    const ended = await guard.run([...quick, instance, '--', 'sha256sum'], { stdin: 'pipe', input: bytes });
    expect(ended.stdout).toBe(`${sha256(bytes)}  -\n`);
  });

  test('5 MB from a file arrive byte for byte', async () => {
    const file = join(guard.stateDirectory, 'input');
    await writeFile(file, bytes);
    const ended = await guard.run([...quick, instance, '--', 'sha256sum'], { stdin: { file } });
    expect(ended.stdout).toBe(`${sha256(bytes)}  -\n`);
  });

  test('a command that does not read to the end does not hold the run', async () => {
    const ended = await guard.run([...quick, instance, '--', 'head', '-c', '3'], { stdin: 'pipe', input: bytes });
    expect(ended.stdout).toBe('\0\u0001\u0002');
    expect(ended.status).toBe(0);
  });

  test('/dev/null is the end at once', async () => {
    const ended = await guard.run([...quick, instance, '--', 'wc', '-c'], { stdin: 'ignore' });
    expect(ended.stdout).toBe('0\n');
    expect(ended.status).toBe(0);
  });

  test('a stdin that is closed is the end at once', async () => {
    const { execa } = await import('execa');
    const program = join(import.meta.dirname, '../../dist/guard.cjs');
    const words = [program, ...quick, instance, '--', 'wc', '-c'];
    const ended = await execa('sh', ['-c', 'exec "$0" "$@" <&-', process.execPath, ...words], {
      env: { GUARD_STATE_DIR: guard.stateDirectory, XDG_CONFIG_HOME: guard.stateDirectory },
      reject: false,
    });
    expect(ended.stdout).toBe('0');
    expect(ended.exitCode).toBe(0);
  });

  test('a slow writer is read as it writes', async () => {
    const process = guard.start([...quick, instance, '--', 'cat'], { stdin: 'pipe' });
    for (const word of ['one', 'two', 'three']) {
      process.stdin.write(word);
      const echoed = await new Promise<string>((resolve) => {
        process.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
      });
      expect(echoed).toBe(word);
    }
    process.stdin.end();
    expect((await process).exitCode).toBe(0);
  });
});

describe('where the command runs', () => {
  const environmentOf = async (...options: string[]): Promise<Map<string, string>> => {
    const ended = await guard.run([...quick, ...options, instance, '--', 'env', '-0']);
    return new Map(
      items(ended.stdout).map((item) => [item.slice(0, item.indexOf('=')), item.slice(item.indexOf('=') + 1)]),
    );
  };

  test('package managers are told that nobody is there to answer (F25)', async () => {
    const environment = await environmentOf();
    expect(environment.get('DEBIAN_FRONTEND')).toBe('noninteractive');
    expect(environment.get('NEEDRESTART_MODE')).toBe('a');
    expect(environment.get('GUARD_RUN')).toMatch(/^\d{8}/);
  });

  test('--env is set as it is, and wins: nothing passes through sudo or a shell (F26)', async () => {
    const value = `a=b $HOME "x"\ny`;
    const environment = await environmentOf('--env', 'DEBIAN_FRONTEND=text', '--env', `ODD=${value}`);
    expect(environment.get('DEBIAN_FRONTEND')).toBe('text');
    expect(environment.get('NEEDRESTART_MODE')).toBe('a');
    expect(environment.get('ODD')).toBe(value);
  });

  test('--env cannot pose as another run', async () => {
    expect((await environmentOf('--env', 'GUARD_RUN=mine')).get('GUARD_RUN')).not.toBe('mine');
  });

  test('--user, --group and --cwd arrive', async () => {
    const ended = await guard.run([
      ...quick,
      '--user',
      '65534',
      '--group',
      '100',
      '--cwd',
      '/usr/share',
      instance,
      '--',
      'sh',
      '-c',
      'id -u; id -g; pwd',
    ]);
    expect(ended.stdout).toBe('65534\n100\n/usr/share\n');
  });

  test('no terminal is made up where there is none', async () => {
    const ended = await guard.run([...quick, instance, '--', 'sh', '-c', 'test -t 0 || test -t 1 || echo none']);
    expect(ended.stdout).toBe('none\n');
  });
});

describe('much output', () => {
  /** How much memory guard may take while 200 MB pass, in kB: a Node with a bundle of 1 MB takes some 90 MB by itself. */
  const boundKb = 200_000;

  test('200 MB pass with flat memory', async () => {
    const sizeBytes = 200_000_000;
    const process = guard.start([...quick, instance, '--', 'head', '-c', `${sizeBytes}`, '/dev/zero'], {
      buffer: { stdout: false },
    });
    let seen = 0;
    let peakKb = 0;
    for await (const chunk of process.stdout) {
      seen += (chunk as Buffer).length;
      if (seen > sizeBytes - 1_000_000) peakKb = Math.max(peakKb, await peakOf(process.pid));
    }
    expect((await process).exitCode).toBe(0);
    expect(seen).toBe(sizeBytes);
    expect(peakKb).toBeGreaterThan(10_000);
    expect(peakKb).toBeLessThan(boundKb);
  });

  test('a reader that goes away does not break the change half-way', async () => {
    const process = guard.start(
      [...quick, instance, '--', 'sh', '-c', 'head -c 3000000 /dev/zero; echo done > /root/after-the-reader'],
      { buffer: { stdout: false } },
    );
    await new Promise<void>((resolve) => {
      process.stdout.once('data', () => resolve());
    });
    process.stdout.destroy();
    const ended = await process;
    expect(ended.stderr).toContain('kept');
    expect(ended.exitCode).toBe(0);
    expect(await fileExists(instance, '/root/after-the-reader')).toBe(true);
  });

  /** The most memory the process ever had, in kB; 0 once it is gone. */
  const peakOf = async (pid: number | undefined): Promise<number> => {
    let status = '';
    try {
      for await (const chunk of createReadStream(`/proc/${pid}/status`)) status += String(chunk);
    } catch {
      return 0;
    }
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  };
});

describe('how the command ended', () => {
  test('a command that was killed inside is a plain 137', async () => {
    const ended = await guard.run([...quick, instance, '--', 'sh', '-c', 'kill -9 $$']);
    expect(ended.status).toBe(10);
    expect(ended.stderr).toContain('137');
    expect(ended.stderr).not.toMatch(/ended by a stop of the instance/i);
  });

  test('an instance that the command powers off was stopped underneath it', async () => {
    const ended = await guard.run([
      ...quick,
      '--retry',
      instance,
      '--',
      'sh',
      '-c',
      'touch /root/off; poweroff -f; sleep 60',
    ]);
    expect(ended.status).toBe(10);
    expect(ended.stderr).toMatch(/ended by a stop of the instance/i);
    expect(await statusOf(instance)).toBe('Running');
    expect(await fileExists(instance, '/root/off')).toBe(false);
  });

  test('an instance that somebody stops was stopped underneath it', async () => {
    const process = guard.start([...quick, instance, '--', 'sh', '-c', 'touch /root/stopped; echo ready; sleep 60']);
    await new Promise<void>((resolve) => {
      process.stdout.once('data', () => resolve());
    });
    await incusCommand('stop', '--force', instance);
    const ended = await process;
    expect(ended.exitCode).toBe(10);
    expect(ended.stderr).toMatch(/ended by a stop of the instance/i);
    expect(await statusOf(instance)).toBe('Running');
    expect(await fileExists(instance, '/root/stopped')).toBe(false);
  });

  test.each(['--force', '--timeout=60'])(
    'a command that somebody cuts off by a restart (%s) has failed',
    async (how) => {
      const process = guard.start([
        ...quick,
        '--retry',
        instance,
        '--',
        'sh',
        '-c',
        'touch /root/half; echo ready; sleep 30',
      ]);
      await new Promise<void>((resolve) => {
        process.stdout.once('data', () => resolve());
      });
      await incusCommand('restart', instance, how);
      const ended = await process;
      expect(ended.stderr).toMatch(/cut off by a restart of the instance/i);
      expect(ended.exitCode).toBe(10);
      expect(await statusOf(instance)).toBe('Running');
      expect(await fileExists(instance, '/root/half')).toBe(false);
    },
  );

  test('a reboot is waited for although another process holds the shutdown up', async () => {
    const slow = `setsid sh -c 'trap "" TERM; while :; do sleep 1; done' >/dev/null 2>&1 </dev/null &`;
    const words = ['sh', '-c', `${slow} touch /root/slowly; reboot; sleep 100`];
    const ended = await guard.run(['--soak', '0s', instance, '--', ...words]);
    expect(ended.stderr).toContain('kept');
    expect(ended.status).toBe(0);
    expect(await fileExists(instance, '/root/slowly')).toBe(true);
  });

  test('a reboot is waited for and judged by what runs afterwards', async () => {
    const bootOf = () => incusCommand('exec', instance, '--', 'sh', '-c', 'stat -c %Y.%i /proc/1 && ps -o lstart= 1');
    const before = await bootOf();
    const ended = await guard.run([
      '--soak',
      '0s',
      instance,
      '--',
      'sh',
      '-c',
      'touch /root/rebooted; reboot; sleep 60',
    ]);
    expect(ended.stderr).toContain('kept');
    expect(ended.status).toBe(0);
    expect(await fileExists(instance, '/root/rebooted')).toBe(true);
    expect(await bootOf()).not.toBe(before);
  });
});

test('apt that finds nobody to answer its question: rolled back, and told to pass -y', async () => {
  const ended = await guard.run([...quick, instance, '--', 'apt-get', 'remove', 'ifupdown']);
  expect(ended.stdout).toContain('Abort.');
  expect(ended.status).toBe(10);
  expect(ended.stderr).toContain('Pass -y');
});
