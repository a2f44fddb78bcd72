import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:http';
import { createServer as createNetServer, type AddressInfo, type Server as NetServer } from 'node:net';
import { decode, encode } from 'dns-packet';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { compareFacts } from '../../../src/health/compare.ts';
import type { Answer, Facts, Socket } from '../../../src/health/facts.ts';
import { askServers } from '../../../src/health/protocols/ask-servers.ts';
import { rememberAnswers } from '../../../src/health/protocols/memory.ts';
import { deciding, facts, owner, tcp } from '../example-facts.ts';

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

  test('for the programs among its pages as well', async () => {
    const port = await listening(
      createServer((request, response) => response.writeHead(request.url === '/' ? 200 : 500).end()),
    );
    expect(await ask({ ...at(tcp('0.0.0.0', port, nginx)), pages: ['/index.php'] })).toEqual([
      http(port, '200'),
      { ...http(port, '500'), question: '/index.php' },
    ]);
  });

  test('of a site by its name', () => {
    const site = (said: string): Facts =>
      facts({
        sockets: [tcp('0.0.0.0', 80, nginx)],
        answers: [http(80, '200'), { ...http(80, said), question: '//shop.example/' }],
      });
    expect(deciding(compareFacts(site('200'), site('502')))).toEqual([
      'nginx.service answered http at tcp/80 for //shop.example/ with 200, now with 502',
    ]);
  });

  test('a site that has pages of its own and falls back to those of the default site', () => {
    const at80 = (front: string, site: string): Facts =>
      facts({
        sockets: [tcp('0.0.0.0', 80, nginx)],
        answers: [http(80, `200 (${front})`), { ...http(80, `200 (${site})`), question: '//shop.example/' }],
      });
    expect(deciding(compareFacts(at80('aaaaaaaa', 'bbbbbbbb'), at80('aaaaaaaa', 'aaaaaaaa')))).toEqual([
      'nginx.service had separate pages for shop.example at tcp/80, now it answers with the page of the default site',
    ]);
    expect(deciding(compareFacts(at80('aaaaaaaa', 'bbbbbbbb'), at80('cccccccc', 'dddddddd')))).toEqual([]);
    expect(deciding(compareFacts(at80('aaaaaaaa', 'aaaaaaaa'), at80('cccccccc', 'cccccccc')))).toEqual([]);
  });

  test('one that hangs up, or speaks something else', async () => {
    const mute = await listening(createNetServer((socket) => socket.destroy()));
    const other = await listening(createNetServer((socket) => socket.end('220 mail ready\r\n')));
    expect(await ask(at(tcp('0.0.0.0', mute, nginx), tcp('0.0.0.0', other, nginx)))).toEqual([
      http(mute, null),
      http(other, null),
    ]);
  });

  test('the source of a program in place of the page', async () => {
    const port = await listening(createServer((_request, response) => response.end('\n<?php echo "hello";')));
    const page = await listening(createServer((_request, response) => response.end('<html><?xml or so')));
    expect(await ask(at(tcp('0.0.0.0', port, nginx), tcp('0.0.0.0', page, nginx)))).toEqual([
      http(port, '200 and the source of its program'),
      http(page, '200'),
    ]);
  });

  test('a status without a page, and one whose page does not end', async () => {
    const port = await listening(createServer((_request, response) => response.writeHead(204).end()));
    const endless = await listening(createServer((_request, response) => void response.writeHead(200).write(' ')));
    expect(await ask(at(tcp('0.0.0.0', port, nginx), tcp('0.0.0.0', endless, nginx)))).toEqual([
      http(port, '204'),
      http(endless, '200'),
    ]);
  });

  test('follows redirects to the instance itself, and none that lead elsewhere', async () => {
    const target = await listening(createServer((_request, response) => void response.writeHead(200).end()));
    const to = (location: string): Promise<number> =>
      listening(createServer((_request, response) => void response.writeHead(301, { location }).end()));
    const ports = [
      await to(`http://127.0.0.1:${target}/shop`),
      await to('https://127.0.0.1:1/'),
      await to('https://www.example.org/'),
    ];
    expect(await ask(at(...ports.map((port) => tcp('0.0.0.0', port, nginx))))).toEqual([
      http(ports[0] ?? 0, '301 > 200'),
      http(ports[1] ?? 0, '301 > nobody'),
      http(ports[2] ?? 0, '301'),
    ]);
  });

  test('what an unknown port speaks is found out, and asked for again', async () => {
    const own = owner('app.service', 'app');
    const ports = [
      await listening(createNetServer((caller) => void caller.end('220 hello\r\n'))),
      await listening(createServer((_request, response) => void response.writeHead(404).end())),
      await listening(
        createNetServer((caller) => caller.on('data', () => caller.end('ERR unknown\n')).on('error', () => {})),
      ),
      await listening(createNetServer((caller) => caller.on('error', () => {}))),
    ];
    const socketsOf = at(...ports.map((port) => tcp('0.0.0.0', port, own)));
    const learnt = await ask(socketsOf);
    expect(learnt?.map(({ question, said }) => `${question}: ${said}`)).toEqual([
      'banner: 220',
      'http: 404',
      'request: ERR',
      'connect: open',
    ]);
    const again = await askServers(socketsOf, systemClock, undefined, rememberAnswers(systemClock), learnt);
    expect(again).toEqual(learnt);
  }, 20_000);

  test('nobody else is asked: devices that suffer from questions, loopback, an instance without an address', async () => {
    let asked = 0;
    const port = await listening(createNetServer(() => (asked += 1)));
    expect(await ask(at(tcp('0.0.0.0', 9100, owner('printer.service', 'printer'))))).toBeNull();
    expect(await ask(at(tcp('127.0.0.2', port, nginx)))).toBeNull();
    expect(await ask(facts({ sockets: [tcp('0.0.0.0', port, nginx)], network: null }))).toBeNull();
    expect(asked).toBe(0);
  });
});

