import { formatMiB } from '../run/restore-point/free-space.ts';

const mebibyte = 1024 * 1024;

/** What is known of the memory, in bytes; null where it is unknown. */
export interface MemoryFacts {
  readonly server: { readonly totalBytes: number; readonly usedBytes: number } | null;
  /** What the original takes at this moment; null where it does not run, or the server does not count. */
  readonly originalBytes: number | null;
  /** The original's own limit. */
  readonly limitBytes: number | null;
  /** What other copies may still take of what is free, up to their limits. */
  readonly promisedBytes?: number;
}

/** What a copy may take; a sentence where that is too little. */
export type MemoryGrant =
  | { readonly fits: true; readonly limitBytes: number | null; readonly unknown: boolean }
  | { readonly fits: false; readonly message: string };

/** What must stay free on the server, in bytes: a tenth, at least 256 MiB. */
function reserveOf(totalBytes: number): number {
  return Math.max(256 * mebibyte, totalBytes / 10);
}

/** What an instance needs that nothing is known of. */
const leastBytes = 256 * mebibyte;

/**
 * A copy may never take memory that the server's other instances need: it gets half of what is free beyond a reserve, so
 * that another copy fits beside it, or what it needs; at most the original's limit. It does not fit where that is less than a quarter more than the original takes now, because a boot and
 * an upgrade take more than work at rest.
 */
export function grantMemory({ server, originalBytes, limitBytes, promisedBytes = 0 }: MemoryFacts): MemoryGrant {
  if (server === null || server.totalBytes === 0) return { fits: true, limitBytes: null, unknown: true };
  const free = server.totalBytes - server.usedBytes;
  const reserve = reserveOf(server.totalBytes);
  const spare = free - reserve - promisedBytes;
  const needed = Math.min(Math.max(leastBytes, (originalBytes ?? 0) * 1.25), limitBytes ?? Infinity);
  const granted = Math.max(needed, spare / 2);
  if (spare >= needed)
    return { fits: true, limitBytes: Math.floor(Math.min(granted, limitBytes ?? granted)), unknown: false };
  return {
    fits: false,
    message: `The server has ${formatMiB(free)} of ${formatMiB(server.totalBytes)} memory free, and ${formatMiB(reserve)} must stay free${promisedBytes === 0 ? '' : `, ${formatMiB(promisedBytes)} for other copies`}: the copy, which needs about ${formatMiB(needed)}, does not fit.`,
  };
}
