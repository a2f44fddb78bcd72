import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { boundedText } from '../../src/platform/bounded-text.ts';
import type { ExecRequest, ExecStreams, Platform } from '../../src/platform/platform.ts';
import { value } from '../platform/conformance.ts';
import { launch, openTestIncus, remove } from './incus-subject.ts';

const instance = 'ad-exec';
let platform: Platform;
let close: () => void;

beforeAll(async () => {
  ({ platform, close } = openTestIncus());
  await launch(instance);
});
afterAll(async () => {
  close();
  await remove(instance);
});

const exec = async (
  command: readonly string[],
  streams: Partial<ExecStreams> = {},
  more: Partial<ExecRequest> = {},
) => {
  const request = { command, environment: {}, terminal: null, ...more };
  const all = { stdin: null, stdout: boundedText(0).sink, stderr: boundedText(0).sink, ...streams };
  return value(await platform.startExec(instance, request, all));
};
const answer = async (...command: string[]): Promise<string> =>
  value(await platform.query(instance, { command, limitMs: 30_000, maxBytes: 100_000 })).stdout;

describe('streams', () => {
  it('carry every byte of a binary', async () => {
    const sum = hashing();
    const running = await exec(['cat', '/usr/bin/perl'], { stdout: sum.sink });
    expect(value(await running.ended)).toEqual({ kind: 'exited', status: 0 });
    await sum.end();
    expect(`${sum.hex()}  /usr/bin/perl\n`).toBe(await answer('sha256sum', '/usr/bin/perl'));
  });

  it('carry 200 MB out to a slow reader with flat memory', async () => {
    const sum = hashing(1);
    const memory = watchMemory();
    const running = await exec(['head', '-c', '200000000', '/dev/zero'], { stdout: sum.sink });
    expect(value(await running.ended)).toEqual({ kind: 'exited', status: 0 });
    await sum.end();
    expect(memory.grownBy()).toBeLessThan(120_000_000);
    expect(sum.bytes()).toBe(200_000_000);
    expect(sum.hex()).toBe(zeros(200_000_000));
  });

  it('carry 200 MB in with flat memory', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'guard-input-'));
    const file = join(folder, 'zeros');
    const handle = await open(file, 'w');
    await handle.truncate(200_000_000);
    await handle.close();
    const memory = watchMemory();
    const stdout = boundedText(100);
    const running = await exec(['sha256sum'], { stdin: createReadStream(file), stdout: stdout.sink });
    await running.ended;
    expect(memory.grownBy()).toBeLessThan(120_000_000);
    expect(stdout.text()).toContain(zeros(200_000_000));
    await rm(folder, { recursive: true });
  });

  it('may be left unread: the command ends', async () => {
    const running = await exec(['true'], { stdin: createReadStream('/dev/zero') });
    expect(value(await running.ended)).toEqual({ kind: 'exited', status: 0 });
  });

  it('do not hang on a child in the background that holds them (F29)', async () => {
    const stdout = boundedText(100);
    const running = await exec(['sh', '-c', 'sleep 600 & echo main has ended'], { stdout: stdout.sink });
    expect(value(await running.ended)).toEqual({ kind: 'exited', status: 0 });
    expect(stdout.text()).toBe('main has ended\n');
    await answer('pkill', '-x', 'sleep');
  });
});

describe('the argument vector', () => {
  it.each([
    [['two words', '', '--', '-n', '*', '$HOME `id` "\'', 'line\nbreak', 'ünï ☃', '\\', '\t']],
    [Array.from({ length: 500 }, (_, index) => `argument ${index}`)],
  ])('arrives unchanged', async (words) => {
    const command = ['sh', '-c', String.raw`for word; do printf '%s\0' "$word"; done`, 'sh', ...words];
    expect((await answer(...command)).split('\0').slice(0, -1)).toEqual(words);
  });

  it('goes with its environment, user, group and folder', async () => {
    const stdout = boundedText(1000);
    const command = ['sh', '-c', 'id -u; id -g; pwd; printf "%s\\n" "$WORDS"'];
    const environment = { WORDS: 'a  b $x ü' };
    const running = await exec(command, { stdout: stdout.sink }, { environment, user: 1, group: 2, cwd: '/var/tmp' });
    await running.ended;
    expect(stdout.text()).toBe('1\n2\n/var/tmp\na  b $x ü\n');
  });
});

describe('a terminal', () => {
  it('asks, takes the answer, and knows its size after it was changed', async () => {
    const terminal = await openTerminal(['sh', '-c', 'stty size; read -p "Go on? " x; echo "got $x"; stty size']);
    await terminal.message('33 91');
    await terminal.message('Go on? ');
    terminal.running.resize(77, 22);
    terminal.keys.write('y\n');
    expect(value(await terminal.running.ended)).toEqual({ kind: 'exited', status: 0 });
    expect(terminal.text()).toContain('got y');
    expect(terminal.text()).toContain('22 77');
  });

  it('passes a Ctrl-C to the command', async () => {
    const terminal = await openTerminal(['sh', '-c', 'trap "echo caught; exit 7" INT; echo ready; sleep 600 & wait']);
    await terminal.message('ready');
    terminal.keys.write('\u0003');
    expect(value(await terminal.running.ended)).toEqual({ kind: 'exited', status: 7 });
    expect(terminal.text()).toContain('caught');
  });
});

describe('an instance that is stopped underneath', () => {
  it('ends the command at once', async () => {
    const stdout = new PassThrough();
    const running = await exec(['sh', '-c', 'echo runs; exec sleep 600'], { stdout });
    await once(stdout, 'data');
    value(await platform.stopInstance(instance, { force: true, limitMs: 60_000 }));
    expect(value(await running.ended)).toMatchObject({ kind: 'exited', status: 137 });
    value(await platform.startInstance(instance, { limitMs: 60_000 }));
  });
});

const openTerminal = async (command: readonly string[]) => {
  const keys = new PassThrough();
  let text = '';
  const stdout = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  const more = { terminal: { columns: 91, rows: 33 }, environment: { TERM: 'xterm' } };
  const running = await exec(command, { stdin: keys, stdout }, more);
  const message = async (wanted: string): Promise<void> => {
    for (let tries = 0; !text.includes(wanted); tries += 1) {
      if (tries > 500) throw new Error(`"${wanted}" did not come; the terminal shows ${JSON.stringify(text)}`);
      await delay(20);
    }
  };
  return { keys, running, message, text: () => text };
};

/** Counts and sums what is written to it; with `pauseMs`, slowly. */
const hashing = (pauseMs = 0) => {
  const hash = createHash('sha256');
  let bytes = 0;
  let chunks = 0;
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      bytes += chunk.length;
      chunks += 1;
      if (pauseMs > 0 && chunks % 8 === 0) setTimeout(done, pauseMs);
      else done();
    },
  });
  const end = async (): Promise<void> => {
    sink.end();
    await finished(sink);
  };
  return { sink, end, bytes: () => bytes, hex: () => hash.digest('hex') };
};

const zeros = (size: number): string => {
  const hash = createHash('sha256');
  const block = Buffer.alloc(1_000_000);
  for (let written = 0; written < size; written += block.length) hash.update(block);
  return hash.digest('hex');
};

const watchMemory = () => {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
  return {
    grownBy: (): number => {
      clearInterval(timer);
      return most - before;
    },
  };
};
