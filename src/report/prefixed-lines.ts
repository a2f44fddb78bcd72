import { Writable } from 'node:stream';

/** A line that never ends is cut after so many bytes. */
const longestLine = 64 * 1024;
const lineFeed = 0x0a;

/** Passes bytes on line by line, each behind a prefix; the bytes of a line stay as they are. */
export interface PrefixedLines {
  readonly stream: Writable;
  /** Writes a last line that has no end. */
  readonly flush: () => void;
}

/** Lines of several writers on one stream, which stay whole. */
export function createPrefixedLines(target: Writable, prefix: string): PrefixedLines {
  let rest = Buffer.alloc(0);
  const lineOf = (line: Buffer): Buffer => Buffer.concat([Buffer.from(prefix), line, Buffer.from('\n')]);
  const takeLines = (chunk: Buffer): Buffer[] => {
    const lines: Buffer[] = [];
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let at = bytes.indexOf(lineFeed); at !== -1 || bytes.length > longestLine; at = bytes.indexOf(lineFeed)) {
      const end = at === -1 || at > longestLine ? longestLine : at;
      lines.push(lineOf(bytes.subarray(0, end)));
      bytes = bytes.subarray(end === at ? end + 1 : end);
    }
    rest = Buffer.from(bytes);
    return lines;
  };
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      const lines = takeLines(chunk);
      if (lines.length === 0) done();
      // A slow reader slows the command down.
      else target.write(Buffer.concat(lines), () => done());
    },
  });
  const flush = (): void => {
    if (rest.length > 0) target.write(lineOf(rest));
    rest = Buffer.alloc(0);
  };
  return { stream, flush };
}
