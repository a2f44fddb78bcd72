import { request as httpRequest, type ClientRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIPv6, type Socket as Connection } from 'node:net';
import type { Clock } from '../../clock.ts';
import { withinLimit } from '../checks/limit.ts';
import { openConnection } from './connection.ts';
import type { Questions } from './memory.ts';
import type { Answer, Socket } from '../facts.ts';

/**
 * Asks the web servers of the instance for `/`, for the programs among its pages (`/` may be a page that needs none) and for
 * its sites by their names, and its proxies for pages, from the machine that guard runs on. What a proxy is asked for leads nowhere else: to the instance's
 * own first page, and to a name that nobody can have (RFC 6761, section 6.4).
 */
export async function askWebServers(
  sockets: readonly Socket[],
  address: string,
  { pages, sites }: { readonly pages: readonly string[]; readonly sites: readonly string[] },
  { clock, signal, remembering }: Questions,
): Promise<Answer[]> {
  const portsOf = (servers: readonly Socket[]): number[] =>
    [...new Set(servers.map(({ port }) => port))].slice(0, mostPorts);
  const questions = [
    ...portsOf(sockets.filter(speaksHttp)).flatMap((port) => ['/', ...pages].map((path) => ({ port, path }))),
    ...portsOf(sockets.filter(isForPeople)).flatMap((port) =>
      sites.slice(0, mostSites).map((site) => ({ port, path: `//${site}/` })),
    ),
    ...portsOf(sockets.filter(isProxy)).flatMap((port) => proxied.map((path) => ({ port, path }))),
  ];
  return Promise.all(
    questions.map(async ({ port, path }): Promise<Answer> => {
      const said = await remembering(`${address} ${port} ${path}`, () => askPort(address, port, path, clock, signal));
      return { protocol: 'http', port: `tcp/${port}`, question: path, said };
    }),
  );
}

function isProxy({ protocol, port, owner }: Socket): boolean {
  return protocol === 'tcp' && (port === 3128 || proxies.test(owner?.process ?? ''));
}

const proxies = /^(squid|tinyproxy|privoxy|polipo|3proxy)$/;

const proxied = ['http://127.0.0.1/', 'http://guard.invalid/'];

const mostPorts = 16;

const mostSites = 6;

/** Where browsers go by themselves. */
function isForPeople({ protocol, port }: Socket): boolean {
  return protocol === 'tcp' && (port === 80 || port === 443);
}

function speaksHttp({ protocol, port, owner }: Socket): boolean {
  return protocol === 'tcp' && (webPorts.has(port) || webServers.test(owner?.process ?? ''));
}

/** Where pages are by custom, whoever delivers them. */
const webPorts = new Set([80, 443, 3000, 5000, 8000, 8008, 8080, 8081, 8443, 8888, 9090]);

const webServers = /^(nginx|apache2|httpd|lighttpd|caddy|haproxy|varnishd|cache-main|h2o|traefik)$/;

/** Milliseconds until the first bytes. */
const answerMs = 3000;

async function askPort(
  address: string,
  port: number,
  path: string,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const exchange = open(address, port, path);
  try {
    const opened = await withinLimit(clock, 2 * answerMs, signal, async () =>
      openConnection(await exchange.connection, clock, signal),
    );
    if (opened.end !== 'done' || opened.value === 'unreachable') return 'unreachable';
    const answered = await withinLimit(clock, answerMs, signal, () => exchange.answered);
    return answered.end === 'done' ? answered.value : exchange.status();
  } finally {
    exchange.close();
  }
}

interface Exchange {
  readonly connection: Promise<Connection>;
  /** The status; null where the server hung up, or spoke something else. */
  readonly answered: Promise<string | null>;
  /** The status that has come so far. */
  readonly status: () => string | null;
  readonly close: () => void;
}

function open(address: string, port: number, path: string): Exchange {
  const secure = port === 443 || port === 8443;
  const url = `${secure ? 'https' : 'http'}://${isIPv6(address) ? `[${address}]` : address}:${port}/`;
  const site = /^\/\/([^/]+)\/$/.exec(path)?.[1];
  const options = {
    agent: false,
    path: site === undefined ? path : '/',
    rejectUnauthorized: false,
    headers: { 'user-agent': 'guard', connection: 'close', ...(site === undefined ? {} : { host: site }) },
    ...(site === undefined || !secure ? {} : { servername: site }),
  };
  const request: ClientRequest = secure ? httpsRequest(url, options) : httpRequest(url, options);
  let status: string | null = null;
  const connection = new Promise<Connection>((resolve) => request.on('socket', resolve));
  const answered = new Promise<string | null>((resolve) => {
    request.on('response', (response) => {
      status = response.statusCode === undefined ? null : String(response.statusCode);
      response.on('data', (part: Buffer) =>
        resolve(isSource(part) ? `${status} and the source of its program` : status),
      );
      response.on('error', () => resolve(status));
      response.on('close', () => resolve(status));
    });
    request.on('error', () => resolve(status));
  });
  request.end();
  return { connection, answered, status: () => status, close: () => request.destroy() };
}

/** A web server without its PHP delivers the program in place of the page, with the best of statuses. */
function isSource(part: Buffer): boolean {
  return /^\s*<\?php\b/.test(part.subarray(0, 200).toString('latin1'));
}
