import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findSocket } from '../../src/platform/incus/remote/socket.ts';

/** A request as it came over the socket. */
export interface Passed {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: string;
  /** JSON where it is JSON, else null. */
  readonly body: unknown;
}

/** A socket before the real one: whatever the built program asks the server passes here, however it came to ask. */
export interface IncusProxy {
  readonly socket: string;
  readonly seen: readonly Passed[];
  /** Those that are not GET and may change something. */
  readonly changes: () => Passed[];
  readonly forget: () => void;
  /** Answers with this error, instead of the server, what the condition holds for; null for nothing. */
  fail: ((request: Passed) => string | null) | null;
  readonly close: () => Promise<void>;
}

export const openProxy = async (): Promise<IncusProxy> => {
  const folder = await mkdtemp(join(tmpdir(), 'guard-proxy-'));
  const socket = join(folder, 'unix.socket');
  const target = findSocket(process.env).socket;
  const seen: Passed[] = [];
  const server = createServer((incoming, answer) => void pass(incoming, answer));
  const connections = new Set<Socket>();
  server.on('connection', (connection) => {
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
  });
  const proxy: IncusProxy = {
    socket,
    seen,
    changes: () => seen.filter(({ method }) => method !== 'GET'),
    forget: () => seen.splice(0),
    fail: null,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const connection of connections) connection.destroy();
      await closed;
      await rm(folder, { recursive: true });
    },
  };

  const pass = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const passed = passedOf(incoming, body);
    seen.push(passed);
    const message = proxy.fail?.(passed) ?? null;
    if (message !== null) {
      answer.writeHead(500, { 'content-type': 'application/json' });
      answer.end(JSON.stringify({ type: 'error', error: message, error_code: 500 }));
      return;
    }
    const { method, url: path, headers } = incoming;
    const onward = request({ socketPath: target, method, path, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    answer.on('close', () => onward.destroy());
    onward.end(body);
  };

  // WebSockets: bytes both ways after the head.
  server.on('upgrade', (incoming: IncomingMessage, near, head) => {
    seen.push(passedOf(incoming, Buffer.alloc(0)));
    const far = connect(target);
    const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
    for (let at = 0; at < incoming.rawHeaders.length; at += 2)
      lines.push(`${incoming.rawHeaders[at]}: ${incoming.rawHeaders[at + 1]}`);
    far.write(`${lines.join('\r\n')}\r\n\r\n`);
    far.write(head);
    near.pipe(far);
    far.pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });

  await new Promise<void>((resolve) => {
    server.listen(socket, resolve);
  });
  return proxy;
};

const passedOf = (incoming: IncomingMessage, body: Buffer): Passed => {
  const [path = '', query = ''] = (incoming.url ?? '').split('?');
  return { method: incoming.method ?? '', path, query, body: jsonOrNull(body) };
};

const jsonOrNull = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return null;
  }
};
