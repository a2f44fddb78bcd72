import { request as httpRequest, type ClientRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIPv6 } from 'node:net';
import type { Clock } from '../clock.ts';
import { withinLimit } from './check-limit.ts';
import type { Answers, Facts, Socket } from './facts.ts';

/**
 * Asks the web servers of the instance for `/`, from the machine that guard runs on: a server that listens can still
 * answer nothing but errors, because what it passes requests to is gone (F36). By port; null where there is nobody to ask,
 * or the instance cannot be reached from here. Other protocols are left alone: they count a client that asks nothing sensible as an
 * attack.
 */
export const askWebServers = async (
  facts: Pick<Facts, 'sockets' | 'network'>,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<Answers | null> => {
  const address = facts.network?.addresses.toSorted((a, b) => a.family - b.family)[0]?.address;
  const servers = (facts.sockets ?? []).filter((socket) => speaksHttp(socket) && isAt(socket, address));
  if (address === undefined || servers.length === 0) return null;
  const ports = [...new Set(servers.map(({ port }) => port))].slice(0, mostPorts);
  const asked = await Promise.all(
    ports.map(async (port) => [`tcp/${port}`, await askPort(address, port, clock, signal)] as const),
  );
  const answers = asked.flatMap(([name, answer]) => (answer === null ? [] : [[name, answer] as const]));
  return answers.length === 0 ? null : Object.fromEntries(answers);
};

const mostPorts = 16;

const speaksHttp = ({ protocol, port, owner }: Socket): boolean =>
  protocol === 'tcp' && (port === 80 || webServers.test(owner?.process ?? ''));

const webServers = /^(nginx|apache2|httpd|lighttpd|caddy|haproxy|varnishd|cache-main|h2o|traefik)$/;

const isAt = ({ address }: Socket, own: string | undefined): boolean =>
  address === '0.0.0.0' || address === '::' || address === own;

/** Milliseconds: on the way there a bridge, or a network that drops what it does not know; then the first byte. */
const limits = { connect: 400, answer: 3000 };

type Answer = Answers[string];

/** Null: nothing can be said of it from here. */
const askPort = async (
  address: string,
  port: number,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<Answer | null> => {
  const exchange = open(address, port);
  try {
    const connected = await withinLimit(clock, limits.connect, signal, () => exchange.connected);
    if (connected.end !== 'done' || connected.value === 'unreachable') return null;
    const answered = await withinLimit(clock, limits.answer, signal, () => exchange.answered);
    if (answered.end === 'aborted') return null;
    return answered.end === 'done' ? answered.value : { status: null };
  } finally {
    exchange.close();
  }
};

interface Exchange {
  readonly connected: Promise<'there' | 'unreachable'>;
  /** `status` is null where the server hung up, or spoke something else. */
  readonly answered: Promise<Answer>;
  readonly close: () => void;
}

const open = (address: string, port: number): Exchange => {
  const secure = port === 443 || port === 8443;
  const url = `${secure ? 'https' : 'http'}://${isIPv6(address) ? `[${address}]` : address}:${port}/`;
  const options = { agent: false, rejectUnauthorized: false, headers: { 'user-agent': 'guard', connection: 'close' } };
  const request: ClientRequest = secure ? httpsRequest(url, options) : httpRequest(url, options);
  const connected = new Promise<'there' | 'unreachable'>((resolve) => {
    request.on('socket', (socket) => socket.on('connect', () => resolve('there')));
    request.on('error', (error: NodeJS.ErrnoException) =>
      resolve(refused.has(error.code ?? '') ? 'there' : 'unreachable'),
    );
  });
  const answered = new Promise<Answer>((resolve) => {
    request.on('response', (response) => resolve({ status: response.statusCode ?? null }));
    request.on('error', () => resolve({ status: null }));
  });
  request.end();
  return { connected, answered, close: () => request.destroy() };
};

/** Somebody is there and says no. */
const refused = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EPROTO']);
