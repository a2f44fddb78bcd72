import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:http';
import { createServer as createNetServer, type AddressInfo, type Server as NetServer } from 'node:net';
import { decode, encode } from 'dns-packet';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { compareFacts } from '../../src/health/compare.ts';
import type { Answer, Facts, Socket } from '../../src/health/facts.ts';
import { askServers } from '../../src/health/facts-answers.ts';
import { deciding, facts, owner, tcp } from './example-facts.ts';

const nginx = owner('nginx.service', 'nginx');
const servers: (Server | NetServer)[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const listening = async (server: Server | NetServer): Promise<number> => {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

const at = (...sockets: readonly Socket[]): Facts =>
  facts({
    sockets,
    network: {
      addresses: [{ family: 4, address: '127.0.0.1', prefix: 8, interface: 'eth0', dynamic: true }],
      defaultRoutes: [],
      nameservers: [],
    },
  });

const ask = (from: Facts): Promise<readonly Answer[] | null> => askServers(from, systemClock, undefined);

const http = (port: number, said: string | null): Answer => ({
  protocol: 'http',
  port: `tcp/${port}`,
  question: '/',
  said,
});

describe('asking web servers for their front page', () => {
  test('their status', async () => {
    const port = await listening(createServer((_request, response) => response.writeHead(502).end()));
    expect(await ask(at(tcp('0.0.0.0', port, nginx)))).toEqual([http(port, '502')]);
  });

  test('one that hangs up, or speaks something else', async () => {
    const mute = await listening(createNetServer((socket) => socket.destroy()));
    const other = await listening(createNetServer((socket) => socket.end('220 mail ready\r\n')));
    expect(await ask(at(tcp('0.0.0.0', mute, nginx), tcp('0.0.0.0', other, nginx)))).toEqual([
      http(mute, null),
      http(other, null),
    ]);
  });

  test('nobody else is asked: other servers, loopback, an instance without an address', async () => {
    let asked = 0;
    const port = await listening(createNetServer(() => (asked += 1)));
    expect(await ask(at(tcp('0.0.0.0', port, owner('mariadb.service', 'mariadbd'))))).toBeNull();
    expect(await ask(at(tcp('127.0.0.2', port, nginx)))).toBeNull();
    expect(await ask(facts({ sockets: [tcp('0.0.0.0', port, nginx)], network: null }))).toBeNull();
    expect(asked).toBe(0);
  });
});

describe('F36: it listens, and answers nothing but errors', () => {
  const answering = (status: number | null): Facts =>
    facts({ sockets: [tcp('0.0.0.0', 80, nginx)], answers: [http(80, status === null ? null : String(status))] });

  test.each<[number | null, number | null, 'required' | 'advisory' | null]>([
    [200, 502, 'required'],
    [200, null, 'required'],
    [301, 500, 'required'],
    [404, 503, 'required'],
    [200, 404, 'required'],
    [200, 403, 'required'],
    [200, 401, 'advisory'],
    [200, 301, null],
    [500, 502, null],
    [502, 502, null],
    [502, null, null],
    [null, 502, null],
    [404, 200, null],
  ])('%s, then %s: %s', (was, is, severity) => {
    const findings = compareFacts(answering(was), answering(is));
    expect(findings.map((finding) => finding.severity)).toEqual(severity === null ? [] : [severity]);
  });

  test('in a sentence', () => {
    expect(deciding(compareFacts(answering(200), answering(502)))).toEqual([
      'nginx.service answered http at tcp/80 with 200, now with 502',
    ]);
  });

  test('unknown on either side says nothing', () => {
    expect(compareFacts(answering(200), facts({ sockets: [tcp('0.0.0.0', 80, nginx)] }))).toEqual([]);
    expect(compareFacts(facts({ sockets: [tcp('0.0.0.0', 80, nginx)] }), answering(502))).toEqual([]);
  });
});

/** A name server at port 53 of a loopback address of its own, where this user may have one. */
const nameServer = (codes: Readonly<Record<string, number>>): Promise<(() => void) | null> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4', (bytes, from) => {
      const { id, questions = [] } = decode(bytes);
      const [question] = questions;
      const code = codes[question?.name ?? ''] ?? 5;
      const soa = { mname: 'ns', rname: 'admin', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 1 };
      const answers = code === 0 && question ? [{ type: 'SOA' as const, name: question.name, ttl: 1, data: soa }] : [];
      socket.send(encode({ type: 'response', id: id ?? 0, flags: code, questions, answers }), from.port, from.address);
    });
    socket.on('error', () => resolve(null));
    socket.bind(53, '127.53.0.1', () => resolve(() => socket.close()));
  });

describe('zones of a name server', () => {
  const named = owner('named.service', 'named');
  const zoned = (zones: readonly string[], answers: Facts['answers'] = null): Facts =>
    facts({
      sockets: [{ ...tcp('127.53.0.1', 53, named), protocol: 'udp' }],
      configuration: { signatures: {}, listenLines: {}, references: {}, zones },
      network: {
        addresses: [{ family: 4, address: '127.53.0.1', prefix: 8, interface: 'eth0', dynamic: true }],
        defaultRoutes: [],
        nameservers: [],
      },
      answers,
    });
  const dns = (question: string, said: string | null): Answer => ({ protocol: 'dns', port: 'udp/53', question, said });

  test('asked for their SOA record', async () => {
    const close = await nameServer({ 'example.org': 0, 'broken.example': 2 });
    if (close === null) return;
    expect(await ask(zoned(['example.org', 'broken.example', 'foreign.example']))).toEqual([
      dns('example.org', 'NOERROR'),
      dns('broken.example', 'SERVFAIL'),
      dns('foreign.example', 'REFUSED'),
    ]);
    close();
  });

  test.each<[string, Facts, string[]]>([
    ['answered as before', zoned(['a.example'], [dns('a.example', 'NOERROR')]), []],
    [
      'refused',
      zoned(['a.example'], [dns('a.example', 'SERVFAIL')]),
      ['named.service answered for the zone a.example, now with SERVFAIL'],
    ],
    [
      'silent',
      zoned(['a.example'], [dns('a.example', null)]),
      ['named.service answered for the zone a.example, now it does not answer'],
    ],
    [
      'no longer configured',
      zoned([]),
      ['named.service answered for the zone a.example, now no configuration names it'],
    ],
    ['nobody could be asked', zoned(['a.example']), []],
  ])('then %s', (_name, after, says) => {
    const before = zoned(['a.example', 'b.example'], [dns('a.example', 'NOERROR'), dns('b.example', 'SERVFAIL')]);
    expect(deciding(compareFacts(before, after))).toEqual(says);
  });
});
