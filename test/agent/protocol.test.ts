import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMessageAssembler } from '../../src/agent/message-assembler.ts';
import { createLineSplitter } from '../../src/agent/line-splitter.ts';
import { longestLine, readMessage, writeReply, type Reply } from '../../src/agent/protocol.ts';

describe('a line', () => {
  test.each([
    ['1 7 ping', { id: '7', kind: 'ping' }],
    ['1 7 pre apt 4711', { id: '7', kind: 'pre', manager: 'apt', pid: 4711 }],
    ['1 7 command apt-get install  -y hello', { id: '7', kind: 'command', text: 'apt-get install  -y hello' }],
    [
      '1 7 package libc6:i386 - 2.36',
      { id: '7', kind: 'package', change: { name: 'libc6:i386', from: null, to: '2.36' } },
    ],
    ['1 7 more 12', { id: '7', kind: 'more', count: 12 }],
    ['1 7 ask', { id: '7', kind: 'ask' }],
    ['1 7 post apt 4711 -', { id: '7', kind: 'post', manager: 'apt', pid: 4711, status: null }],
    ['1 7 post apt 4711 100', { id: '7', kind: 'post', manager: 'apt', pid: 4711, status: 100 }],
  ])('%s', (line, message) => {
    expect(readMessage(line)).toEqual(message);
  });

  test.each([
    '',
    'ping',
    '2 7 ping',
    '1 x ping',
    '1 12345678901 ping',
    '1 7 ping now',
    '1 7 PING',
    '1 7 pre apt',
    '1 7 pre apt 0',
    '1 7 pre apt -1',
    '1 7 pre ../../etc 5',
    '1 7 pre apt 5 6',
    '1 7 package hello 1',
    '1 7 more many',
    '1 7 post apt 5 ok',
    '1 7 constructor',
    ' 1 7 ping',
  ])('is nothing where it is not exactly a message: "%s"', (line) => {
    expect(readMessage(line)).toBeNull();
  });

  test('carries no control character into the log', () => {
    const message = readMessage('1 7 command \u001b[2Jrm\u202e');
    expect(message).toMatchObject({ text: '\\x1b[2Jrm\\u202e' });
  });

  test('is read whatever it is, and what is read is safe to show', () => {
    const word = fc.oneof(
      fc.constantFrom('1', '7', 'pre', 'package', 'command', 'post', 'apt', '-'),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (words) => {
        const message = readMessage(words.join(' '));
        // oxlint-disable-next-line no-control-regex -- nothing that a terminal would obey
        expect(JSON.stringify(message)).not.toMatch(/\\u00[01]|[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('bytes become lines', () => {
  test('however they are cut, and what is too long costs its own line only', () => {
    const part = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.integer({ min: 0, max: 2000 }).map((length) => 'x'.repeat(length)),
    );
    const lines = fc.array(
      part.map((text) => text.replaceAll('\n', ' ')),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(lines, fc.array(fc.nat(3000), { maxLength: 20 }), (wanted, cuts) => {
        const bytes = Buffer.from(wanted.map((line) => `${line}\n`).join(''));
        const serverProjects = [...cuts.map((cut) => cut % (bytes.length + 1)), 0, bytes.length].toSorted(
          (a, b) => a - b,
        );
        const cutter = createLineSplitter(longestLine);
        const got = serverProjects
          .slice(1)
          .flatMap((end, index) => cutter.feed(bytes.subarray(serverProjects[index], end)));
        const fitting = wanted.filter((line) => Buffer.byteLength(line) + 1 <= longestLine);
        expect(got).toEqual(fitting.map((line) => Buffer.from(line).toString('utf8')));
        expect(cutter.dropped()).toBe(wanted.length - fitting.length);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('messages become a request', () => {
  const say = (conversations: ReturnType<typeof createMessageAssembler>, ...lines: string[]) =>
    lines.flatMap((line) => {
      const message = readMessage(line);
      const assembled = message === null ? null : conversations.add(message);
      return assembled === null ? [] : [assembled];
    });

  test('of several clients at the same time', () => {
    const assembled = say(
      createMessageAssembler(),
      '1 1 pre apt 10',
      '1 2 pre pacman 20',
      '1 1 command apt upgrade',
      '1 2 package hello 1 2',
      '1 1 ask',
      '1 2 more 3',
      '1 2 ask',
    );
    expect(assembled).toMatchObject([
      { id: '1', announcement: { manager: 'apt', pid: 10, command: 'apt upgrade', packages: [] } },
      { id: '2', announcement: { manager: 'pacman', pid: 20, packages: [{ name: 'hello' }], more: 3 } },
    ]);
  });

  test('lines without a beginning, and garbage in between, change nothing', () => {
    const conversations = createMessageAssembler();
    expect(say(conversations, '1 1 ask', '1 1 command x', '1 1 package a b c')).toEqual([]);
    expect(say(conversations, '1 1 pre apt 5', '\u0000\u0000', '9 9 9', '1 1 ask')).toHaveLength(1);
    expect(say(conversations, '1 1 ask')).toEqual([]);
  });

  test('of bounded size, from a bounded number of clients', () => {
    const conversations = createMessageAssembler();
    for (let id = 1; id <= 100; id += 1) say(conversations, `1 ${id} pre apt 5`);
    expect(say(conversations, '1 1 ask')).toEqual([]);
    for (let index = 0; index < 2000; index += 1) say(conversations, `1 100 package p${index} - 1`);
    const [assembled] = say(conversations, '1 100 ask');
    expect(assembled).toMatchObject({ announcement: { more: 1500 } });
  });
});

test('a reply is one line of bounded length, whatever the reason says', () => {
  const replies: Reply[] = [
    { kind: 'no', reason: `bad\nline\u001b[31m ${'x'.repeat(5000)}` },
    { kind: 'go-unguarded', reason: '' },
    { kind: 'go', run: 'r', restorePoint: 'guard-r', ms: 43.4 },
  ];
  for (const reply of replies) {
    // oxlint-disable-next-line no-control-regex -- one line
    expect(writeReply(reply)).not.toMatch(/[\u0000-\u001f]/);
    expect(writeReply(reply).length).toBeLessThan(longestLine);
  }
  expect(writeReply({ kind: 'go', run: 'r', restorePoint: 'guard-r', ms: 43.4 })).toBe('go r guard-r 43');
});
