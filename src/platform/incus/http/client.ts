import { Agent } from 'node:http';
import type { Readable } from 'node:stream';

import type { Clock } from '../../../clock.ts';
import { err, ok, type Result } from '../../../result.ts';
import { formatDuration } from '../../../duration.ts';
import { socketFailure } from './access.ts';
import { failureOf, serverFailure, type About } from './failure.ts';
import type { PlatformFailure } from '../../failure.ts';
import type { Product } from '../product.ts';
import { isObject, numberOf, objectOf, parseJson, textOf } from './json.ts';
import { locationOf, requestPath, type Location, type Removal } from './removal.ts';
import { exchange, type HttpAnswer, type Trouble } from './transport.ts';

/** A request as an observer sees it, just before it is sent. */
export interface RequestInfo {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query as sent, e.g. `/1.0/instances/web01?project=default`. */
  readonly path: string;
  /** The JSON that is sent, if any. */
  readonly body?: unknown;
}

/** A daemon's unix socket and the project to work in. Make it with `openIncus`, give it back with `closeIncus`. */
export interface Incus {
  readonly socket: string;
  /** Whose daemon it is, as far as the place of its socket tells. */
  readonly product: Product;
  readonly project: string;
  readonly clock: Clock;
  readonly agent: Agent;
  readonly onRequest: (request: RequestInfo) => void;
  /** The same request again, when its answer or its failure is there. */
  readonly onAnswer: (request: RequestInfo) => void;
}

/** Opens nothing yet: the first request connects. `onRequest` sees every request, WebSockets too, before it is sent. */
export function openIncus(options: {
  readonly socket: string;
  readonly product?: Product;
  readonly project: string;
  readonly clock: Clock;
  readonly onRequest?: (request: RequestInfo) => void;
  readonly onAnswer?: (request: RequestInfo) => void;
}): Incus {
  return {
    socket: options.socket,
    product: options.product ?? 'Incus',
    project: options.project,
    clock: options.clock,
    agent: new Agent({ keepAlive: true }),
    onRequest: options.onRequest ?? (() => {}),
    onAnswer: options.onAnswer ?? (() => {}),
  };
}

/** Closes idle connections. Requests under way end on their own. */
export function closeIncus(incus: Incus): void {
  return incus.agent.destroy();
}

/** A request of this room. There is no way to write a DELETE but to name a `Removal`. */
export type Call = CallTarget & {
  /** What guard wants, to be read after "could not". */
  readonly purpose: string;
  /** The instance it is about, for advice. */
  readonly instance?: string;
  readonly limitMs?: number;
  /** Called when the request is on its way: a time to load what its answer is for. */
  readonly onSent?: (() => void) | undefined;
};

type CallTarget =
  | ({ readonly method: 'GET' } & Location)
  | ({
      readonly method: 'POST' | 'PUT' | 'PATCH';
      /** Sent as JSON. */
      readonly body: unknown;
      readonly etag?: string;
    } & Location)
  | ({
      readonly method: 'POST';
      /** Sent as it is. */
      readonly raw: Buffer | Readable;
      readonly headers: Readonly<Record<string, string>>;
    } & Location)
  | { readonly removes: Removal };

/** A decoded answer. */
export interface Reply {
  readonly etag: string;
  readonly metadata: unknown;
  /** Id of the operation that was started; null when the answer is final. */
  readonly operation: string | null;
}

/** For requests that only read, or that change something at once. */
export const usualLimitMs = 30_000;

/** Sends a request and decodes the JSON that comes back; what the server calls an error is a failure, at any status. */
export async function call(incus: Incus, wanted: Call): Promise<Result<Reply, PlatformFailure>> {
  const answer = await callRaw(incus, wanted, jsonLimitBytes);
  return answer.ok ? decode(aboutOf(incus, wanted), answer.value) : answer;
}

