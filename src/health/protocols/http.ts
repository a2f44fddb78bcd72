import { createHash } from 'node:crypto';
import { request as httpRequest, type ClientRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIPv6, type Socket as Connection } from 'node:net';
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
      const first = { address, port, path, secure: port === 443 || port === 8443, host: null };
      const own = new Set([address, ...sites]);
      const compared = sites.length > 0 && isForPeople({ protocol: 'tcp', port });
      const said = await remembering(`${address} ${port} ${path}`, () =>
        askFollowing(first, own, { clock, signal }, compared),
      );
      return { protocol: 'http', port: `tcp/${port}`, question: path, said };
    }),
  );
}

/** Asks a server that was found out to speak HTTP for its first page. */
export function askPage(
  { address, port, secure }: Pick<PageRequest, 'address' | 'port' | 'secure'>,
  questions: Pick<Questions, 'clock' | 'signal'>,
): Promise<string | null> {
  return askFollowing({ address, port, secure, path: '/', host: null }, new Set([address]), questions);
}

export interface PageRequest {
  readonly address: string;
  readonly port: number;
  readonly secure: boolean;
  /** The path, a whole address for a proxy, or `//name/path` for a site by its name. */
  readonly path: string;
  /** Name of the site; null for the address. */
  readonly host: string | null;
}

const mostRedirects = 4;

async function askFollowing(
  first: PageRequest,
  own: ReadonlySet<string>,
  questions: Pick<Questions, 'clock' | 'signal'>,
  withDigest = false,
): Promise<string | null> {
  return (await requestPage(first, own, questions, { withDigest })).said;
}

/** A page, after its redirects. */
export interface RequestedPage {
  /** As `301 > 200`; null where nothing sensible came. */
  readonly said: string | null;
  /** The request that got the last answer. */
  readonly request: PageRequest;
  /** The beginning of its body. */
  readonly text: string;
  /** Its media type, such as `text/css`; empty where there is none. */
  readonly type: string;
}

/**
 * Follows redirects as far as they stay with the instance's own addresses and names: `301 > 200`. One that leads elsewhere is an answer by itself; one
 * that leads back to the instance and to nobody is none. `bytes` of the body are waited for.
 */
export async function requestPage(
  first: PageRequest,
  own: ReadonlySet<string>,
  questions: Pick<Questions, 'clock' | 'signal'>,
  { withDigest = false, bytes = 1 }: { readonly withDigest?: boolean; readonly bytes?: number } = {},
): Promise<RequestedPage> {
  const said: string[] = [];
  let request = first;
  let text = '';
  let type = '';
  for (let hops = 0; hops <= mostRedirects; hops += 1) {
    const page = await askPort(request, questions, bytes);
    ({ text, type } = page);
    if (said.length > 0 && (page.said === null || page.said === 'unreachable'))
      return { said: [...said, 'nobody'].join(' > '), request, text, type };
    if (page.said === null) return { said: null, request, text, type };
    // So that a site that falls back to the page of nobody's site is noticed.
    said.push(withDigest && page.said === '200' && page.digest !== '' ? `200 (${page.digest})` : page.said);
    const next = page.location === null ? null : ownTarget(page.location, request, own);
    if (next === null) return { said: said.join(' > '), request, text, type };
    request = next;
  }
  // Some send a caller without cookies round and round: the first answer is the only one that counts.
  return { said: said[0] ?? null, request, text: '', type: '' };
}

/** Where a link leads, if to the instance itself. */
export function ownTarget(location: string, from: PageRequest, own: ReadonlySet<string>): PageRequest | null {
  const host = from.host ?? siteOf(from.path) ?? from.address;
  const bracketed = isIPv6(host) ? `[${host}]` : host;
  const base = `${from.secure ? 'https' : 'http'}://${bracketed}:${from.port}${pathOf(from.path)}`;
  if (!URL.canParse(location, base)) return null;
  const url = new URL(location, base);
  const name = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (!['http:', 'https:'].includes(url.protocol) || (name !== host && !own.has(name))) return null;
  const secure = url.protocol === 'https:';
  return {
    address: from.address,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    secure,
    path: `${url.pathname}${url.search}`,
    host: name === from.address ? null : name,
  };
}

function siteOf(path: string): string | null {
  return /^\/\/([^/]+)\//.exec(path)?.[1] ?? null;
}

function pathOf(path: string): string {
  return path.replace(/^\/\/[^/]+(?=\/)/, '');
}

function isProxy({ protocol, port, owner }: Socket): boolean {
  return protocol === 'tcp' && (port === 3128 || proxies.test(owner?.process ?? ''));
}

