import { request as httpRequest, type ClientRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIPv6 } from 'node:net';
import type { Clock } from '../clock.ts';
import { withinLimit } from './check-limit.ts';
import type { Answer, Socket } from './facts.ts';

/**
 * Asks the web servers of the instance for `/`, from the machine that guard runs on. A server that cannot be reached from
 * here has no answer in the list; one that says nothing sensible has `null` for what it said.
 */
export const askWebServers = async (
  sockets: readonly Socket[],
  address: string,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<Answer[]> => {
  const servers = sockets.filter(speaksHttp);
  const ports = [...new Set(servers.map(({ port }) => port))].slice(0, mostPorts);
  const answers = await Promise.all(
    ports.map(async (port): Promise<Answer[]> => {
      const reply = await askPort(address, port, clock, signal);
      return reply === null ? [] : [{ protocol: 'http', port: `tcp/${port}`, question: '/', said: reply.said }];
    }),
  );
  return answers.flat();
};

const mostPorts = 16;

const speaksHttp = ({ protocol, port, owner }: Socket): boolean =>
  protocol === 'tcp' && (port === 80 || webServers.test(owner?.process ?? ''));

const webServers = /^(nginx|apache2|httpd|lighttpd|caddy|haproxy|varnishd|cache-main|h2o|traefik)$/;

/** Milliseconds: on the way there a bridge, or a network that drops what it does not know; then the first byte. */
const limits = { connect: 400, answer: 3000 };

interface Reply {
  /** The status; null where the server hung up, or spoke something else. */
  readonly said: string | null;
}

/** Null: nothing can be said of it from here. */
const askPort = async (
  address: string,
  port: number,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<Reply | null> => {
  const exchange = open(address, port);
  try {
    const connected = await withinLimit(clock, limits.connect, signal, () => exchange.connected);
    if (connected.end !== 'done' || connected.value === 'unreachable') return null;
    const answered = await withinLimit(clock, limits.answer, signal, () => exchange.answered);
    if (answered.end === 'aborted') return null;
    return answered.end === 'done' ? answered.value : { said: null };
  } finally {
    exchange.close();
  }
};

interface Exchange {
  readonly connected: Promise<'there' | 'unreachable'>;
  readonly answered: Promise<Reply>;
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
  const answered = new Promise<Reply>((resolve) => {
    request.on('response', (response) =>
      resolve({ said: response.statusCode === undefined ? null : String(response.statusCode) }),
    );
    request.on('error', () => resolve({ said: null }));
  });
  request.end();
  return { connected, answered, close: () => request.destroy() };
};

/** Somebody is there and says no. */
const refused = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'EPROTO']);
