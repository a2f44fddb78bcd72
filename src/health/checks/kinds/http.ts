import { lookup } from 'node:dns/promises';
import { isInRanges } from '../../../status-range.ts';
import { readFile } from 'node:fs/promises';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { isIP, isIPv6 } from 'node:net';
import type { HttpCheck, TextMatch } from '../../../check-definition.ts';
import { withoutPassword } from '../../../check-default.ts';
import { err, ok, type Result } from '../../../result.ts';
import { canonicalAddress, isGlobalAddress, isPublicAddress } from '../../../platform/address.ts';
import { describeFailure } from '../../../platform/failure.ts';
import { addressesOfThisHost, fillAddress } from '../address.ts';
import { answerOfNetworkError, failed, notAsked, oneLine, passed, type KindAnswer } from '../answer.ts';
import { matches, sayMatch } from '../match.ts';
import type { KindTools } from './tools.ts';

/** Sends one request, follows as many redirects as are allowed, and compares status, headers and body. */
export async function askHttp(check: HttpCheck, tools: KindTools): Promise<KindAnswer> {
  const filled = await fillAddress(check.url, tools.askAddresses, { url: true });
  if (!filled.ok) return filled.error;
  const url = readUrl(filled.value);
  if (url === null) return notAsked(`"${withoutPassword(filled.value)}" is not an http or https URL`);
  const ca = await readCa(check);
  if (!ca.ok) return ca.error;
  const response = await fetchFollowing(check, tools, url, ca.value);
  return response.ok ? judged(check, response.value) : response.error;
}

interface HttpResponse {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Empty where no body was asked for. */
  readonly body: string;
  readonly cut: boolean;
}

function readUrl(text: string, base?: URL): URL | null {
  if (!URL.canParse(text, base?.href)) return null;
  const url = new URL(text, base);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : null;
}

async function readCa(check: HttpCheck): Promise<Result<string | null, KindAnswer>> {
  if (check.tls.caFile === null) return ok(null);
  try {
    return ok(await readFile(check.tls.caFile, 'utf8'));
  } catch (error) {
    return err(notAsked(`the CA file cannot be read: ${error instanceof Error ? error.message : String(error)}`));
  }
}

async function fetchFollowing(
  check: HttpCheck,
  tools: KindTools,
  start: URL,
  ca: string | null,
): Promise<Result<HttpResponse, KindAnswer>> {
  let url = start;
  let address: string | null = null;
  for (let left = check.redirects; ; left -= 1) {
    const wanted = requestFor(check, start, url, ca);
    const response = await fetchOnce(check, tools, address === null ? wanted : connectingTo(wanted, address));
    if (!response.ok || check.redirects === 0) return response;
    const { location } = response.value.headers;
    if (!redirectStatuses.has(response.value.status) || location === undefined) return response;
    if (left === 0) return err(failed(`more than ${check.redirects} redirects, the last one to ${location}`));
    const next = readUrl(location, url);
    if (next === null) return err(failed(`a redirect to "${location}", which is not an http or https URL`));
    const target = await redirectTarget(check, tools, start, next);
    if (!target.ok) return target;
    address = target.value;
    url = next;
  }
}

/**
 * The address that a redirect is followed to; null for the server that was asked first. Whoever answers, and that may be
 * root inside the instance, chooses where a redirect leads: only to the instance itself or, where guard.yaml names the server
 * by more than `{address}`, to a server of the internet. Never to this machine or to another one of a private network.
 */