/** Sends a request and gives what comes back as it is, unless the status is an error's. */
export async function callRaw(
  incus: Incus,
  wanted: Call,
  maxBytes: number,
): Promise<Result<HttpAnswer, PlatformFailure>> {
  const about = aboutOf(incus, wanted);
  const method = 'removes' in wanted ? 'DELETE' : wanted.method;
  const path = requestPath('removes' in wanted ? locationOf(wanted.removes) : wanted, incus.project);
  if (path === null) return err(failureOf('invalid', about, 'a name is empty, "." or ".."'));
  const limitMs = wanted.limitMs ?? usualLimitMs;
  const body = bodyOf(wanted);
  for (let tries = 1; ; tries += 1) {
    const seen = { method, path, ...('body' in wanted ? { body: wanted.body } : {}) } as const;
    incus.onRequest(seen);
    const agent = method === 'GET' && tries === 1 ? incus.agent : false;
    const { socket, clock } = incus;
    const headers = headersOf(wanted);
    const { onSent } = wanted;
    const sent = await exchange({ socket, agent, clock, method, path, headers, body, limitMs, maxBytes, onSent });
    incus.onAnswer(seen);
    if (!sent.ok) {
      // Reading again does no harm: most often the server had closed an idle connection.
      if (tries < 3 && sent.error.kind === 'lost' && method === 'GET') continue;
      return err(await troubleFailure(incus, about, sent.error, limitMs));
    }
    if (sent.value.status === askAgain && tries < 3 && !('raw' in wanted)) continue;
    if (sent.value.status >= 300) return err(errorFailure(about, sent.value));
    return ok(sent.value);
  }
}

const jsonLimitBytes = 64 * 1024 * 1024;

/** `incus remote proxy` answers so when it had to renew its token and the request never reached the server. */
const askAgain = 305;

function aboutOf(incus: Incus, wanted: Pick<Call, 'purpose' | 'instance'>): About {
  return {
    purpose: wanted.purpose,
    product: incus.product,
    project: incus.project,
    ...(wanted.instance === undefined ? {} : { instance: wanted.instance }),
  };
}

function bodyOf(wanted: CallTarget): string | Buffer | Readable | null {
  if ('raw' in wanted) return wanted.raw;
  return 'body' in wanted ? JSON.stringify(wanted.body) : null;
}

function headersOf(wanted: CallTarget): Record<string, string> {
  if ('raw' in wanted) return { 'content-type': 'application/octet-stream', ...wanted.headers };
  if (!('body' in wanted)) return {};
  return { 'content-type': 'application/json', ...(wanted.etag === undefined ? {} : { 'if-match': wanted.etag }) };
}

/** Decodes an answer; the failure is what the server says of what was asked. */
export function decode(about: About, answer: HttpAnswer): Result<Reply, PlatformFailure> {
  const json = parseJson(answer.body.toString('utf8'));
  if (!isObject(json)) return err(notJson(about, answer));
  if (json['type'] === 'error') return err(errorFailure(about, answer));
  return ok({
    etag: answer.headers.etag ?? '',
    metadata: json['metadata'],
    operation: json['type'] === 'async' ? operationId(json) : null,
  });
}

function operationId(json: Readonly<Record<string, unknown>>): string | null {
  return (
    /\/operations\/([^/?]+)/.exec(textOf(json['operation']))?.[1] ?? (textOf(objectOf(json['metadata'])['id']) || null)
  );
}

function errorFailure(about: About, answer: HttpAnswer): PlatformFailure {
  const json = parseJson(answer.body.toString('utf8'));
  if (!isObject(json)) return notJson(about, answer);
  return serverFailure(about, numberOf(json['error_code']) || answer.status, textOf(json['error']));
}

function notJson(about: About, answer: HttpAnswer): PlatformFailure {
  // The answer of a proxy that lost the server: what was asked may have reached it.
  if (answer.status >= 502 && answer.status <= 504)
    return failureOf('connection-lost', about, `the connection to the remote is broken (HTTP status ${answer.status})`);
  const start = answer.body.subarray(0, 200).toString('utf8');
  const detail = start === '' ? 'an empty answer' : `an answer that does not come from the server: "${start}"`;
  return failureOf('server', about, `${detail} (HTTP status ${answer.status})`, { code: answer.status });
}

async function troubleFailure(incus: Incus, about: About, trouble: Trouble, limitMs: number): Promise<PlatformFailure> {
  switch (trouble.kind) {
    case 'not-sent':
      return socketFailure(about, incus.socket, trouble.errno);
    case 'lost':
      return failureOf('connection-lost', about, `the connection to the server broke (${trouble.message})`);
    case 'limit':
      return failureOf('timed-out', about, `no answer within ${formatDuration(limitMs)}`);
    case 'too-long':
      return failureOf('invalid', about, trouble.message);
    default:
      return trouble.kind satisfies never;
  }
}
