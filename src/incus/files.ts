import type { Readable } from 'node:stream';

import type { Result } from '../result.ts';
import type { Incus, Limit } from './client.ts';
import type { IncusFailure } from './failure.ts';

/** Owner and mode of a file inside. Numbers as seen inside the instance; mode like `0o755`. */
export interface FileOwner {
  readonly user?: number;
  readonly group?: number;
  readonly mode?: number;
}

/** A file as it was read. */
export interface PulledFile {
  readonly content: Buffer;
  readonly user: number;
  readonly group: number;
  readonly mode: number;
}

/** Writes a file (replaces one that exists). The folder must exist. Works on stopped instances. A stream is never held in memory. */
export const pushFile = (
  incus: Incus,
  instance: string,
  path: string,
  content: string | Buffer | Readable,
  how: FileOwner & Limit,
): Promise<Result<void, IncusFailure>> => notYet(incus, instance, path, content, how);

/** Reads a file of at most `maxBytes`; a longer one is `invalid`. */
export const pullFile = (
  incus: Incus,
  instance: string,
  path: string,
  how: Limit & { readonly maxBytes: number },
): Promise<Result<PulledFile, IncusFailure>> => notYet(incus, instance, path, how);

/** Makes one folder; its parent must exist. One that exists is a success. */
export const makeDirectory = (
  incus: Incus,
  instance: string,
  path: string,
  how: FileOwner & Limit,
): Promise<Result<void, IncusFailure>> => notYet(incus, instance, path, how);

/** Makes a symbolic link. */
export const makeLink = (
  incus: Incus,
  instance: string,
  path: string,
  target: string,
  how: FileOwner & Limit,
): Promise<Result<void, IncusFailure>> => notYet(incus, instance, path, target, how);

/** Removes one file, or one empty folder. */
export const deleteFile = (
  incus: Incus,
  instance: string,
  path: string,
  limit: Limit,
): Promise<Result<void, IncusFailure>> => notYet(incus, instance, path, limit);

const notYet = (..._all: unknown[]): never => {
  throw new Error('not written yet');
};