async function redirectTarget(
  check: HttpCheck,
  tools: KindTools,
  start: URL,
  next: URL,
): Promise<Result<string | null, KindAnswer>> {
  if (next.host === start.host) return ok(null);
  const host = hostOf(next);
  const found = await addressesOf(host);
  if (!found.ok) return found;
  const ofThisHost = addressesOfThisHost();
  const elsewhere = found.value.filter((address) => isGlobalAddress(address) && !ofThisHost.has(address));
  // Behind another port of this machine is another service, also where guard.yaml names this machine.
  if (next.hostname === start.hostname && elsewhere.length === found.value.length) return ok(null);
  const leaves = check.url.includes('{address') ? undefined : elsewhere.find(isPublicAddress);
  if (leaves !== undefined) return ok(leaves);
  const own = await tools.askAddresses();
  if (!own.ok) return err(notAsked(describeFailure(own.error)));
  const confirmed = new Set(Object.values(own.value).flat().flatMap(canonicalAddress));
  const allowed = elsewhere.find((address) => confirmed.has(address));
  if (allowed !== undefined) return ok(allowed);
  return err(failed(`a redirect to ${next.origin}, which is not the server that was asked; it is not followed`));
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** In their usual form. */
async function addressesOf(host: string): Promise<Result<string[], KindAnswer>> {
  try {
    const found = isIP(host) === 0 ? await lookup(host, { all: true }) : [{ address: host }];
    return ok(found.flatMap(({ address }) => canonicalAddress(address)));
  } catch (error) {
    return err(answerOfNetworkError(error, host));
  }
}

/** Asks this address, whatever the name would lead to by now. */
function connectingTo({ url, options }: Wanted, address: string): Wanted {
  const family = isIPv6(address) ? 6 : 4;
  const lookupPinned: RequestOptions['lookup'] = (_host, { all }, callback) =>
    all === true ? callback(null, [{ address, family }]) : callback(null, address, family);
  return { url, options: { ...options, lookup: lookupPinned } };
}

const redirectStatuses = new Set([301, 302, 303, 307, 308]);

interface Wanted {
  readonly url: URL;
  readonly options: RequestOptions;
}

function requestFor(check: HttpCheck, start: URL, url: URL, ca: string | null): Wanted {
  const own = url.origin === start.origin;
  const { serverName, verify } = check.tls;
  return {
    url,
    options: {
      method: check.method,
      // A connection of its own: one that is kept alive would still reach the old process.
      agent: false,
      headers: {
        'user-agent': 'guard',
        accept: '*/*',
        connection: 'close',
        ...(own && serverName !== null ? { host: hostHeader(serverName, url) } : {}),
        ...lowerCased(own ? check.headers : withoutSecrets(check.headers)),
      },
      rejectUnauthorized: verify,
      ...(ca === null ? {} : { ca }),
      ...(own && serverName !== null ? { servername: serverName } : {}),
    },
  };
}

function hostHeader(name: string, url: URL): string {
  return url.port === '' ? name : `${name}:${url.port}`;
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** What is meant for one server is not told to another that it redirects to. */
function withoutSecrets(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(authorization|cookie|host)$/i.test(name)));
}

function fetchOnce(check: HttpCheck, tools: KindTools, wanted: Wanted): Promise<Result<HttpResponse, KindAnswer>> {
  return new Promise((resolve) => {
    const { url, options } = wanted;
    const giveUp = (error: unknown): void => resolve(err(answerOfNetworkError(error, url.host)));
    let request: ClientRequest;
    try {
      request = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
    } catch (error) {
      // A header that HTTP cannot carry, and the like: the configuration's mistake.
      resolve(err(notAsked(error instanceof Error ? error.message : String(error))));
      return;
    }
    tools.signal.addEventListener('abort', () => request.destroy(), { once: true });
    request.on('error', giveUp);
    request.on('response', (response) => {
      const { statusCode: status = 0, headers } = response;
      const answered = (body: string, cut: boolean): void => resolve(ok({ url, status, headers, body, cut }));
      if (check.expectBody === null) {
        answered('', false);
        request.destroy();
        return;
      }
      readBody(response).then(({ body, cut }) => answered(body, cut), giveUp);
    });
    request.end();
  });
}

const mostBodyBytes = 1024 * 1024;

async function readBody(response: IncomingMessage): Promise<{ body: string; cut: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk.subarray(0, mostBodyBytes - size));
    size += chunk.length;
    if (size >= mostBodyBytes) break;
  }
  return { body: Buffer.concat(chunks).toString('utf8'), cut: size >= mostBodyBytes };
}

function judged(check: HttpCheck, response: HttpResponse): KindAnswer {
  const message = `${withoutPassword(response.url.href)} answered ${response.status}`;
  if (!isInRanges(check.status, response.status)) return failed(`${message}, wanted ${sayStatuses(check)}`);
  for (const [name, match] of Object.entries(check.expectHeaders)) {
    const value = headerValue(response, name);
    if (value === null) return failed(`${message} without the header "${name}"`);
    if (!matches(match, value))
      return failed(`${message}, but the header "${name}" does not ${sayMatch(match)}: ${value}`);
  }
  return check.expectBody === null ? passed(message) : judgedBody(check.expectBody, response, message);
}

function judgedBody(match: TextMatch, response: HttpResponse, message: string): KindAnswer {
  if (matches(match, response.body)) return passed(message);
  const where = response.cut ? 'the first megabyte of the body does not' : 'the body does not';
  const begins = response.body === '' ? 'it is empty' : `it begins with ${oneLine(response.body, 80)}`;
  return failed(`${message}, but ${where} ${sayMatch(match)}: ${begins}`);
}

function headerValue(response: HttpResponse, name: string): string | null {
  const value = response.headers[name.toLowerCase()];
  return value === undefined ? null : [value].flat().join(', ');
}

function sayStatuses(check: HttpCheck): string {
  return check.status.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(', ');
}
