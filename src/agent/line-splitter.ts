/** Splits bytes into lines. Lines that are too long are skipped. */
export interface LineSplitter {
  readonly feed: (chunk: Uint8Array) => string[];
  /** The number of skipped lines. */
  readonly dropped: () => number;
}

/** Holds at most one line in memory. `longest`: in bytes, including the line feed. */
export function createLineSplitter(longest: number): LineSplitter {
  let rest: Buffer = Buffer.alloc(0);
  let skipping = false;
  let dropped = 0;
  const tooLong = (length: number): boolean => length + 1 > longest;
  function feed(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
      if (!skipping && tooLong(rest.length + end - from)) dropped += 1;
      else if (!skipping) lines.push(Buffer.concat([rest, chunk.subarray(from, end)]).toString('utf8'));
      skipping = false;
      rest = Buffer.alloc(0);
      from = end + 1;
    }
    if (skipping) return lines;
    const tail = chunk.subarray(from);
    if (tooLong(rest.length + tail.length)) {
      dropped += 1;
      skipping = true;
      rest = Buffer.alloc(0);
    } else rest = Buffer.concat([rest, tail]);
    return lines;
  }
  return { feed, dropped: () => dropped };
}

const newline = 0x0a;
