import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openPackageProxy, removeProxyFolders, type PackageProxy } from '../../src/rehearsal/package-proxy.ts';

let mirror: Server;
let port: number;
let asked: string[];
let proxy: PackageProxy;
const connections: string[] = [];

beforeEach(async () => {
  asked = [];
  connections.length = 0;
  mirror = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.headers.host}${incoming.url}`);
    if (incoming.url === '/moved') response.writeHead(302, { location: 'http://next.example/there' }).end();
    else response.end('a package');
  });
  mirror.listen(0, '127.0.0.1');
  await once(mirror, 'listening');
  port = (mirror.address() as AddressInfo).port;
  proxy = await openPackageProxy('20261129-120000-abcd', {
    connectTo: (host, to): Socket => {
      connections.push(`${host}:${to}`);
      // Nobody listens on this port.
      if (host === 'away.example') return connect({ host: '127.0.0.1', port: 1 });
      return connect({ host: '127.0.0.1', port });
    },
  });
});

afterEach(async () => {
  await proxy.close();
  mirror.close();
});

const ask = async (path: string, method = 'GET'): Promise<{ status: number; body: string }> => {
  const outgoing = request({ socketPath: proxy.socket, path, method });
  outgoing.end(method === 'POST' ? 'a message' : undefined);
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, body: await text(answer) };
};

const tunnel = async (authority: string): Promise<{ status: number; socket: Socket }> => {
  const outgoing = request({ socketPath: proxy.socket, path: authority, method: 'CONNECT' });
  outgoing.end();
  const [answer, socket] = (await once(outgoing, 'connect')) as [IncomingMessage, Socket];
  return { status: answer.statusCode ?? 0, socket };
};

describe('the package proxy', () => {
  test('admits nothing before it is opened, and forgets what was asked then', async () => {
    expect((await ask('http://deb.example/x')).status).toBe(403);
    expect((await tunnel('deb.example:443')).status).toBe(403);
    expect(proxy.refused()).toEqual([]);
    expect(connections).toEqual([]);
  });

  test('passes GET and HEAD on to the hosts of the sources', async () => {
    proxy.open(new Set(['deb.example']));
    expect(await ask('http://deb.example/pool/x.deb?y=1')).toEqual({ status: 200, body: 'a package' });
    expect((await ask('http://deb.example/x', 'HEAD')).status).toBe(200);
    expect(asked).toEqual(['GET deb.example/pool/x.deb?y=1', 'HEAD deb.example/x']);
    expect(connections).toEqual(['deb.example:80', 'deb.example:80']);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('refuses %s, to a source too', async (method) => {
    proxy.open(new Set(['deb.example']));
    expect((await ask('http://deb.example/hook', method)).status).toBe(403);
    expect(asked).toEqual([]);
    expect(proxy.refused()).toEqual([`${method} deb.example`]);
  });

  test.each([
    'http://hooks.example/x',
    'http://deb.example.evil/x',
    'http://deb.example:25/x',
    'http://deb.example:5432/x',
    'http://127.0.0.1/x',
    'https://deb.example/x',
    'ftp://deb.example/x',
    '/local',
  ])('refuses GET %s', async (url) => {
    proxy.open(new Set(['deb.example']));
    expect((await ask(url)).status).toBe(403);
    expect(connections).toEqual([]);
    expect(proxy.refused()).toHaveLength(1);
  });

  test('admits the ports that the sources name', async () => {
    proxy.open(new Set(['deb.example', 'deb.example:8080']));
    expect((await ask('http://deb.example:8080/x')).status).toBe(200);
    expect(connections).toEqual(['deb.example:8080']);
  });

  test('tunnels to the sources, and nowhere else', async () => {
    proxy.open(new Set(['deb.example']));
    const { status, socket } = await tunnel('deb.example:443');
    expect(status).toBe(200);
    socket.write('GET /inside HTTP/1.1\r\nhost: deb.example\r\nconnection: close\r\n\r\n');
    expect(await text(socket)).toContain('a package');
    for (const authority of ['mail.example:25', 'deb.example:25', 'deb.example:22', 'db.example:5432'])
      expect((await tunnel(authority)).status).toBe(403);
    expect(connections).toEqual(['deb.example:443']);
    expect(proxy.refused()).toEqual(['mail.example:25', 'deb.example:25', 'deb.example:22', 'db.example:5432']);
  });

  test('a source may send its clients to a mirror', async () => {
    proxy.open(new Set(['deb.example']));
    expect((await ask('http://next.example/there')).status).toBe(403);
    expect((await ask('http://deb.example/moved')).status).toBe(302);
    expect((await ask('http://next.example/there')).status).toBe(200);
  });

  test('remembers the sources that cannot be reached, and no others', async () => {
    proxy.open(new Set(['deb.example', 'away.example']));
    expect((await ask('http://deb.example/x')).status).toBe(200);
    expect(proxy.unreachable()).toEqual([]);
    expect((await ask('http://away.example/x')).status).toBe(502);
    const outgoing = request({ socketPath: proxy.socket, path: 'away.example:443', method: 'CONNECT' });
    outgoing.end();
    await once(outgoing, 'error');
    expect(proxy.unreachable()).toEqual(['away.example']);
    expect(proxy.refused()).toEqual([]);
  });

  test('knows whether anybody asked', async () => {
    expect(proxy.wasAsked()).toBe(false);
    await ask('http://deb.example/x');
    expect(proxy.wasAsked()).toBe(true);
  });

  test('ends what goes on when it is shut', async () => {
    proxy.open(new Set(['deb.example']));
    const { socket } = await tunnel('deb.example:443');
    const over = once(socket, 'close');
    proxy.shut();
    await over;
    expect((await ask('http://deb.example/x')).status).toBe(403);
  });

  test('a hostile copy cannot fill the report', async () => {
    proxy.open(new Set());
    for (let at = 0; at < 60; at += 1) await ask(`http://h${at}.example/`);
    expect(proxy.refused()).toHaveLength(50);
  });

  test('of a guard that was killed leaves a folder, which is found by the id of its rehearsal alone', async () => {
    const other = await openPackageProxy('20261129-120000-wxyz');
    await removeProxyFolders('20261129-120000-wxyz');
    expect(existsSync(other.socket)).toBe(false);
    expect(existsSync(proxy.socket)).toBe(true);
    await other.close();
  });
});
