import { request as httpRequest, type Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { pipeline, type Readable } from 'node:stream';

import type { Clock } from '../../../clock.ts';
import { err, ok, type Result } from '../../../result.ts';

/** One HTTP exchange over a unix socket. `path` is the whole path with its query. */
export interface Exchange {
  readonly socket: string;
  /** False: a connection of its own, so that a broken one can only mean that the server went away. */
  readonly agent: Agent | false;
  readonly clock: Clock;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | Readable | null;
  readonly limitMs: number;
  /** Called when the whole request is on its way. */
  readonly onSent?: (() => void) | undefined;
  /** A good answer longer than this is cut off and not given. */
  readonly maxBytes: number;
}

/** What came back. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Why nothing came back. `not-sent` is certain; after `lost` and `limit` the server may have acted. */
export interface Trouble {
  readonly kind: 'not-sent' | 'lost' | 'limit' | 'too-long';
  /** `ENOENT`, `ECONNREFUSED`, `EACCES`, …; empty when there is none. */
  readonly errno: string;
  readonly message: string;
}

/** Sends one request and reads the whole answer. Follows no redirect. */
export function exchange(wanted: Exchange): Promise<Result<HttpAnswer, Trouble>> {
  return new Promise((resolve) => {
    const request = httpRequest({
      ...connectionOf(wanted),
      method: wanted.method,
      path: wanted.path,
      headers: { host: 'incus', ...wanted.headers },
    });
    function finish(end: Result<HttpAnswer, Trouble>): void {
      callOffLimit();
      resolve(end);
    }
    function give(kind: Trouble['kind'], error: unknown): void {
      finish(err(transportErrorOf(kind, error)));
      request.destroy();
    }
    let sent = false;
    request.on('socket', (socket) => {
      if (!socket.connecting) sent = true;
      else socket.once('connect', () => (sent = true));
    });
    request.on('error', (error) => give(sent ? 'lost' : 'not-sent', error));
    async function receive(response: IncomingMessage): Promise<void> {
      try {
        const isError = (response.statusCode ?? 0) >= 300;
        const body = await collect(response, isError ? errorLimitBytes : wanted.maxBytes);
        if (body === null) give('too-long', new Error(`the answer is longer than ${wanted.maxBytes} bytes`));
        else finish(ok({ status: response.statusCode ?? 0, headers: response.headers, body }));
      } catch (error) {
        give('lost', error);
      }
    }
    const callOffLimit = wanted.clock.after(wanted.limitMs, () => give('limit', new Error('the limit was reached')));
    request.on('response', (response) => void receive(response));
    if (wanted.onSent) request.once('finish', wanted.onSent);
    sendBody(request, wanted.body);
  });
}

/** A name for TLS is never needed: given as none, Node does not look for one, which costs milliseconds the first time. */
function connectionOf({ socket, agent }: Pick<Exchange, 'socket' | 'agent'>) {
  return agent === false ? { createConnection: () => connect(socket) } : { socketPath: socket, agent, servername: '' };
}

const errorLimitBytes = 1024 * 1024;

function sendBody(request: ClientRequest, body: Exchange['body']): void {
  if (body === null || typeof body === 'string' || Buffer.isBuffer(body)) {
    request.end(body ?? undefined);
    return;
  }
  // A server that answers before it read everything (404 for a missing folder) ends the pipeline early: the answer counts.
  pipeline(body, request, () => {});
}

/** Null when it is longer than `maxBytes`; rejects when the connection broke before the end. */
function collect(response: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) resolve(null);
      else chunks.push(chunk);
    });
    response.once('end', () => resolve(Buffer.concat(chunks)));
    response.once('error', reject);
    response.once('close', () => reject(new Error('the answer was cut off')));
  });
}

function transportErrorOf(kind: Trouble['kind'], error: unknown): Trouble {
  return {
    kind,
    errno: error instanceof Error && 'code' in error ? String(error.code) : '',
    message: error instanceof Error ? error.message : String(error),
  };
}
