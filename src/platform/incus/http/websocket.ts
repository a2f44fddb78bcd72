import { connect } from 'node:net';

import type { WebSocket } from 'ws';

import { err, ok, type Result } from '../../../result.ts';
import type { Incus } from './client.ts';
import { requestPath, type Location } from './removal.ts';

/** Loaded late: most commands of guard never open one. */
export function loadWebSockets() {
  return import('ws');
}

/**
 * Opens a WebSocket to the daemon. The failure is a short text. Messages that come before the caller listens are not
 * lost as long as it listens in the same turn in which this resolves: `onOpen` is called before any message.
 */
export async function openWebSocket(
  incus: Incus,
  location: Location,
  onOpen: (socket: WebSocket) => void,
  limitMs: number,
): Promise<Result<WebSocket, string>> {
  const path = requestPath(location, incus.project);
  if (path === null) return err('a name is empty, "." or ".."');
  const { WebSocket } = await loadWebSockets();
  const seen = { method: 'GET', path } as const;
  incus.onRequest(seen);
  const socket = new WebSocket(`ws://incus${path}`, {
    createConnection: () => connect(incus.socket),
    perMessageDeflate: false,
    // The protocol wants a mask because of proxies that would take messages for requests; between here and a unix
    // socket is none. This mask changes nothing, so that nothing is computed byte by byte.
    generateMask: (mask) => mask.fill(0),
  });
  return new Promise((resolve) => {
    const callOffLimit = incus.clock.after(limitMs, () => socket.terminate());
    function finish(end: Result<WebSocket, string>): void {
      callOffLimit();
      incus.onAnswer(seen);
      resolve(end);
    }
    // Stays for the life of the socket: an error after the opening is followed by `close`, which is what is looked at.
    socket.on('error', (error) => finish(err(error.message)));
    socket.once('close', () => finish(err('the connection was closed')));
    socket.once('open', () => {
      onOpen(socket);
      finish(ok(socket));
    });
  });
}
