import relayScript from '../guest/relay.sh?raw';
import { PassThrough, Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { Platform } from '../platform/platform.ts';
import { describeFailure } from '../platform/failure.ts';
import { err, ok, type Result } from '../result.ts';
import { neutralise } from '../text.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { createLineSplitter } from './line-splitter.ts';
import { longestLine } from './protocol.ts';

/** The connection to the clients of one instance: one command that stays open in the instance. */
export interface Relay {
  /** Sends a client one line. */
  readonly send: (id: string, line: string) => void;
  /** Closes it. What runs for it in the instance ends. */
  readonly close: () => Promise<void>;
  /** Resolves with the reason when the relay has ended. */
  readonly ended: Promise<string>;
}

/** How long the relay may take until it is ready, in milliseconds. */
const readyMs = 15_000;

/** How long it may take to clean up, in milliseconds. */
const closeMs = 2000;

/** The line that makes the relay check whether clients still find it. It ends if they do not. */
const pollLine = 'check';

/** The line that reports that the relay is ready. */
const readyLine = 'ready';

/** The maximum number of bytes waiting for an instance that does not read them. More end the relay. */
const mostWaiting = 64 * 1024;

/**
 * Opens the relay. `onLine` gets each line of a client. guard reads more slowly from an instance that exceeds its rate limit,
 * until its own pipe is full and its writers wait. This bounds memory and does not affect other instances.
 */
export async function openRelay(
  tools: { readonly platform: Platform; readonly clock: Clock },
  instance: string,
  onLine: (line: string) => void,
): Promise<Result<Relay, string>> {
  const { clock } = tools;
  const input = new PassThrough();
  const said: OutputTail = { text: '' };
  const gone = new AbortController();
  let signalReady = (): void => {};
  const ready = new Promise<null>((resolve) => (signalReady = () => resolve(null)));
  const onMessage = (line: string): void => (line === readyLine ? signalReady() : onLine(line));
  const starting = tools.platform.startExec(
    instance,
    { command: ['sh', '-c', relayScript], environment: relayEnvironment, user: 0, group: 0, cwd: '/', terminal: null },
    { stdin: input, stdout: listening(clock, gone.signal, onMessage), stderr: tailOf(said) },
  );
  const started = await Promise.race([starting, clock.sleep(readyMs)]);
  if (!started) {
    void starting.then((late) => late.ok && late.value.abandon());
    return err('the server could not start the relay');
  }
  if (!started.ok) return err(describeFailure(started.error));
  const exec = started.value;
  const ended = exec.ended.then((end) => {
    gone.abort();
    return end.ok
      ? tailText(said) || 'the connection to the instance ended, for example because the instance stopped'
      : describeFailure(end.error);
  });
  async function close(): Promise<void> {
    input.end();
    await Promise.race([ended, clock.sleep(closeMs)]);
    exec.abandon();
  }
  const silence = clock.sleep(readyMs, gone.signal).then(() => 'it does not answer');
  const first = await Promise.race([ready, ended, silence]);
  if (first !== null) {
    await close();
    return err(first);
  }
  function send(id: string, line: string): void {
    if (input.writableEnded) return;
    input.write(`${id} ${line}\n`);
    if (input.readableLength > mostWaiting) exec.abandon();
  }
  void keepPolling(clock, gone.signal, () => input.writableEnded || input.write(`${pollLine}\n`));
  return ok({ send, close, ended });
}

/** Milliseconds before the first self-checks of the relay; the last value repeats. */
const polls = [1000, 3000, 10_000, 30_000] as const;

async function keepPolling(clock: Clock, gone: AbortSignal, look: () => void): Promise<void> {
  for (let times = 0; !gone.aborted; times += 1) {
    await clock.sleep(polls[Math.min(times, polls.length - 1)] ?? 0, gone);
    if (!gone.aborted) look();
  }
}

/** Identifies the processes of a relay in the instance. */
const relayEnvironment = { GUARD_RELAY: '1', PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** The rate limit of an instance, in bytes. An announcement with 500 packages has about 30 kB. */
const allowance = { perSecond: 256 * 1024, most: 1024 * 1024 } as const;

/** The cost of each line in addition to its bytes, so that many short lines are limited too. */
const lineCost = 64;

function listening(clock: Clock, gone: AbortSignal, onLine: (line: string) => void): Writable {
  const cutter = createLineSplitter(longestLine);
  const budget = createRateLimiter(clock, allowance);
  async function take(chunk: Buffer, done: () => void): Promise<void> {
    const lines = cutter.feed(chunk);
    for (const line of lines) onLine(line);
    await budget.consume(chunk.length + lines.length * lineCost, gone);
    done();
  }
  return new Writable({
    highWaterMark: 64 * 1024,
    decodeStrings: false,
    write: (chunk: Buffer, _encoding, done) => void take(chunk, done),
  });
}

interface OutputTail {
  text: string;
}

/** Error output of the shell. Only its end is used, and always escaped. */
function tailOf(said: OutputTail): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      said.text = `${said.text}${chunk.toString('utf8')}`.slice(-400);
      done();
    },
  });
}

function tailText({ text }: OutputTail): string {
  return neutralise(text.trim(), 300);
}
