import type { Writable } from 'node:stream';

/** Writes whole lines and resolves when the stream has taken them. */
export function writeLines(stream: Writable, lines: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    stream.write(lines.map((line) => `${line}\n`).join(''), () => resolve());
  });
}

/** A live line that breaks off has hidden the cursor. */
export function showCursor(stream: Writable & { readonly isTTY?: boolean }): void {
  if (stream.isTTY === true) stream.write('\n\u001b[?25h');
}
