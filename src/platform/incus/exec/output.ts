import type { Writable } from 'node:stream';

import type { WebSocket } from 'ws';

/** One stream of output under way. */
export interface Output {
  /** Resolves when nothing more comes: true when the server said so, false when the connection ended without that. */
  readonly ended: Promise<boolean>;
  /** Bytes that came so far, and whether the Writable is full, so that no more are read. */
  readonly progress: () => { readonly bytes: number; readonly waiting: boolean };
}

/**
 * Hands the socket's bytes to the Writable and stops reading while it is full: memory stays flat however slow the
 * reader is. A Writable that was closed under us (`guard … | head`) gets no more, and the rest is read and dropped,
 * so that the command does not notice.
 */
export function passOutput(socket: WebSocket, sink: Writable, onEnd: () => void): Output {
  let bytes = 0;
  let waiting = false;
  let complete = false;
  function goOn(): void {
    waiting = false;
    socket.resume();
  }
  const ended = new Promise<boolean>((resolve) => {
    socket.on('message', (data: Buffer, isBinary) => {
      bytes += data.length;
      if (!isBinary) {
        complete = true;
        onEnd();
        resolve(true);
        return;
      }
      if (complete || isClosed(sink)) return;
      if (!sink.write(data)) {
        waiting = true;
        socket.pause();
      }
    });
    socket.once('close', () => resolve(complete));
  });
  sink.on('drain', goOn);
  sink.on('close', goOn);
  sink.on('error', goOn);
  function release(): void {
    for (const event of ['drain', 'close', 'error']) sink.off(event, goOn);
  }
  void ended.then(release, release);
  return { ended, progress: () => ({ bytes, waiting }) };
}

function isClosed(sink: Writable): boolean {
  return sink.destroyed || sink.errored !== null || !sink.writable;
}
