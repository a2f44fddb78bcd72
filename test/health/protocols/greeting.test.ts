import { createServer, type AddressInfo, type Server, type Socket as Connection } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { compareFacts } from '../../../src/health/compare.ts';
import type { Answer, Facts } from '../../../src/health/facts.ts';
import { rememberAnswers } from '../../../src/health/protocols/memory.ts';
import { greetServers } from '../../../src/health/protocols/greeting.ts';
import { deciding, facts, owner, tcp } from '../example-facts.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server at the port of redis, which needs no privilege, at a loopback address of its own. */
const redisAt = async (address: string, serve: (connection: Connection) => void): Promise<void> => {
  const server = createServer((connection) => {
    connection.on('error', () => connection.destroy());
    serve(connection);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(6379, address, resolve));
  expect((server.address() as AddressInfo).port).toBe(6379);
};

const redis = owner('redis.service', 'redis-server');
const greet = (address: string, remembering = rememberAnswers(systemClock), port = 6379): Promise<readonly Answer[]> =>
  greetServers([tcp('0.0.0.0', port, redis)], address, { clock: systemClock, signal: undefined, remembering });
const greeting = (said: string | null): Answer => ({ protocol: 'greeting', port: 'tcp/6379', question: 'redis', said });

describe('a greeting', () => {
  test('says its word, hears the first one, and takes its leave', async () => {
    let heard = '';
    await redisAt('127.0.53.1', (connection) => {
      connection.on('data', (part) => (heard += part.toString()));
      connection.once('data', () => connection.write('+PONG\r\n'));
    });
    expect(await greet('127.0.53.1')).toEqual([greeting('+PONG')]);
    await expect.poll(() => heard).toBe('PING\r\nQUIT\r\n');
  });

  test.each<[string, (connection: Connection) => void, string | null]>([
    ['an error', (connection) => connection.end('-NOAUTH Authentication required.\r\n'), '-NOAUTH'],
    ['something else', (connection) => connection.end('HTTP/1.1 400 Bad Request\r\n'), null],
    ['nothing', (connection) => connection.destroy(), null],
    ['no end of it', (connection) => connection.write('x'.repeat(100_000)), null],
  ])('%s', async (_name, serve, said) => {
    await redisAt('127.0.53.2', serve);
    expect(await greet('127.0.53.2')).toEqual([greeting(said)]);
  });

  test('nobody there is no answer, and nobody who listens is not called', async () => {
    expect(await greet('127.0.53.3')).toEqual([greeting(null)]);
    expect(await greet('127.0.53.3', undefined, 5432)).toEqual([]);
  });

  test('does not call again at once whoever has answered', async () => {
    let calls = 0;
    let words = '+PONG\r\n';
    await redisAt('127.0.53.4', (connection) => {
      calls += 1;
      connection.end(words);
    });
    let later = 0;
    const remembering = rememberAnswers({ ...systemClock, monotonic: () => systemClock.monotonic() + later });
    const greetAgain = (): Promise<readonly Answer[]> => greet('127.0.53.4', remembering);
    expect(await greetAgain()).toEqual([greeting('+PONG')]);
    words = '';
    expect(await greetAgain()).toEqual([greeting('+PONG')]);
    expect(calls).toBe(1);
    later = 3000;
    expect(await greetAgain()).toEqual([greeting(null)]);
    // Nobody was troubled by what nobody answered.
    expect(await greetAgain()).toEqual([greeting(null)]);
    expect(calls).toBe(3);
    words = '-LOADING\r\n';
    expect(await greetAgain()).toEqual([greeting('-LOADING')]);
    expect(await greetAgain()).toEqual([greeting('-LOADING')]);
    expect(calls).toBe(4);
    later = 4000;
    words = '+PONG\r\n';
    expect(await greetAgain()).toEqual([greeting('+PONG')]);
  });
});

describe('F36: a server that takes calls, and does not greet as it did', () => {
  const greeting22 = (said: string | null): Facts =>
    facts({
      sockets: [tcp('0.0.0.0', 22, owner('ssh.service', 'sshd'))],
      answers: [{ protocol: 'greeting', port: 'tcp/22', question: 'ssh', said }],
    });

  test.each<[string | null, string | null, string[]]>([
    ['SSH-', 'SSH-', []],
    ['SSH-', null, ['ssh.service greeted clients at tcp/22 with "SSH-", now it does not answer']],
    ['SSH-', 'unreachable', ['ssh.service greeted clients at tcp/22 with "SSH-", now it cannot be reached']],
    ['220', '421', ['ssh.service greeted clients at tcp/22 with "220", now with "421"']],
    ['+PONG', '-DENIED', ['ssh.service greeted clients at tcp/22 with "+PONG", now with "-DENIED"']],
    ['-NOAUTH', '-DENIED', []],
    ['-NOAUTH', '+PONG', []],
    [null, '421', []],
    ['unreachable', null, []],
  ])('%s, then %s', (was, is, message) => {
    expect(deciding(compareFacts(greeting22(was), greeting22(is)))).toEqual(message);
  });
});
