import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { lookup } from 'node:dns';
import { connect, Socket } from 'node:net';
import { chmod, lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { isGlobalAddress } from '../platform/address.ts';
import { neutralise } from '../text.ts';
import { isLoopback } from './package-sources.ts';

/**
 * The only way out of a copy: a small HTTP proxy on guard's machine. It admits GET, HEAD and CONNECT to the hosts of the
 * copy's own package sources, and these only while the command runs; everything else gets 403 and is remembered.
 */
export interface PackageProxy {
  /** The unix socket that the copy's proxy device leads to. */
  readonly socket: string;
  /** Admits these hosts from now on. */
  readonly open: (hosts: ReadonlySet<string>) => void;
  /** Admits nothing any more, and ends the connections that there are. */
  readonly shut: () => void;
  /** Hosts that were asked for while it was open, and refused, in the order of their first request. */
  readonly refused: () => readonly string[];
  /** Hosts that were admitted, and that this machine could not connect to, in the same order. */
  readonly unreachable: () => readonly string[];
  /** Whether anybody asked for anything, admitted or not. */
  readonly wasAsked: () => boolean;
  readonly close: () => Promise<void>;
}

/** What of the outside a proxy needs; tests replace the connection. */
export interface ProxyOptions {
  readonly connectTo?: (host: string, port: number) => Socket;
}

/** The most hosts of each kind that are remembered: a hostile copy must not fill the report. */
const mostHosts = 50;

/** The folder of the socket names the rehearsal, so that `removeProxyFolders` finds it when guard was killed. */
function folderPrefix(run: string): string {
  return `guard-packages-${run}-`;
}

/** Removes the folders of proxies whose guard was killed, of one rehearsal: temporary folders of this user's. */
export async function removeProxyFolders(run: string): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(folderPrefix(run)))) {
    const path = join(tmpdir(), name);
    const found = await lstat(path).catch(() => null);
    // Everybody may make a folder of that name.
    if (found?.isDirectory() === true && found.uid === process.getuid?.())
      await rm(path, { recursive: true, force: true });
  }
}

