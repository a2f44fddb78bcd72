import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { compareFacts } from '../../../src/health/compare.ts';
import type { Facts } from '../../../src/health/facts.ts';
import { rememberAnswers } from '../../../src/health/protocols/memory.ts';
import { askForRecipient } from '../../../src/health/protocols/recipient.ts';
import { deciding, facts, owner, tcp } from '../example-facts.ts';
import { listening } from '../listening.ts';

const postfix = owner('postfix.service', 'master');
const ask = async (port: number): Promise<string | null | undefined> => {
  const questions = { clock: systemClock, signal: undefined, remembering: rememberAnswers(systemClock) };
  const [answer] = await askForRecipient([tcp('0.0.0.0', port, postfix)], '127.0.0.1', questions, port);
  return answer?.said;
};

/** A mail server that says these lines, one set for each line that it hears; everything that it heard. */
const mailServer = async (...lines: readonly string[]): Promise<{ port: number; heard: () => string }> => {
  let heard = '';
  const port = await listening((connection) => {
    let turn = 1;
    connection.write(lines[0] ?? '');
    connection.on('data', (part) => {
      heard += String(part);
      const next = lines[turn];
      turn += 1;
      if (next === undefined) connection.end();
      else connection.write(next);
    });
  });
  return { port, heard: () => heard };
};

const greeting = '220-mail\r\n220 ready\r\n';
const capabilities = '250-mail.example\r\n250-SIZE 100\r\n250 HELP\r\n';

describe('asking a mail server for its postmaster', () => {
  test('as far as the message, and no further', async () => {
    const { port, heard } = await mailServer(greeting, capabilities, '250 ok\r\n', '250 ok\r\n');
    expect(await ask(port)).toBe('250');
    await expect.poll(heard).toBe('EHLO [127.0.0.1]\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster@mail.example>\r\nQUIT\r\n');
  });

  test('one that does not say its name', async () => {
    const { port, heard } = await mailServer(greeting, '250 <you>\r\n', '250 ok\r\n', '250 ok\r\n');
    expect(await ask(port)).toBe('250');
    expect(heard()).toContain('RCPT TO:<postmaster>\r\n');
  });

  test.each<[string, readonly string[], string | null]>([
    ['turns its callers away', ['554 no service\r\n'], '554'],
    ['turns the recipient away', [greeting, capabilities, '250 ok\r\n', '451 4.3.0 lookup failure\r\n'], '451'],
    ['wants a name first', [greeting, capabilities, '530 authentication required\r\n'], '530'],
    ['hangs up in the middle', [greeting, capabilities], null],
    ['speaks something else', ['* OK ready\r\n'], null],
  ])('one that %s', async (_name, lines, said) => {
    const { port } = await mailServer(...lines);
    expect(await ask(port)).toBe(said);
  });
});

test('whoever turned guard away is left in peace for a while', async () => {
  const { port, heard } = await mailServer(greeting, capabilities, '550 no\r\n');
  let now = 0;
  const clock = { ...systemClock, monotonic: () => now };
  const questions = { clock: systemClock, signal: undefined, remembering: rememberAnswers(clock) };
  const again = (): Promise<readonly unknown[]> =>
    askForRecipient([tcp('0.0.0.0', port, postfix)], '127.0.0.1', questions, port);
  const calls = (): number => heard().split('EHLO').length - 1;
  await again();
  now = 19_000;
  await again();
  expect(calls()).toBe(1);
  now = 20_001;
  await again();
  expect(calls()).toBe(2);
});

describe('F36: a mail server that greets, and takes no messages', () => {
  const saying = (said: string | null): Facts =>
    facts({
      sockets: [tcp('0.0.0.0', 25, postfix)],
      answers: [{ protocol: 'mail', port: 'tcp/25', question: 'postmaster', said }],
    });
  const sentence = 'postfix.service at tcp/25 would have accepted a message for its postmaster ("250"), now';

  test.each<[string | null, string | null, string[]]>([
    ['250', '250', []],
    ['250', '251', []],
    ['250', '451', [`${sentence} it says "451"`]],
    ['250', '550', [`${sentence} it says "550"`]],
    ['250', null, [`${sentence} it does not answer`]],
    ['250', '450', []],
    ['550', '451', []],
    ['530', null, []],
    [null, '451', []],
  ])('%s, then %s', (was, is, message) => {
    const findings = compareFacts(saying(was), saying(is));
    expect(deciding(findings)).toEqual(message);
    expect(findings.every(({ transient }) => transient)).toBe(true);
  });
});
