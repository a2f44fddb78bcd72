import { once } from 'node:events';
import { Writable } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { createOutputTap } from '../../../src/run/command/output-tap.ts';

/** A destination that takes a chunk when it is told to. */
const slowDestination = () => {
  const taken: Buffer[] = [];
  const waiting: (() => void)[] = [];
  const stream = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _encoding, done) => {
      waiting.push(() => {
        taken.push(chunk);
        done();
      });
    },
  });
  return { stream, taken, takeOne: () => waiting.shift()?.() };
};

const collector = () => {
  const taken: Buffer[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      taken.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(taken).toString() };
};

const ended = async (stream: Writable): Promise<void> => {
  stream.end();
  await once(stream, 'finish');
};

test('every byte passes, and each chunk is shown', async () => {
  const destination = collector();
  const shown: string[] = [];
  const stream = createOutputTap(() => 0).through(destination.stream, (chunk) => void shown.push(chunk.toString()));
  stream.write('one ');
  stream.write('two');
  await ended(stream);
  expect(destination.text()).toBe('one two');
  expect(shown).toEqual(['one ', 'two']);
});

test('the command is as slow as the reader: no chunk is taken before the last one was', async () => {
  const destination = slowDestination();
  const stream = createOutputTap(() => 0).through(destination.stream);
  const passed: string[] = [];
  stream.write('a', () => passed.push('a'));
  stream.write('b', () => passed.push('b'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(passed).toEqual([]);
  destination.takeOne();
  await new Promise((resolve) => setImmediate(resolve));
  expect(passed).toEqual(['a']);
  destination.takeOne();
  await ended(stream);
  expect(Buffer.concat(destination.taken).toString()).toBe('ab');
});

test('a reader that goes away does not stop the command: the rest is dropped, and still counts', async () => {
  const gone = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  });
  const tap = createOutputTap(() => 0);
  const stream = tap.through(gone);
  for (const text of ['one ', 'two ', 'three']) stream.write(text);
  await ended(stream);
  expect(tap.tail()).toBe('one two three');
});

test('the tail is the end of both streams, and no more than 64 KiB', async () => {
  const tap = createOutputTap(() => 0);
  const stdout = tap.through(collector().stream);
  const stderr = tap.through(collector().stream);
  stdout.write('x'.repeat(50_000));
  stderr.write('y'.repeat(50_000));
  stdout.write('end');
  await Promise.all([ended(stdout), ended(stderr)]);
  expect(tap.tail()).toHaveLength(65_536);
  expect(tap.tail()).toMatch(/^x+y{50000}end$/);
});

test('one chunk that is larger than the tail is cut as well', async () => {
  const tap = createOutputTap(() => 0);
  const stream = tap.through(collector().stream);
  stream.write(`${'x'.repeat(200_000)}end`);
  await ended(stream);
  expect(tap.tail()).toHaveLength(65_536);
  expect(tap.tail().endsWith('xend')).toBe(true);
});

test('silence is counted from the beginning, then from the last byte of either stream', async () => {
  let now = 5;
  const tap = createOutputTap(() => now);
  expect(tap.lastOutputAt()).toBe(5);
  const stderr = tap.through(collector().stream);
  now = 9;
  stderr.write('x');
  await ended(stderr);
  now = 20;
  expect(tap.lastOutputAt()).toBe(9);
});

test('its end waits for a slow reader: what was still queued is in the tail', async () => {
  const destination = slowDestination();
  const tap = createOutputTap(() => 0);
  const stream = tap.through(destination.stream);
  for (const text of ['one ', 'two ', 'three']) stream.write(text);
  let over = false;
  const end = tap.end().then(() => (over = true));
  expect(tap.tail()).toBe('one ');
  expect(over).toBe(false);
  await vi.waitFor(() => {
    destination.takeOne();
    expect(destination.taken).toHaveLength(3);
  });
  await end;
  expect(tap.tail()).toBe('one two three');
});