/** Opens the proxy of the rehearsal with this id. It admits nothing before `open`. */
export async function openPackageProxy(
  run: string,
  { connectTo = connectTcp }: ProxyOptions = {},
): Promise<PackageProxy> {
  const folder = await mkdtemp(join(tmpdir(), folderPrefix(run)));
  const socket = join(folder, 'proxy.sock');
  const state: State = { hosts: null, refused: new Set(), unreachable: new Set(), wasAsked: false, sockets: new Set() };
  const server = createServer((incoming, response) => forward(state, connectTo, incoming, response));
  server.on('connect', (incoming: IncomingMessage, client: Duplex) => tunnel(state, connectTo, incoming, client));
  server.on('connection', (client) => remember(state, client));
  server.on('clientError', (_error, client) => client.destroy());
  await listen(server, socket);
  // The server's own processes connect as root; nobody else has any business here.
  await chmod(socket, 0o600);
  return {
    socket,
    open: (hosts) => {
      state.hosts = new Set(hosts);
    },
    shut: () => {
      state.hosts = null;
      for (const one of state.sockets) one.destroy();
    },
    refused: () => [...state.refused],
    unreachable: () => [...state.unreachable],
    wasAsked: () => state.wasAsked,
    close: async () => {
      state.hosts = null;
      for (const one of state.sockets) one.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface State {
  /** Null while it is shut. */
  hosts: Set<string> | null;
  readonly refused: Set<string>;
  readonly unreachable: Set<string>;
  wasAsked: boolean;
  readonly sockets: Set<Duplex>;
}

type ConnectTo = (host: string, port: number) => Socket;

/** A plain request for an absolute URL, as a proxy gets it. */
function forward(state: State, connectTo: ConnectTo, incoming: IncomingMessage, response: ServerResponse): void {
  state.wasAsked = true;
  const url = parseUrl(incoming.url ?? '');
  const mayRead = incoming.method === 'GET' || incoming.method === 'HEAD';
  if (url === null || url.protocol !== 'http:' || !mayRead || !admits(state, url.hostname, url.port)) {
    refuse(state, url === null ? (incoming.url ?? '') : `${mayRead ? '' : `${incoming.method ?? ''} `}${url.host}`);
    incoming.resume();
    response.writeHead(403, { 'content-type': 'text/plain', connection: 'close' });
    response.end('guard: this copy can reach only the hosts of its package sources.\n');
    return;
  }
  const { hostname, port } = url;
  const { 'proxy-authorization': _secret, 'proxy-connection': _hop, ...headers } = incoming.headers;
  const outgoing = request({
    method: incoming.method,
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host, connection: 'close' },
    createConnection: () => reach(state, connectTo, hostname, Number(port || 80)),
  });
  outgoing.on('response', (answer) => {
    followRedirect(state, answer.statusCode ?? 0, answer.headers.location, url);
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  outgoing.on('error', () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502, { connection: 'close' }).end('guard: the package source cannot be reached.\n');
  });
  response.on('close', () => outgoing.destroy());
  outgoing.end();
}

/** A package source may send its clients to a mirror: that host is then one of the sources, too. */
function followRedirect(state: State, status: number, location: string | undefined, from: URL): void {
  if (status < 300 || status > 399 || location === undefined) return;
  const to = URL.canParse(location, from.href) ? new URL(location, from) : null;
  if (to === null || !/^https?:$/.test(to.protocol) || isLoopback(to.hostname)) return;
  state.hosts?.add(to.hostname);
  if (to.port !== '') state.hosts?.add(to.host);
}

/** `CONNECT host:443`: for package sources by https. */
function tunnel(state: State, connectTo: ConnectTo, incoming: IncomingMessage, client: Duplex): void {
  state.wasAsked = true;
  remember(state, client);
  const url = parseUrl(`http://${incoming.url ?? ''}`);
  const port = /:(\d+)$/.exec(incoming.url ?? '')?.[1] ?? '443';
  if (url === null || !admits(state, url.hostname, port)) {
    refuse(state, incoming.url ?? '');
    client.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
    return;
  }
  const server = reach(state, connectTo, url.hostname, Number(port));
  server.on('connect', () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    server.pipe(client);
    client.pipe(server);
  });
  server.on('error', () => client.destroy());
  client.on('error', () => server.destroy());
  server.on('close', () => client.destroy());
  client.on('close', () => server.destroy());
}

/** The two usual ports of a host of the sources, and those that the sources themselves name. */
function admits({ hosts }: State, hostname: string, port: string): boolean {
  if (hosts === null) return false;
  const isUsual = port === '' || port === '80' || port === '443';
  return (isUsual && hosts.has(hostname)) || hosts.has(`${hostname}:${port}`);
}

function refuse({ hosts, refused }: State, what: string): void {
  if (hosts !== null) note(refused, what);
}

function note(hosts: Set<string>, what: string): void {
  if (hosts.size < mostHosts) hosts.add(neutralise(what, 200));
}

/** Connects to an admitted host. What never connected could not be reached, also where the client gave up first. */
function reach(state: State, connectTo: ConnectTo, hostname: string, port: number): Socket {
  const socket = remember(state, connectTo(unbracketed(hostname), port));
  let hasConnected = false;
  socket.on('connect', () => {
    hasConnected = true;
    state.unreachable.delete(hostname);
  });
  // The request listens for errors too, but not yet while it is made.
  socket.on('error', () => {});
  socket.on('close', () => {
    // After the command the proxy itself ends what is under way.
    if (!hasConnected && state.hosts !== null) note(state.unreachable, hostname);
  });
  return socket;
}

function remember<Stream extends Duplex>({ sockets }: State, stream: Stream): Stream {
  sockets.add(stream);
  stream.on('close', () => sockets.delete(stream));
  return stream;
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

/** `[2001:db8::1]` as a URL has it. */
function unbracketed(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** A name of the copy's choice must not lead to what only this machine can reach, whatever it resolves to. */
function connectTcp(host: string, port: number): Socket {
  if (isLoopback(host)) return new Socket().destroy(new Error(`${host} is not the address of a package source`));
  return connect({
    host,
    port,
    lookup: (name, options, callback) => {
      lookup(name, { ...options, all: true }, (error, found) => {
        const allowed = (found ?? []).filter(({ address }) => isGlobalAddress(address));
        const [first] = allowed;
        if (first === undefined) callback(error ?? new Error(`${name} is not the address of a package source`), []);
        else if (options.all === true) callback(null, allowed);
        else callback(null, first.address, first.family);
      });
    },
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
}
