import type { Readable } from 'node:stream';

import type { WebSocket } from 'ws';

/**
 * Sends the Readable to the socket, and the end of it as the empty text message that Incus takes for end of file.
 * Stops reading while the socket is full. The function it returns lets go of the Readable; it is neither closed nor
 * drained then, so that what was not read stays there.
 */
export function passInput(source: Readable | null, socket: WebSocket): () => void {
  if (source === null || source.readableEnded || source.destroyed) {
    endOfInput(socket);
    return () => {};
  }
  let passing = true;
  const onData = (chunk: Buffer | string): void => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    // An empty message would do no harm, but an empty chunk is not the end either.
    if (bytes.length === 0 || socket.readyState !== socket.OPEN) return;
    socket.send(bytes, { binary: true }, () => {
      if (passing && socket.bufferedAmount <= fullBytes) source.resume();
    });
    if (socket.bufferedAmount > fullBytes) source.pause();
  };
  function onEnd(): void {
    release();
    endOfInput(socket);
  }
  const release = (): void => {
    if (!passing) return;
    passing = false;
    source.off('data', onData);
    for (const event of ['end', 'close', 'error']) source.off(event, onEnd);
    source.pause();
  };
  source.on('data', onData);
  for (const event of ['end', 'close', 'error']) source.on(event, onEnd);
  source.resume();
  return release;
}

const fullBytes = 256 * 1024;

function endOfInput(socket: WebSocket): void {
  if (socket.readyState === socket.OPEN) socket.send('', { binary: false });
}
