import { createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { TcpCheck } from '../../../../src/check-definition.ts';
import { askCheck } from '../../../../src/health/checks/check.ts';
import { closedPort, common, listening, nowhere } from './asking.ts';

const ask = (port: number, more: Partial<TcpCheck> = {}) =>
  askCheck({ ...common, kind: 'tcp', address: '127.0.0.1', port, send: null, expect: null, ...more }, nowhere);

const server = (talk: (socket: Socket) => void): Promise<number> =>
  listening(
    createServer((socket) => {
      socket.on('error', () => {});
      talk(socket);
    }),
  );

describe('a tcp check', () => {
  it('passes when somebody listens, and fails when nobody does', async () => {
    expect((await ask(await server(() => {}))).status).toBe('passed');
    const refused = await ask(await closedPort());
    expect(refused).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('connection refused') as string,
    });
  });

  it('waits for a greeting, in pieces too', async () => {
    const port = await server((socket) => {
      socket.write('22');
      setImmediate(() => socket.write('0 mail ESMTP\r\n'));
    });
    const greeting = { kind: 'regex', pattern: '^220 ' } as const;
    expect((await ask(port, { expect: greeting })).status).toBe('passed');
  });

  it('says what it has to say', async () => {
    const port = await server((socket) =>
      socket.on('data', (data) => socket.write(data.toString() === 'PING\r\n' ? '+PONG' : '?')),
    );
    const pong = { kind: 'text', text: '+PONG' } as const;
    expect((await ask(port, { send: 'PING\r\n', expect: pong })).status).toBe('passed');
  });

  it('fails with what came instead', async () => {
    const port = await server((socket) => socket.end('421 not now'));
    const result = await ask(port, { expect: { kind: 'text', text: '220' } });
    expect(result).toMatchObject({ status: 'failed', message: expect.stringContaining('421 not now') as string });
  });

  it('is killed at its timeout, and after 64 KiB of something else (F35)', async () => {
    const expectOk = { kind: 'text', text: 'ok' } as const;
    expect((await ask(await server(() => {}), { timeoutMs: 100, expect: expectOk })).message).toContain(
      'within 100 ms',
    );
    const flood = await server((socket) => {
      const write = (): void => {
        while (!socket.destroyed && socket.write('x'.repeat(65_536)));
      };
      socket.on('drain', write);
      write();
    });
    expect((await ask(flood, { expect: expectOk })).status).toBe('failed');
  });
});
