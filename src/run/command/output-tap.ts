import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { callbackify } from 'node:util';

/** How much of the end of the output is kept for hints and evidence, in bytes. */
const tailBytes = 64 * 1024;

/** How far the connection may be ahead of the reader, in bytes. It is paused and resumed for this amount, not for each chunk. */
const aheadBytes = 1024 * 1024;

/** Observes output while it is passed on. */
export interface OutputTap {
  /** Passes every byte on to `destination`, at the pace of `destination`. */
  readonly through: (destination: Writable, onChunk?: (chunk: Buffer) => void | Promise<void>) => Writable;
  /** When the last byte came, by the clock that was passed in. */
  readonly lastOutputAt: () => number;
  /** The end of what came, both streams in order of arrival, as text. */
  readonly tail: () => string;
  /** Accepts no more output; resolves when everything was passed on. A slow reader delays it. */
  readonly end: () => Promise<void>;
}

/** A tap that starts to measure the time without output. */
export function createOutputTap(monotonic: () => number): OutputTap {
  let last = monotonic();
  const chunks: Buffer[] = [];
  let kept = 0;
  const open: Writable[] = [];
  function saw(chunk: Buffer): void {
    last = monotonic();
    chunks.push(chunk);
    kept += chunk.length;
    while (kept - (chunks[0]?.length ?? kept) >= tailBytes) kept -= chunks.shift()?.length ?? 0;
  }
  return {
    lastOutputAt: () => last,
    tail: () => Buffer.concat(chunks).subarray(-tailBytes).toString('utf8'),
    end: async () => {
      await Promise.all(open.map((stream) => finished(stream.end())));
    },
    through: (destination, onChunk) => {
      let gone = false;
      // A reader that went away (`guard … | head`) must not break an upgrade, so the rest is dropped.
      destination.on('error', () => {
        gone = true;
      });
      async function pass(chunk: Buffer): Promise<void> {
        saw(chunk);
        // Waits for readers of events as for readers of the output, so that nothing accumulates.
        await onChunk?.(chunk);
        if (!gone) await new Promise<void>((resolve) => destination.write(chunk, () => resolve()));
      }
      const write = callbackify(pass);
      const stream = new Writable({
        highWaterMark: aheadBytes,
        write: (chunk: Buffer, _encoding, done) => write(chunk, done),
      });
      open.push(stream);
      return stream;
    },
  };
}
