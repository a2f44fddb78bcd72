import { Writable } from 'node:stream';

/** A Writable that keeps the first bytes of what is written to it, as UTF-8 text, and drops the rest. */
export interface BoundedText {
  readonly sink: Writable;
  readonly text: () => string;
  readonly truncated: () => boolean;
}

/** Keeps at most `maxBytes`. `onWrite` is called when there is more. */
export function boundedText(maxBytes: number, onWrite: () => void = () => {}): BoundedText {
  const kept: Buffer[] = [];
  let size = 0;
  let dropped = false;
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      const part = chunk.subarray(0, maxBytes - size);
      if (part.length < chunk.length) dropped = true;
      if (part.length > 0) kept.push(part);
      size += part.length;
      onWrite();
      done();
    },
  });
  return { sink, text: () => Buffer.concat(kept).toString('utf8'), truncated: () => dropped };
}
