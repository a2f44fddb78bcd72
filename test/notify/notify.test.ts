import { createServer } from 'node:http';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Notice, NoticeWay } from '../../src/config/notice.ts';
import { sendNotices, type Message } from '../../src/notify/notify.ts';

const message: Message = {
  v: 1,
  run: '20261123-070945-z8mf',
  instance: 'web',
  project: 'default',
  remote: null,
  host: 'here',
  outcome: 'rolled-back',
  cause: 'unhealthy',
  exitStatus: 11,
  message: 'rolled back: …',
  command: ['apt', 'upgrade'],
  consecutiveFailures: 10,
  ms: 1,
};

const notice = (how: NoticeWay, timeoutMs = 30_000): Notice => ({ on: ['rolled-back'], how, timeoutMs });
const command = (...words: [string, ...string[]]): NoticeWay => ({ kind: 'command', words });

const asked: { body: string; key: string | undefined }[] = [];
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    asked.push({ body, key: request.headers['x-key'] as string | undefined });
    // Hangs for ever where it is asked to.
    if (request.url !== '/hang') response.writeHead(request.url?.startsWith('/no') ? 500 : 204).end();
  });
});
let folder = '';
let base = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-notify-'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

test('a command reads the message, and knows the tenth failure from the first (F42)', async () => {
  const file = join(folder, 'message');
  expect(await sendNotices([notice(command('sh', '-c', `cat >'${file}'`))], message, systemClock)).toEqual([]);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(message);
});

test('a webhook gets the message with its headers', async () => {
  const how = { kind: 'webhook', url: `${base}/yes`, headers: { 'X-Key': 'secret' } } as const;
  expect(await sendNotices([notice(how)], message, systemClock)).toEqual([]);
  expect(asked.at(-1)?.key).toBe('secret');
  expect(JSON.parse(asked.at(-1)?.body ?? '')).toEqual(message);
});

test('only the outcomes that are wanted are told', async () => {
  const before = asked.length;
  const how = { kind: 'webhook', url: `${base}/yes`, headers: {} } as const;
  expect(await sendNotices([notice(how)], { ...message, outcome: 'kept' }, systemClock)).toEqual([]);
  expect(asked.length).toBe(before);
});

test('what cannot be told is said, in a bounded time, without what an address may hide', async () => {
  const said = await sendNotices(
    [
      notice(command('/does/not/exist')),
      notice(command('false')),
      notice(command('sleep', '1000'), 100),
      notice({ kind: 'webhook', url: `${base}/no?secret`, headers: {} }),
      notice({ kind: 'webhook', url: `${base}/hang`, headers: {} }, 100),
      notice({ kind: 'webhook', url: 'http://127.0.0.1:1/', headers: {} }),
    ],
    message,
    systemClock,
  );
  expect(said).toHaveLength(6);
  expect(said[1]).toMatch(/status 1\.$/);
  expect(said[2]).toMatch(/longer than 100 ms/);
  expect(said[3]).toMatch(/status 500/);
  expect(said.join('\n')).not.toContain('secret');
});
