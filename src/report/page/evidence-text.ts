import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';

/** The content of one file of evidence, its end where it is long. */
export interface EvidenceText {
  readonly name: string;
  readonly bytes: number;
  readonly text: string;
}

/** Bytes of each file that a page holds: its end. */
const mostBytes = 24 * 1024;

/** Reads the end of each file of evidence. A file that cannot be read any more is left out. */
export function readEvidence(paths: readonly string[]): EvidenceText[] {
  return paths.flatMap((path) => {
    try {
      const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const stat = fstatSync(file);
        if (!stat.isFile()) return [];
        const { size } = stat;
        const end = Buffer.alloc(Math.min(size, mostBytes));
        const read = readSync(file, end, 0, end.length, size - end.length);
        return [{ name: basename(path), bytes: size, text: end.subarray(0, read).toString('utf8') }];
      } finally {
        closeSync(file);
      }
    } catch {
      return [];
    }
  });
}
