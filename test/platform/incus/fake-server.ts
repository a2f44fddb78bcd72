import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startFakeExec, type FakeExec } from './fake-exec.ts';
import {
  changeState,
  etagOf,
  findSnapshot,
  instanceJson,
  newInstance,
  patch,
  restoreTo,
  snapshotEtagOf,
  snapshotJson,
  takeSnapshot,
  type FakeInstance,
} from './fake-instance.ts';
import { FakeError, startOperation, type FakeOperation } from './fake-operations.ts';

/** A request that the fake got. */
interface FakeRequest {
  readonly method: string;
  /** With the query. */
  readonly url: string;
  readonly pathname: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Answers instead of the fake; false lets the fake answer. Faults are asked newest first. */
type Fault = (request: FakeRequest, response: ServerResponse) => boolean;

/**
 * A small Incus on a unix socket, for faults that a real one cannot be made to show. `conformance.ts` holds it to the
 * real one in all that it answers by itself.
 */
export interface FakeIncus {
  readonly socket: string;
  readonly requests: readonly FakeRequest[];
  readonly instance: (name: string) => FakeInstance;
  /** Tells the failure of an operation in `/wait` as Incus from 6.0.5 on does: a sync answer that holds the operation. */
  newerWait: boolean;
  /** How long an operation is known after its end. */
  forgetAfterMs: number;
  readonly fault: (fault: Fault) => void;
  /** How many connections were made so far. */
  readonly connections: () => number;
  /** The connections made so far break as soon as something more comes over them. */
  readonly dropNextRequestOfUsedConnection: () => void;
  /** Operations that start from now on do not end before `release`. Not for exec. */
  readonly hold: () => void;
  readonly release: () => void;
  /** Resolves when somebody waits for an operation. */
  readonly waitedFor: () => Promise<void>;
  /** Connects the sockets of the next `execs` execs only after so many milliseconds; those execs wait for half as long. */
  readonly delaySockets: (ms: number, execs: number) => void;
  /** Breaks the connections on which somebody waits for an operation. */
  readonly breakWaits: () => void;
  /** Resolves when a command of an exec has been started. */
  readonly execStarted: () => Promise<void>;
  /** The execs that were started, oldest first. */
  readonly execs: () => readonly FakeExec[];
  /** Breaks all connections and forgets all operations, as a restart does; the socket answers on. */
  readonly restart: () => void;
  readonly close: () => Promise<void>;
}

/** Starts a fake with one running instance `c1`. */
export const startFakeIncus = async (): Promise<FakeIncus> => {
  const folder = await mkdtemp(join(tmpdir(), 'guard-fake-incus-'));
  const socket = join(folder, 'unix.socket');
  let onExecStart: () => void = () => {};
  const execStarted = new Promise<void>((resolve) => (onExecStart = resolve));
  const state: State = {
    instances: new Map([['c1', newInstance('c1')]]),
    operations: new Map(),
    execs: new Map(),
    faults: [],
    requests: [],
    held: Promise.resolve(),
    delays: [],
    waits: new Set(),
    execStarted,
    onExecStart,
    onWait: () => {},
  };
  const server = createServer((request, response) => void answer(fake, state, request, response));
  server.on('upgrade', (request: IncomingMessage, connection: Duplex, head: Buffer) =>
    upgrade(state, request, connection, head),
  );
  const connections = new Set<Duplex>();
  let release: () => void = () => {};
  let made = 0;
  server.on('connection', (connection: Duplex) => {
    made += 1;
    connections.add(connection);
    connection.on('close', () => connections.delete(connection));
  });
  const breakAll = (): void => {
    for (const connection of connections) connection.destroy();
  };
  const fake: FakeIncus = {
    socket,
    requests: state.requests,
    instance: (name) => instanceNamed(state, name),
    newerWait: false,
    forgetAfterMs: 5_000,
    fault: (fault) => state.faults.unshift(fault),
    connections: () => made,
    dropNextRequestOfUsedConnection: () => {
      for (const connection of connections) connection.prependOnceListener('data', () => connection.destroy());
    },
    hold: () => {
      state.held = new Promise((resolve) => (release = resolve));
    },
    release: () => release(),
    waitedFor: () => new Promise((resolve) => (state.onWait = resolve)),
    delaySockets: (ms, execs) => {
      state.delays = Array.from({ length: execs }, () => ms);
    },
    breakWaits: () => {
      for (const response of state.waits) response.destroy();
    },
    execStarted: () => state.execStarted,
    execs: () => [...state.execs.values()],
    restart: () => {
      state.operations.clear();
      breakAll();
    },
    close: async () => {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
  await listen(server, socket);
  return fake;
};

interface State {
  readonly instances: Map<string, FakeInstance>;
  readonly operations: Map<string, FakeOperation>;
  readonly execs: Map<string, FakeExec>;
  readonly faults: Fault[];
  readonly requests: FakeRequest[];
  held: Promise<void>;
  delays: number[];
  readonly waits: Set<ServerResponse>;
  readonly execStarted: Promise<void>;
  readonly onExecStart: () => void;
  onWait: () => void;
}

const listen = (server: Server, socket: string): Promise<void> =>
  new Promise((resolve) => server.listen(socket, resolve));

const answer = async (
  fake: FakeIncus,
  state: State,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const request = await requestOf(incoming);
  state.requests.push(request);
  if (state.faults.some((fault) => fault(request, response))) return;
  try {
    await route(fake, state, request, response);
  } catch (error) {
    if (error instanceof FakeError) sendError(response, error.status, error.message);
    else throw error;
  }
};

const requestOf = async (incoming: IncomingMessage): Promise<FakeRequest> => {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const url = incoming.url ?? '/';
  const { pathname, searchParams } = new URL(url, 'http://incus');
  const { method = 'GET', headers } = incoming;
  return { method, url, pathname, query: searchParams, headers, body: Buffer.concat(chunks) };
};

type Route = (context: Context) => Promise<void> | void;

interface Context {
  readonly fake: FakeIncus;
  readonly state: State;
  readonly request: FakeRequest;
  readonly response: ServerResponse;
  /** The variable parts of the path, decoded. */
  readonly parts: readonly string[];
}

const route = async (fake: FakeIncus, state: State, request: FakeRequest, response: ServerResponse): Promise<void> => {
  for (const [method, form, handle] of routes) {
    const match = method === request.method ? form.exec(request.pathname) : null;
    if (!match) continue;
    await handle({ fake, state, request, response, parts: match.slice(1).map(decodeURIComponent) });
    return;
  }
  sendError(response, 404, 'not found');
};

const instanceNamed = (state: State, name = ''): FakeInstance => {
  const instance = state.instances.get(name);
  if (!instance)
    throw new FakeError(404, `Failed to fetch instance "${name}" in project "default": Instance not found`);
  return instance;
};

const routes: readonly (readonly [string, RegExp, Route])[] = [
  ['GET', /^\/1\.0$/, ({ response }) => send(response, serverJson)],
  [
    'GET',
    /^\/1\.0\/instances$/,
    ({ state, request, response }) =>
      send(
        response,
        request.query.get('recursion') === '1'
          ? [...state.instances.values()].map(instanceJson)
          : [...state.instances.keys()].map((name) => `/1.0/instances/${name}`),
      ),
  ],
  ['GET', /^\/1\.0\/instances\/([^/]+)$/, (context) => showInstance(context)],
  ['PATCH', /^\/1\.0\/instances\/([^/]+)$/, (context) => patchInstance(context)],
  [
    'PUT',
    /^\/1\.0\/instances\/([^/]+)$/,
    (context) => act(context, 'Restoring snapshot', (instance, body) => restoreTo(instance, String(body['restore']))),
  ],
  [
    'PUT',
    /^\/1\.0\/instances\/([^/]+)\/state$/,
    (context) =>
      act(context, 'Changing state', (instance, body) => {
        changeState(instance, body['action']);
        if (instance.status === 'Stopped') for (const exec of context.state.execs.values()) exec.kill();
      }),
  ],
  ['GET', /^\/1\.0\/instances\/([^/]+)\/snapshots$/, (context) => listSnapshots(context)],
  [
    'POST',
    /^\/1\.0\/instances\/([^/]+)\/snapshots$/,
    (context) =>
      act(context, 'Snapshotting instance', (instance, body) =>
        takeSnapshot(instance, String(body['name']), String(body['expires_at'])),
      ),
  ],
  [
    'GET',
    /^\/1\.0\/instances\/([^/]+)\/snapshots\/([^/]+)$/,
    ({ state, response, parts }) => {
      const snapshot = findSnapshot(instanceNamed(state, parts[0]), parts[1] ?? '');
      response.setHeader('etag', snapshotEtagOf(snapshot));
      send(response, snapshotJson(snapshot));
    },
  ],
  ['POST', /^\/1\.0\/instances\/([^/]+)\/snapshots\/([^/]+)$/, (context) => renameSnapshot(context)],
  ['PATCH', /^\/1\.0\/instances\/([^/]+)\/snapshots\/([^/]+)$/, (context) => expireSnapshot(context)],
  ['DELETE', /^\/1\.0\/instances\/([^/]+)\/snapshots\/([^/]+)$/, (context) => deleteSnapshot(context)],
  ['POST', /^\/1\.0\/instances\/([^/]+)\/files$/, (context) => pushFile(context)],
  ['GET', /^\/1\.0\/instances\/([^/]+)\/files$/, (context) => pullFile(context)],
  ['DELETE', /^\/1\.0\/instances\/([^/]+)\/files$/, (context) => deleteFile(context)],
  ['POST', /^\/1\.0\/instances\/([^/]+)\/exec$/, (context) => exec(context)],
  [
    'GET',
    /^\/1\.0\/instances\/([^/]+)\/state$/,
    ({ state, response, parts }) => send(response, { status: instanceNamed(state, parts[0]).status }),
  ],
  ['GET', /^\/1\.0\/projects\/default$/, ({ response }) => send(response, { config: {} })],
  [
    'GET',
    /^\/1\.0\/storage-pools$/,
    ({ response }) => send(response, [{ name: 'default', driver: 'btrfs', config: {} }]),
  ],
  [
    'GET',
    /^\/1\.0\/storage-pools\/default$/,
    ({ response }) => send(response, { name: 'default', driver: 'btrfs', config: {} }),
  ],
  [
    'GET',
    /^\/1\.0\/storage-pools\/default\/resources$/,
    ({ response }) => send(response, { space: { used: 1, total: 2 } }),
  ],
  [
    'GET',
    /^\/1\.0\/storage-pools\/default\/volumes\/container\/([^/]+)\/snapshots$/,
    ({ state, response, parts }) => {
      const { name, snapshots } = instanceNamed(state, parts[0]);
      send(
        response,
        snapshots.map((one) => `/1.0/storage-pools/default/volumes/container/${name}/snapshots/${one.name}`),
      );
    },
  ],
  ['GET', /^\/1\.0\/operations$/, (context) => listOperations(context)],
  [
    'GET',
    /^\/1\.0\/operations\/([^/]+)$/,
    ({ state, response, parts }) => send(response, operationNamed(state, parts[0]).toJson()),
  ],
  ['GET', /^\/1\.0\/operations\/([^/]+)\/wait$/, (context) => wait(context)],
];

const serverJson = {
  auth: 'trusted',
  api_extensions: [],
  environment: {
    server: 'incus',
    server_version: '6.0.4',
    server_name: 'fake',
    certificate_fingerprint: 'f'.repeat(64),
  },
};

const showInstance = ({ state, response, parts }: Context): void => {
  const instance = instanceNamed(state, parts[0]);
  response.setHeader('etag', etagOf(instance));
  send(response, instanceJson(instance));
};

const patchInstance = ({ state, request, response, parts }: Context): void => {
  const instance = instanceNamed(state, parts[0]);
  const wanted = request.headers['if-match'];
  if (wanted !== undefined && wanted !== etagOf(instance))
    throw new FakeError(412, `ETag doesn't match: ${etagOf(instance)} vs ${wanted}`);
  patch(instance, jsonBody(request));
  send(response, {});
};

/** An operation that changes the instance. */
const act = (
  { fake, state, request, response, parts }: Context,
  description: string,
  change: (instance: FakeInstance, body: Record<string, unknown>) => void,
): void => {
  const instance = instanceNamed(state, parts[0]);
  const operation = startOperation(instance.name, description, 'task', async () => {
    await state.held;
    change(instance, jsonBody(request));
  });
  accept(fake, state, response, operation);
};

const listSnapshots = ({ state, response, parts }: Context): void => {
  send(response, instanceNamed(state, parts[0]).snapshots.map(snapshotJson));
};

const renameSnapshot = (context: Context): void => {
  const from = context.parts[1] ?? '';
  findSnapshot(instanceNamed(context.state, context.parts[0]), from);
  act(context, 'Renaming snapshot', (instance, body) => {
    const to = String(body['name']);
    if (instance.snapshots.some((one) => one.name === to))
      throw new FakeError(500, `Name "${to}" already in use: already exists`);
    findSnapshot(instance, from).name = to;
  });
};

const expireSnapshot = (context: Context): void => {
  const snapshot = findSnapshot(instanceNamed(context.state, context.parts[0]), context.parts[1] ?? '');
  const wanted = context.request.headers['if-match'];
  if (wanted !== undefined && wanted !== snapshotEtagOf(snapshot))
    throw new FakeError(412, `ETag doesn't match: ${snapshotEtagOf(snapshot)} vs ${wanted}`);
  act(context, 'Updating snapshot', (_instance, body) => {
    snapshot.expires_at = String(body['expires_at']);
  });
};

const deleteSnapshot = (context: Context): void => {
  const instance = instanceNamed(context.state, context.parts[0]);
  const snapshot = findSnapshot(instance, context.parts[1] ?? '');
  const { fake, state, response } = context;
  const operation = startOperation(instance.name, 'Deleting snapshot', 'task', async () => {
    instance.snapshots = instance.snapshots.filter((one) => one !== snapshot);
  });
  accept(fake, state, response, operation);
};

const pushFile = ({ state, request, response, parts }: Context): void => {
  const header = (name: string): string => String(request.headers[`x-incus-${name}`] ?? '');
  const file = { content: request.body, mode: header('mode'), uid: header('uid') || '0', gid: header('gid') || '0' };
  instanceNamed(state, parts[0]).files.set(request.query.get('path') ?? '', file);
  send(response, {});
};

const pullFile = ({ state, request, response, parts }: Context): void => {
  const file = instanceNamed(state, parts[0]).files.get(request.query.get('path') ?? '');
  if (!file) throw new FakeError(404, 'Failed to find file: not found');
  response.writeHead(200, { 'x-incus-mode': file.mode, 'x-incus-uid': file.uid, 'x-incus-gid': file.gid });
  response.end(file.content);
};

const deleteFile = ({ state, request, response, parts }: Context): void => {
  if (!instanceNamed(state, parts[0]).files.delete(request.query.get('path') ?? ''))
    throw new FakeError(404, 'not found');
  send(response, {});
};

const exec = ({ fake, state, request, response, parts }: Context): void => {
  const instance = instanceNamed(state, parts[0]);
  if (instance.status !== 'Running') throw new FakeError(400, 'Instance is not running');
  const command = jsonBody(request)['command'] as string[];
  const delayMs = state.delays.shift() ?? 0;
  const started = startFakeExec(instance.name, command, {
    connectLimitMs: delayMs === 0 ? 5000 : delayMs / 2,
    socketDelayMs: delayMs,
    onStart: state.onExecStart,
  });
  state.execs.set(started.operation.id, started);
  accept(fake, state, response, started.operation);
};

const listOperations = ({ state, response }: Context): void => {
  const all = [...state.operations.values()];
  const ended = all.filter((operation) => operation.failure() !== null);
  const running = all.filter((operation) => operation.failure() === null);
  send(response, {
    ...(ended.length > 0 ? { success: ended.map((operation) => operation.toJson()) } : {}),
    ...(running.length > 0 ? { running: running.map((operation) => operation.toJson()) } : {}),
  });
};

const operationNamed = (state: State, id = ''): FakeOperation => {
  const operation = state.operations.get(id);
  if (!operation) throw new FakeError(404, 'Operation not found');
  return operation;
};

/** The status is sent before the operation ends, as the real one does: a failure cannot be in it. */
const wait = async ({ fake, state, response, parts }: Context): Promise<void> => {
  const operation = operationNamed(state, parts[0]);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  state.onWait();
  state.waits.add(response);
  await operation.done;
  const failure = operation.failure() ?? '';
  response.end(
    JSON.stringify(
      failure === '' || fake.newerWait
        ? { type: 'sync', status: 'Success', status_code: 200, metadata: operation.toJson() }
        : { type: 'error', status: '', status_code: 0, error_code: 500, error: failure, metadata: null },
    ),
  );
};

const accept = (fake: FakeIncus, state: State, response: ServerResponse, operation: FakeOperation): void => {
  state.operations.set(operation.id, operation);
  const forget = async (): Promise<void> => {
    await operation.done;
    setTimeout(() => state.operations.delete(operation.id), fake.forgetAfterMs).unref();
  };
  void forget();
  const url = `/1.0/operations/${operation.id}`;
  response.writeHead(202, { location: url });
  response.end(
    JSON.stringify({ type: 'async', status_code: 100, operation: url, error_code: 0, metadata: operation.toJson() }),
  );
};

const upgrade = (state: State, request: IncomingMessage, connection: Duplex, head: Buffer): void => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://incus');
  const exec = state.execs.get(/^\/1\.0\/operations\/([^/]+)\/websocket$/.exec(pathname)?.[1] ?? '');
  if (exec) void exec.attach(request, connection, head, searchParams.get('secret') ?? '');
  else connection.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
};

const jsonBody = (request: FakeRequest): Record<string, unknown> =>
  JSON.parse(request.body.toString('utf8')) as Record<string, unknown>;

const send = (response: ServerResponse, metadata: unknown): void => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ type: 'sync', status: 'Success', status_code: 200, metadata }));
};

const sendError = (response: ServerResponse, status: number, error: string): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({ type: 'error', status: '', status_code: 0, error_code: status, error, metadata: null }),
  );
};
