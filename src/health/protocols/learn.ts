import { connect, type Socket as Connection } from 'node:net';
import { withinLimit } from '../checks/limit.ts';
import type { Answer, Socket } from '../facts.ts';
import { askCertificate } from './certificate.ts';
import { openConnection } from './connection.ts';
import { askPage } from './http.ts';
import type { Questions } from './memory.ts';

/**
 * Finds out what a port speaks that no list knows: whether the connection is accepted, what is said first, whether TLS is spoken, what a harmless request for
 * a page gets. The second time the same question is put that made it speak.
 */
export async function learnProtocols(
  sockets: readonly Socket[],
  address: string,
  known: readonly Answer[] | null,
  questions: Questions,
): Promise<Answer[]> {
  const ports = [...new Set(sockets.filter(isUnknown).map(({ port }) => port))].slice(0, mostPorts);
  const answers = await Promise.all(
    ports.map((port): Promise<Answer | null> => {
      const before = known?.find((one) => one.protocol === 'tcp' && one.port === `tcp/${port}`);
      if (known !== null && before === undefined) return Promise.resolve(null);
      // A call would start the service behind a socket of systemd.
      const { owner } = sockets.find((socket) => socket.protocol === 'tcp' && socket.port === port) ?? {};
      if (known === null && owner?.process === 'systemd') return Promise.resolve(null);
      return before === undefined
        ? learn(address, port, questions)
        : askAgain(address, port, before.question, questions);
    }),
  );
  return answers.flatMap((answer) => answer ?? []);
}

const mostPorts = 24;

/**
 * Devices and services that suffer from questions: printers print them, controllers of machines stop, telephones ring. Documented in
 * docs/explanation of the checks; nobody calls them.
 */
const neverAsked = new Set([
  102, 502, 515, 1911, 2404, 4840, 5060, 5061, 9100, 9101, 9102, 9103, 9107, 20_000, 44_818, 47_808,
]);

/** Ports that are asked in their own protocol. */
const askedOtherwise = new Set([
  21, 22, 25, 53, 80, 110, 143, 389, 443, 465, 587, 636, 853, 990, 993, 995, 3000, 3128, 5000, 5061, 5671, 6379, 6443,
  6697, 8000, 8006, 8008, 8080, 8081, 8443, 8883, 8888, 9090, 9443, 11_211,
]);

/** Their servers lock out who connects and says nothing, or write an error of it that is worth more attention than this answer. */
const leftAlone = /^(sshd|rpcbind|rpc\.|systemd-resolve|smbd|nmbd|krb5kdc|kadmind|postgrey|fail2ban)/;

const webServers = /^(nginx|apache2|httpd|lighttpd|caddy|haproxy|varnishd|cache-main|h2o|traefik|squid)$/;

function isUnknown({ protocol, port, owner }: Socket): boolean {
  if (protocol !== 'tcp' || neverAsked.has(port) || askedOtherwise.has(port)) return false;
  return !leftAlone.test(owner?.process ?? '') && !webServers.test(owner?.process ?? '');
}

async function learn(address: string, port: number, questions: Questions): Promise<Answer> {
  const answer = (question: string, said: string | null): Answer => ({
    protocol: 'tcp',
    port: `tcp/${port}`,
    question,
    said,
  });
  const first = await hear(address, port, '', bannerMs, questions);
  if (first.end !== 'silence')
    return first.said === null
      ? answer('connect', first.end === 'unreachable' ? 'unreachable' : 'open')
      : answer('banner', first.said);
  const plain = await hear(address, port, request, requestMs, questions);
  if (plain.said?.startsWith('HTTP') === true)
    return answer('http', await askPage({ address, port, secure: false }, questions));
  if (plain.said !== null && !plain.said.startsWith('TLS')) return answer('request', plain.said);
  const certificate = await askCertificate({ address, port, name: '' }, questions);
  if (certificate === null || certificate === 'unreachable') return answer('connect', 'open');
  const page = await askPage({ address, port, secure: true }, questions);
  return page === null || page === 'unreachable' ? answer('tls', 'TLS') : answer('https', page);
}

async function askAgain(address: string, port: number, question: string, questions: Questions): Promise<Answer> {
  const said = await questions.remembering(
    `${address} ${port} tcp ${question}`,
    () => sayAgain(address, port, question, questions),
    sparingMs,
  );
  return { protocol: 'tcp', port: `tcp/${port}`, question, said };
}

async function sayAgain(address: string, port: number, question: string, questions: Questions): Promise<string | null> {
  switch (question) {
    case 'http':
    case 'https':
      return askPage({ address, port, secure: question === 'https' }, questions);
    case 'tls': {
      const certificate = await askCertificate({ address, port, name: '' }, questions);
      return certificate === null || certificate === 'unreachable' ? certificate : 'TLS';
    }
    case 'banner':
      return (await hear(address, port, '', patienceMs, questions)).said;
    case 'request':
      return (await hear(address, port, request, patienceMs, questions)).said;
    default: {
      const { end } = await hear(address, port, '', 0, questions);
      return end === 'unreachable' ? 'unreachable' : end === 'refused' ? null : 'open';
    }
  }
}

/** MariaDB and MySQL lock out hosts that hang up a hundred times. Milliseconds. */
const sparingMs = 15_000;

/** What every server may be asked: those that know no pages close the connection. */
const request = 'GET / HTTP/1.0\r\nHost: localhost\r\nUser-Agent: guard\r\n\r\n';

/** Milliseconds: for who speaks first, for an answer, and for those of which it is known that they speak. */
const bannerMs = 600;
const requestMs = 1500;
const patienceMs = 3000;

interface Heard {
  readonly end: 'spoke' | 'silence' | 'refused' | 'unreachable';
  readonly said: string | null;
}

async function hear(
  address: string,
  port: number,
  words: string,
  limitMs: number,
  { clock, signal }: Pick<Questions, 'clock' | 'signal'>,
): Promise<Heard> {
  const connection = connect({ host: address, port });
  const heard = listen(connection);
  try {
    const opened = await openConnection(connection, clock, signal);
    if (opened !== 'open') return { end: opened === 'refused' ? 'refused' : 'unreachable', said: null };
    if (words !== '') connection.write(words);
    const end = limitMs === 0 ? null : await withinLimit(clock, limitMs, signal, () => heard);
    const bytes = end?.end === 'done' ? end.value : null;
    return bytes === null || bytes.length === 0
      ? { end: 'silence', said: null }
      : { end: 'spoke', said: summaryOf(bytes) };
  } finally {
    connection.destroy();
  }
}

function listen(connection: Connection): Promise<Buffer | null> {
  return new Promise((resolve) => {
    connection.on('data', (part: Buffer) => resolve(part.subarray(0, 200)));
    connection.on('error', () => resolve(null));
    connection.on('close', () => resolve(null));
  });
}

/** What tells a protocol and its state, without what differs at every call. */
export function summaryOf(bytes: Buffer): string {
  const text = bytes.toString('latin1');
  const http = /^HTTP\/\d\.\d (\d{3})/.exec(text)?.[1];
  if (http !== undefined) return `HTTP ${http}`;
  if (bytes[0] === 0x15 || bytes[0] === 0x16) return 'TLS';
  if (bytes[3] === 0 && bytes[4] === 10) return 'mysql greeting';
  if (bytes[3] === 0 && bytes[4] === 255) return 'mysql error';
  const code = /^\d{3}(?=[ -])/.exec(text)?.[0];
  if (code !== undefined) return code;
  const word = /^[\x20-\x7e]{1,16}/.exec(text)?.[0]?.split(/[ \d]/)[0];
  return word ? word : 'binary';
}
