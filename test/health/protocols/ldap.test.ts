import type { Socket as Connection } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { compareFacts } from '../../../src/health/compare.ts';
import type { Answer, Facts } from '../../../src/health/facts.ts';
import { rememberAnswers } from '../../../src/health/protocols/memory.ts';
import { askDirectory } from '../../../src/health/protocols/ldap.ts';
import { deciding, facts, owner, tcp } from '../example-facts.ts';
import { listening } from '../listening.ts';

const slapd = owner('slapd.service', 'slapd');
const ask = (port: number): Promise<Answer[]> =>
  askDirectory(
    [tcp('0.0.0.0', port, slapd)],
    '127.0.0.1',
    { clock: systemClock, signal: undefined, remembering: rememberAnswers(systemClock) },
    port,
  );

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

// What Debian 12's slapd said to these very questions: its directories, the uppermost entry, that there is none.
const said = {
  contexts: '302a020101642504003021301f040e6e616d696e67436f6e7465787473310d040b64633d6e6f646f6d61696e',
  success: '300c02010165070a010004000400',
  entry: '30120201016 40d040b64633d6e6f646f6d61696e3000'.replace(' ', ''),
  noSuchObject: '300c02010165070a012004000400',
  goodbye:
    '303802010078330a0102040004146465636f64696e67206174747273206572726f728a16312e332e362e312e342e312e313436362e3230303336',
};

/** Answers as slapd does, in pieces: the first question with `contexts`, any other with `entry`. */
const slapdSaying = (contexts: string, entry: string) => (connection: Connection) => {
  connection.once('data', (question: Buffer | string) => {
    const answer = hex(String(question).includes('namingContexts') ? contexts : entry);
    connection.write(answer.subarray(0, 7));
    setImmediate(() => connection.write(answer.subarray(7)));
  });
};

const answer = (question: string, what: string | null): Answer => ({
  protocol: 'ldap',
  port: 'tcp/389',
  question,
  said: what,
});
const answers = async (port: number): Promise<[string, string | null][]> =>
  (await ask(port)).map((one) => [one.question, one.said]);

describe('asking a directory server', () => {
  test('which directories it holds, and for the uppermost entry of each', async () => {
    const port = await listening(slapdSaying(said.contexts + said.success, said.entry + said.success));
    expect(await answers(port)).toEqual([
      ['', 'dc=nodomain'],
      ['dc=nodomain', 'success'],
    ]);
  });

  test('it takes its leave', async () => {
    let last = '';
    const port = await listening((connection) => {
      slapdSaying(said.success, said.success)(connection);
      connection.on('data', (part) => (last = String(part)));
    });
    expect(await answers(port)).toEqual([['', '']]);
    await expect.poll(() => Buffer.from(last, 'latin1').toString('hex')).toBe('30050201024200');
  });

  test('an entry that is not there', async () => {
    const port = await listening(slapdSaying(said.contexts + said.success, said.noSuchObject));
    expect(await answers(port)).toEqual([
      ['', 'dc=nodomain'],
      ['dc=nodomain', 'no such object'],
    ]);
  });

  test.each<[string, (connection: Connection) => void]>([
    ['hangs up', (connection) => connection.destroy()],
    ['speaks something else', (connection) => connection.end('220 mail ready\r\n')],
    ['ends the connection with a notice', (connection) => connection.end(hex(said.goodbye))],
    ['is cut off in the middle', (connection) => connection.end(hex(said.contexts))],
    ['never stops', (connection) => connection.write('0\u0084\u007f'.repeat(50_000), 'latin1')],
  ])('one that %s', async (_name, serve) => {
    expect(await answers(await listening(serve))).toEqual([['', null]]);
  });

  test('any bytes: an answer, and no other than there is', async () => {
    let bytes: Uint8Array = new Uint8Array();
    const port = await listening((connection) => connection.end(bytes));
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (any) => {
        bytes = any;
        expect((await answers(port))[0]?.[0]).toBe('');
      }),
      { numRuns: 50 },
    );
  });
});

describe('F36: a directory server that runs and listens, and has lost its directory', () => {
  const holding = (...all: readonly Answer[]): Facts => facts({ sockets: [tcp('0.0.0.0', 389, slapd)], answers: all });
  const before = holding(answer('', 'dc=a; dc=b'), answer('dc=a', 'success'), answer('dc=b', 'no such object'));

  test.each<[string, Facts, string[]]>([
    ['the same', before, []],
    ['one more', holding(answer('', 'dc=a; dc=b; dc=c'), answer('dc=a', 'success')), []],
    ['one less', holding(answer('', 'dc=b')), ['slapd.service had the directory dc=a, and no longer has it']],
    ['none', holding(answer('', '')), ['slapd.service had the directory dc=a and dc=b, and no longer has it']],
    ['silence', holding(answer('', null)), ['slapd.service listed its directories, now it does not answer']],
    [
      'an empty one',
      holding(answer('', 'dc=a; dc=b'), answer('dc=a', 'no such object')),
      ['slapd.service returned the entry dc=a, now with no such object'],
    ],
    [
      'one that is closed to everybody',
      holding(answer('', 'dc=a; dc=b'), answer('dc=a', 'insufficient access')),
      ['slapd.service returned the entry dc=a, now with insufficient access'],
    ],
  ])('%s', (_name, after, message) => {
    expect(deciding(compareFacts(before, after))).toEqual(message);
  });

  test('one that never told anybody is not blamed', () => {
    for (const silent of ['', null, 'unreachable', 'inappropriate authentication'])
      expect(deciding(compareFacts(holding(answer('', silent)), holding(answer('', null))))).toEqual([]);
  });
});
