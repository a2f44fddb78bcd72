import { createServer, type Server } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';

import { followInstances } from '../../../src/platform/incus/http/events.ts';
import { openIncus, type Incus } from '../../../src/platform/incus/http/client.ts';
import { value } from '../conformance.ts';
import { manualClock } from './manual-clock.ts';

// A connection that is broken without a word: a real server always answers a ping.

let folder: string;
let server: Server;
let answersPings: boolean;
let incus: Incus;
const clock = manualClock();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-events-'));
  const socket = join(folder, 'unix.socket');
  server = createServer();
  const events = new WebSocketServer({ server, autoPong: false });
  events.on('connection', (connection) =>
    connection.on('ping', () => {
      if (!answersPings) return;
      connection.send(JSON.stringify(restored));
      connection.pong();
    }),
  );
  await new Promise<void>((resolve) => {
    server.listen(socket, resolve);
  });
  incus = openIncus({ socket, project: 'default', clock });
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const restored = { type: 'lifecycle', metadata: { action: 'instance-restored', source: '/1.0/instances/c1' } };

test('an answered ping proves that the events before it have come', async () => {
  answersPings = true;
  const seen: string[] = [];
  const stream = value(await followInstances(incus, (event) => seen.push(event.instance)));
  expect(await stream.isComplete()).toBe(true);
  expect(seen).toEqual(['c1']);
  stream.close();
  expect(await stream.isComplete()).toBe(false);
});

test('a connection over which nothing comes any more proves nothing', async () => {
  answersPings = false;
  const stream = value(await followInstances(incus, () => {}));
  const complete = stream.isComplete();
  clock.advance(30_000);
  expect(await complete).toBe(false);
  stream.close();
});