describe('F36: it listens, and answers nothing but errors', () => {
  const answering = (status: number | string | null): Facts =>
    facts({ sockets: [tcp('0.0.0.0', 80, nginx)], answers: [http(80, status === null ? null : String(status))] });

  test.each<[number | string | null, number | string | null, 'required' | 'advisory' | null]>([
    [200, 502, 'required'],
    [200, null, 'required'],
    [301, 500, 'required'],
    [404, 503, 'required'],
    [200, 404, 'required'],
    [200, 403, 'required'],
    [200, 401, 'required'],
    [200, '301 > nobody', 'required'],
    [200, '301 > 502', 'required'],
    [200, '301 > 200', null],
    ['302 > 200', '302 > 302', null],
    ['301 > nobody', '301 > nobody', null],
    [200, 301, null],
    [500, 502, null],
    [502, 502, null],
    [502, null, null],
    [200, 'unreachable', 'required'],
    ['unreachable', 502, null],
    [200, '200 and the source of its program', 'required'],
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

  test('of a program among the pages, where the first page needs none', () => {
    const pages = (said: string): Facts =>
      facts({
        sockets: [tcp('0.0.0.0', 80, nginx)],
        answers: [http(80, '200'), { ...http(80, said), question: '/index.php' }],
      });
    expect(deciding(compareFacts(pages('200'), pages('200 and the source of its program')))).toEqual([
      'nginx.service answered http at tcp/80 for /index.php with 200, now with 200 and the source of its program',
    ]);
    expect(compareFacts(pages('200'), answering(200))).toEqual([]);
    expect(compareFacts(pages('404'), pages('502'))).toHaveLength(1);
  });

  test('unknown on either side says nothing', () => {
    expect(compareFacts(answering(200), facts({ sockets: [tcp('0.0.0.0', 80, nginx)] }))).toEqual([]);
    expect(compareFacts(facts({ sockets: [tcp('0.0.0.0', 80, nginx)] }), answering(502))).toEqual([]);
  });
});

describe('F36: a proxy that listens, and lets nobody in', () => {
  const squid = owner('squid.service', 'squid');
  const pages = ['http://127.0.0.1/', 'http://guard.invalid/'];

  test('is asked for pages that lead nowhere else', async () => {
    const port = await listening(
      createServer((request, response) => response.writeHead(request.url === pages[0] ? 200 : 503).end()),
    );
    expect(await ask(at(tcp('0.0.0.0', port, squid)))).toEqual(
      pages.map((question, index) => ({ ...http(port, index === 0 ? '200' : '503'), question })),
    );
  });

  test.each<[string, string | null, string[]]>([
    ['200', '200', []],
    ['200', '503', []],
    ['403', '403', []],
    ['403', '200', []],
    ['200', '403', ['squid.service at tcp/3128 answered a request for http://127.0.0.1/ with 200, now with 403']],
    ['503', '407', ['squid.service at tcp/3128 answered a request for http://127.0.0.1/ with 503, now with 407']],
    [
      '200',
      null,
      ['squid.service at tcp/3128 answered a request for http://127.0.0.1/ with 200, now it does not answer'],
    ],
  ])('%s, then %s', (was, is, message) => {
    const answering = (said: string | null): Facts =>
      facts({
        sockets: [tcp('0.0.0.0', 3128, squid)],
        answers: [{ ...http(3128, said), question: 'http://127.0.0.1/' }],
      });
    expect(deciding(compareFacts(answering(was), answering(is)))).toEqual(message);
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
      dns('localhost', 'REFUSED'),
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
  ])('then %s', (_name, after, message) => {
    const before = zoned(['a.example', 'b.example'], [dns('a.example', 'NOERROR'), dns('b.example', 'SERVFAIL')]);
    expect(deciding(compareFacts(before, after))).toEqual(message);
  });
});

describe('names that a resolver knows by itself', () => {
  const unbound = owner('unbound.service', 'unbound');
  const resolving = (said: Readonly<Record<string, string | null>>, names: readonly string[] = []): Facts =>
    facts({
      sockets: [{ ...tcp('0.0.0.0', 53, unbound), protocol: 'udp' }],
      configuration: { signatures: {}, listenLines: {}, references: {}, zones: [], names },
      answers: Object.entries(said).map(([question, code]) => ({
        protocol: 'dns',
        port: 'udp/53',
        question,
        said: code,
      })),
    });

  test.each<[string, string, string | null, string[]]>([
    ['localhost', 'NOERROR', 'NOERROR', []],
    ['localhost', 'NOERROR', 'NXDOMAIN', []],
    ['localhost', 'REFUSED', 'NXDOMAIN', []],
    ['localhost', 'SERVFAIL', null, []],
    ['localhost', 'REFUSED', 'SERVFAIL', []],
    ['localhost', 'NOERROR', 'SERVFAIL', []],
    ['localhost', 'NOERROR', null, []],
    ['a.example', 'NOERROR', null, ['unbound.service answered for a.example, now it does not answer']],
    ['localhost', 'NOERROR', 'REFUSED', ['unbound.service answered for localhost, now with REFUSED']],
    ['a.example', 'NOERROR', 'NXDOMAIN', ['unbound.service answered for a.example, now with NXDOMAIN']],
  ])('%s: %s, then %s', (name, was, is, message) => {
    expect(deciding(compareFacts(resolving({ [name]: was }), resolving({ [name]: is })))).toEqual(message);
  });

  test('a server with zones of its own need not know localhost, nor ask others for it', () => {
    const before = facts({
      ...resolving({ localhost: 'NOERROR' }),
      configuration: { signatures: {}, listenLines: {}, references: {}, zones: ['office.example'] },
    });
    expect(deciding(compareFacts(before, resolving({ localhost: 'REFUSED' })))).toEqual([]);
  });

  test('no longer configured', () => {
    const before = resolving({ localhost: 'NOERROR', 'a.example': 'NOERROR' }, ['a.example']);
    expect(deciding(compareFacts(before, resolving({}, ['a.example'])))).toEqual([]);
    expect(deciding(compareFacts(before, resolving({})))).toEqual([
      'unbound.service answered for a.example, now no configuration names it',
    ]);
  });
});
