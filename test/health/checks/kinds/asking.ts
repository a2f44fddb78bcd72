import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { checkDefaults } from '../../../../src/check-default.ts';
import type { CheckCommon } from '../../../../src/check-definition.ts';
import { systemClock } from '../../../../src/clock.ts';
import type { AskContext } from '../../../../src/health/observation.ts';
import { openIncusPlatform } from '../../../../src/platform/incus/incus.ts';

/** For checks that need nothing of Incus. */
export const nowhere: AskContext = {
  platform: openIncusPlatform({ socket: '/nonexistent/incus.socket', project: 'default', clock: systemClock }).platform,
  instance: 'c1',
  clock: systemClock,
};

export const common: CheckCommon = { ...checkDefaults, name: 'it' };

const cleaners: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const clean of cleaners.splice(0).toReversed()) await clean();
});

/** Does it after the test, last one first. */
export const afterwards = (clean: () => void | Promise<void>): void => void cleaners.push(clean);

/** Listens on a port of the loopback that is free, until the test is over. */
export const listening = async (server: Server): Promise<number> => {
  const sockets = new Set<{ destroy: () => unknown }>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  );
  return (server.address() as AddressInfo).port;
};

export const http = (listener: RequestListener): Promise<number> => listening(createHttpServer(listener));

export const certificateFile = join(import.meta.dirname, 'guard.test.cert.pem');

/** A server whose certificate names `guard.test` and is signed by itself. */
export const https = async (listener: RequestListener): Promise<number> =>
  listening(
    createHttpsServer(
      {
        cert: await readFile(certificateFile),
        key: await readFile(join(import.meta.dirname, 'guard.test.key.pem')),
      },
      listener,
    ),
  );

/** A port of the loopback on which nobody listens. */
export const closedPort = async (): Promise<number> => {
  const server = createHttpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
};
