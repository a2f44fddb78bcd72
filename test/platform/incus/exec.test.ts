import { Readable, Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemClock } from '../../../src/clock.ts';
import { incusPlatform } from '../../../src/platform/incus/incus.ts';
import { boundedText } from '../../../src/platform/bounded-text.ts';
import { closeIncus, openIncus, type Incus } from '../../../src/platform/incus/http/client.ts';
import { startExec } from '../../../src/platform/incus/exec/exec.ts';
import type { ExecRequest, ExecStreams } from '../../../src/platform/platform.ts';
import { failure, value } from '../conformance.ts';
import { startFakeIncus, type FakeIncus } from './fake-server.ts';
import { manualClock } from './manual-clock.ts';

let fake: FakeIncus;
let incus: Incus;

beforeEach(async () => {
  fake = await startFakeIncus();
  incus = openIncus({ socket: fake.socket, project: 'default', clock: systemClock });
});
afterEach(async () => {
  closeIncus(incus);
  await fake.close();
});

const request = (...command: string[]): ExecRequest => ({ command, environment: {}, terminal: null });
const silent = (): ExecStreams => ({ stdin: null, stdout: boundedText(100).sink, stderr: boundedText(100).sink });
const posts = (): number => fake.requests.filter(({ method }) => method === 'POST').length;

describe('what is sent', () => {
  it('is the argument vector, the environment and the rest, untouched', async () => {
    const command = ['printf', '%s|', 'two words', '', '"\'$HOME`', 'ü\nline', '--', '*'];
    const stdout = boundedText(1000);
    const wanted = { command, environment: { A: 'b c' }, user: 7, group: 8, cwd: '/root', terminal: null };
    const exec = value(await startExec(incus, 'c1', wanted, { ...silent(), stdout: stdout.sink }));
    expect(value(await exec.ended)).toEqual({ kind: 'exited', status: 0 });
    expect(stdout.text()).toBe('two words||"\'$HOME`|ü\nline|--|*|');
    expect(JSON.parse(fake.requests[0]?.body.toString() ?? '')).toEqual({
      command,
      environment: { A: 'b c' },
      user: 7,
      group: 8,
      cwd: '/root',
      'wait-for-websocket': true,
      interactive: false,
    });
  });

  it('has the size of the terminal', async () => {
    await startExec(incus, 'c1', { ...request('true'), terminal: { columns: 91, rows: 33 } }, silent());
    const body: unknown = JSON.parse(fake.requests[0]?.body.toString() ?? '');
    expect(body).toMatchObject({ interactive: true, width: 91, height: 33 });
  });

  it('asks for the end before it opens the sockets', async () => {
    const seen: string[] = [];
    const watched = openIncus({
      socket: fake.socket,
      project: 'default',
      clock: systemClock,
      onRequest: ({ path }) => seen.push(path.replace(/.*\/(\w+)\?.*/, '$1')),
    });
    const exec = value(await startExec(watched, 'c1', request('true'), silent()));
    await exec.ended;
    expect(seen).toEqual(['exec', 'wait', 'websocket', 'websocket', 'websocket', 'websocket']);
    closeIncus(watched);
  });
});

describe('output', () => {
  it('waits for a slow reader, and none of it is lost or kept in memory', async () => {
    let waiting: (() => void) | null = null;
    let bytes = 0;
    const stdout = new Writable({
      highWaterMark: 1,
      write: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.length;
        waiting = done;
      },
    });
    const size = 30_000_000;
    const exec = value(
      await startExec(incus, 'c1', request('head', '-c', String(size), '/dev/zero'), { ...silent(), stdout }),
    );
    let most = 0;
    const read = async (): Promise<void> => {
      for (;;) {
        await turn();
        most = Math.max(most, stdout.writableLength);
        const done = waiting;
        waiting = null;
        done?.();
        // Also the last write wants its answer: it may have begun only just now.
        if (bytes === size && waiting === null) return;
      }
    };
    await read();
    expect(value(await exec.ended)).toEqual({ kind: 'exited', status: 0 });
    expect(bytes).toBe(size);
    // What one read of the socket holds, and no more, piles up.
    expect(most).toBeLessThan(1_000_000);
  });

  it('is read and dropped when its reader has gone, so that the command can end', async () => {
    const stdout = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
    stdout.on('error', () => {});
    const command = request('sh', '-c', 'head -c 3000000 /dev/zero; echo done >&2');
    const stderr = boundedText(100);
    const exec = value(await startExec(incus, 'c1', command, { stdin: null, stdout, stderr: stderr.sink }));
    expect(value(await exec.ended)).toEqual({ kind: 'exited', status: 0 });
    expect(stderr.text()).toBe('done\n');
  });
});