const proxies = /^(squid|tinyproxy|privoxy|polipo|3proxy)$/;

const proxied = ['http://127.0.0.1/', 'http://guard.invalid/'];

const mostPorts = 16;

const mostSites = 6;

/** Where browsers go by themselves. */
function isForPeople({ protocol, port }: Pick<Socket, 'protocol' | 'port'>): boolean {
  return protocol === 'tcp' && (port === 80 || port === 443);
}

/** Whether this is a port of web servers, or a web server's. */
export function speaksHttp({ protocol, port, owner }: Socket): boolean {
  return protocol === 'tcp' && (webPorts.has(port) || webServers.test(owner?.process ?? ''));
}

/** Where pages are by custom, whoever delivers them. */
const webPorts = new Set([80, 443, 3000, 5000, 8000, 8008, 8080, 8081, 8443, 8888, 9090]);

const webServers = /^(nginx|apache2|httpd|lighttpd|caddy|haproxy|varnishd|cache-main|h2o|traefik)$/;

/** Milliseconds until the first bytes. */
const answerMs = 3000;

interface Page {
  readonly said: string | null;
  /** Where a redirect leads. */
  readonly location: string | null;
  /** Of the first part of the page; empty where there is none. */
  readonly digest: string;
  /** What was read of the body. */
  readonly text: string;
  readonly type: string;
}

const noPage: Page = { said: null, location: null, digest: '', text: '', type: '' };

async function askPort(
  request: PageRequest,
  { clock, signal }: Pick<Questions, 'clock' | 'signal'>,
  bytes: number,
): Promise<Page> {
  const exchange = open(request, bytes);
  try {
    const opened = await withinLimit(clock, 2 * answerMs, signal, async () =>
      openConnection(await exchange.connection, clock, signal),
    );
    if (opened.end !== 'done' || opened.value === 'unreachable') return { ...noPage, said: 'unreachable' };
    const answered = await withinLimit(clock, answerMs, signal, () => exchange.answered);
    return answered.end === 'done' ? answered.value : exchange.soFar();
  } finally {
    exchange.close();
  }
}

interface Exchange {
  readonly connection: Promise<Connection>;
  /** The status; null where the server hung up, or spoke something else. */
  readonly answered: Promise<Page>;
  /** What has come so far. */
  readonly soFar: () => Page;
  readonly close: () => void;
}

function open({ address, port, path, secure, host }: PageRequest, bytes: number): Exchange {
  const url = `${secure ? 'https' : 'http'}://${isIPv6(address) ? `[${address}]` : address}:${port}/`;
  const site = host ?? siteOf(path) ?? undefined;
  const options = {
    agent: false,
    path: pathOf(path),
    rejectUnauthorized: false,
    headers: { 'user-agent': 'guard', connection: 'close', ...(site === undefined ? {} : { host: site }) },
    ...(site === undefined || !secure ? {} : { servername: site }),
  };
  const request: ClientRequest = secure ? httpsRequest(url, options) : httpRequest(url, options);
  let page = noPage;
  let read = 0;
  const connection = new Promise<Connection>((resolve) => request.on('socket', resolve));
  const answered = new Promise<Page>((resolve) => {
    request.on('response', (response) => {
      const { statusCode: status, headers } = response;
      const isRedirect = status !== undefined && [301, 302, 303, 307, 308].includes(status);
      page = {
        ...noPage,
        said: status === undefined ? null : String(status),
        location: isRedirect ? (headers.location ?? null) : null,
        type: (headers['content-type'] ?? '').replace(/;.*/s, '').trim().toLowerCase().slice(0, 100),
      };
      response.on('data', (part: Buffer) => {
        if (read === 0)
          page = {
            ...page,
            digest: digestOf(part),
            ...(isSource(part) ? { said: `${status} and the source of its program` } : {}),
          };
        read += part.length;
        page = { ...page, text: page.text + part.toString('latin1') };
        if (read >= bytes) resolve(page);
      });
      response.on('error', () => resolve(page));
      response.on('close', () => resolve(page));
    });
    request.on('error', () => resolve(page));
  });
  request.end();
  return { connection, answered, soFar: () => page, close: () => request.destroy() };
}

function digestOf(part: Buffer): string {
  return createHash('sha256').update(part.subarray(0, 1000)).digest('hex').slice(0, 8);
}

/** A web server without its PHP delivers the program in place of the page, with the best of statuses. */
function isSource(part: Buffer): boolean {
  return /^\s*<\?php\b/.test(part.subarray(0, 200).toString('latin1'));
}
