import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { decode, encode, streamEncode, TRUNCATED_RESPONSE, type Answer, type Packet } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { dnsDefaults } from '../../../../src/check-default.ts';
import type { DnsCheck } from '../../../../src/check-definition.ts';
import { askCheck } from '../../../../src/health/checks/check.ts';
import { afterwards, common, listening, nowhere } from './asking.ts';

const ask = (port: number, more: Partial<DnsCheck> = {}) =>
  askCheck(
    { ...common, ...dnsDefaults, kind: 'dns', server: '127.0.0.1', port, query: 'www.example.org', ...more },
    nowhere,
  );

/** The response code is the low four bits of the flags. */
const rcodes = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

type Reply = Packet | Buffer | null;

const reply = (question: Packet, answers: readonly Answer[], flags: number = rcodes.NOERROR): Packet => ({
  type: 'response',
  id: question.id,
  flags,
  questions: question.questions,
  answers: [...answers],
});

const udpServer = async (answer: (question: Packet, count: number) => Reply, port = 0): Promise<number> => {
  const socket = createSocket('udp4');
  let count = 0;
  socket.on('message', (bytes, from) => {
    count += 1;
    const packet = answer(decode(bytes), count);
    if (packet !== null) socket.send(Buffer.isBuffer(packet) ? packet : encode(packet), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve));
  afterwards(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return socket.address().port;
};

const tcpServer = (answer: (question: Packet) => Packet): Promise<number> =>
  listening(
    createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        const packet = streamEncode(answer(decode(bytes.subarray(2))));
        // In two pieces, as a network does.
        socket.write(packet.subarray(0, 5));
        setImmediate(() => socket.write(packet.subarray(5)));
      });
    }),
  );

const a = (data: string): Answer => ({ type: 'A', name: 'www.example.org', ttl: 60, data });

describe('a dns check', () => {
  it('passes with an answer, and says it', async () => {
    const port = await udpServer((question) => reply(question, [a('192.0.2.7')]));
    const result = await ask(port);
    expect(result).toMatchObject({ status: 'passed', message: 'www.example.org A: NOERROR, 192.0.2.7' });
  });

  it('fails without one, unless none is needed', async () => {
    const port = await udpServer((question) => reply(question, []));
    expect((await ask(port)).status).toBe('failed');
    expect((await ask(port, { answers: [] })).status).toBe('passed');
  });

  it.each(['SERVFAIL', 'NXDOMAIN', 'REFUSED'] as const)('compares the response code: %s', async (rcode) => {
    const port = await udpServer((question) => reply(question, [], rcodes[rcode]));
    expect(await ask(port)).toMatchObject({ status: 'failed', message: expect.stringContaining(rcode) as string });
    expect((await ask(port, { rcode })).status).toBe('passed');
  });

  it.each<[string, DnsCheck['type'], Answer, string]>([
    ['A', 'A', a('192.0.2.7'), '192.0.2.7'],
    ['AAAA, however written', 'AAAA', { type: 'AAAA', name: 'www.example.org', data: '2001:db8::1' }, '2001:0DB8:0::1'],
    ['CNAME', 'CNAME', { type: 'CNAME', name: 'www.example.org', data: 'web.example.org' }, 'WEB.example.org.'],
    [
      'MX',
      'MX',
      { type: 'MX', name: 'www.example.org', data: { preference: 10, exchange: 'mail.example.org' } },
      '10 mail.example.org',
    ],
    ['TXT', 'TXT', { type: 'TXT', name: 'www.example.org', data: ['v=spf1 ', '-all'] }, 'v=spf1 -all'],
    [
      'SRV',
      'SRV',
      { type: 'SRV', name: 'www.example.org', data: { priority: 1, weight: 2, port: 389, target: 'ldap.example.org' } },
      '1 2 389 ldap.example.org',
    ],
    [
      'CAA',
      'CAA',
      { type: 'CAA', name: 'www.example.org', data: { flags: 0, tag: 'issue', value: 'ca.example' } },
      '0 issue "ca.example"',
    ],
  ])('compares answers: %s', async (_title, type, record, wanted) => {
    const port = await udpServer((question) => reply(question, [record]));
    expect(await ask(port, { type, answers: [wanted] })).toMatchObject({ status: 'passed' });
    const other = await ask(port, { type, answers: [wanted, 'something else'] });
    expect(other).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('missing something else') as string,
    });
  });

  it('asks over TCP when it is told to, or when the answer was cut short', async () => {
    const tcp = await tcpServer((question) => reply(question, [a('192.0.2.8')]));
    expect((await ask(tcp, { transport: 'tcp' })).message).toContain('192.0.2.8');
    await udpServer((question) => reply(question, [], TRUNCATED_RESPONSE), tcp);
    expect((await ask(tcp)).message).toContain('192.0.2.8');
  });

  it('outlives a lost datagram, and answers to other questions', async () => {
    const lossy = await udpServer((question, count) => (count === 1 ? null : reply(question, [a('192.0.2.7')])));
    expect((await ask(lossy, { timeoutMs: 2000 })).status).toBe('passed');
    const confused = await udpServer((question, count) =>
      count === 1
        ? reply({ ...question, id: (question.id ?? 0) ^ 1 }, [a('203.0.113.1')])
        : reply(question, [a('192.0.2.7')]),
    );
    expect((await ask(confused, { timeoutMs: 2000 })).message).toContain('192.0.2.7');
  });

  it('fails on nonsense, on a closed port, and at its timeout (F35)', async () => {
    const nonsense = await udpServer(() => Buffer.from('\u0000\u0001 what is this \u00ff'));
    expect((await ask(nonsense)).status).toBe('failed');
    const silent = await udpServer(() => null);
    expect((await ask(silent, { timeoutMs: 150 })).message).toContain('within 150 ms');
  });

  it('fails at once where nobody listens', async () => {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const { port } = socket.address();
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    expect(await ask(port)).toMatchObject({ status: 'failed', message: expect.stringContaining('refused') as string });
  });
});