describe('input', () => {
  it('arrives whole, and its end with it', async () => {
    const stdout = boundedText(100);
    const part = Buffer.alloc(100_000, 'x');
    const stdin = Readable.from(Array.from({ length: 100 }, () => part));
    const exec = value(await startExec(incus, 'c1', request('wc', '-c'), { ...silent(), stdin, stdout: stdout.sink }));
    await exec.ended;
    expect(stdout.text().trim()).toBe('10000000');
  });

  it('is empty where there is none', async () => {
    const exec = value(await startExec(incus, 'c1', request('cat'), silent()));
    expect(value(await exec.ended)).toEqual({ kind: 'exited', status: 0 });
  });

  it('is let go of at the end, not closed, and not read further', async () => {
    const stdin = new Readable({ read: () => {} });
    const exec = value(await startExec(incus, 'c1', request('true'), { ...silent(), stdin }));
    await exec.ended;
    expect(stdin.destroyed).toBe(false);
    expect(stdin.isPaused()).toBe(true);
    expect(stdin.listenerCount('data') + stdin.listenerCount('end')).toBe(0);
  });
});

describe('connections', () => {
  it('that come too late start the command again, because it was never started', async () => {
    fake.delaySockets(60, 1);
    const exec = value(await startExec(incus, 'c1', request('true'), silent()));
    expect(value(await exec.ended)).toEqual({ kind: 'exited', status: 0 });
    expect(posts()).toBe(2);
  });

  it('that come too late again are a failure', async () => {
    fake.delaySockets(60, 9);
    const late = failure(await startExec(incus, 'c1', request('true'), silent()));
    expect(late.detail).toContain('Timed out waiting for websockets');
    expect(posts()).toBe(2);
  });

  it('that break without an end of the output are told', async () => {
    const stdin = new Readable({ read: () => {} });
    const exec = value(await startExec(incus, 'c1', request('cat'), { ...silent(), stdin }));
    fake.execs()[0]?.breakSockets();
    expect(value(await exec.ended)).toEqual({ kind: 'exited', status: 137, outputLost: true });
  });

  it('that break with the daemon leave the end of the command unknown, and start nothing again', async () => {
    const stdin = new Readable({ read: () => {} });
    const exec = value(await startExec(incus, 'c1', request('cat'), { ...silent(), stdin }));
    fake.restart();
    const lost = failure(await exec.ended);
    expect(lost).toMatchObject({ kind: 'connection-lost', operation: exec.operation });
    expect(posts()).toBe(1);
  });

  it('for the wait alone may break: the end is asked for again', async () => {
    const stdin = new Readable({ read: () => {} });
    const exec = value(await startExec(incus, 'c1', request('cat'), { ...silent(), stdin }));
    fake.breakWaits();
    stdin.push(null);
    expect(value(await exec.ended)).toEqual({ kind: 'exited', status: 0 });
  });
});

describe('a question', () => {
  it('has bounded answers', async () => {
    const command = ['sh', '-c', 'head -c 1000000 /dev/zero | tr "\\0" x; echo short >&2'];
    const answer = value(await incusPlatform(incus).query('c1', { command, limitMs: 10_000, maxBytes: 10 }));
    expect(answer).toEqual({ status: 0, stdout: 'xxxxxxxxxx', stderr: 'short\n'.slice(0, 10), truncated: true });
  });

  it('has a limit, and what was started is killed', async () => {
    const clock = manualClock();
    const limited = openIncus({ socket: fake.socket, project: 'default', clock });
    const pending = incusPlatform(limited).query('c1', { command: ['sleep', '600'], limitMs: 7_000, maxBytes: 10 });
    await fake.execStarted();
    clock.advance(7_000);
    const late = failure(await pending);
    expect(late).toMatchObject({ kind: 'timed-out', detail: 'no answer within 7 s; it was killed.' });
    expect(fake.execs()[0]?.operation.metadata['return']).toBe(137);
    closeIncus(limited);
  });

  it('has a limit while the server does not even take it', async () => {
    const clock = manualClock();
    const limited = openIncus({ socket: fake.socket, project: 'default', clock });
    fake.fault(() => true);
    const pending = incusPlatform(limited).query('c1', { command: ['true'], limitMs: 7_000, maxBytes: 10 });
    await clock.sleeping(7_000);
    clock.advance(7_000);
    await clock.sleeping(2_000);
    clock.advance(2_000);
    const late = failure(await pending);
    expect(late.detail).toBe('no answer within 7 s; that it was killed could not be confirmed.');
    closeIncus(limited);
  });

  it('can be given up', async () => {
    const giveUp = new AbortController();
    const question = { command: ['sleep', '600'], limitMs: 60_000, maxBytes: 10, signal: giveUp.signal };
    const pending = incusPlatform(incus).query('c1', question);
    await fake.execStarted();
    giveUp.abort();
    expect(failure(await pending)).toMatchObject({ kind: 'timed-out', detail: 'it was cancelled; it was killed.' });
  });
});
