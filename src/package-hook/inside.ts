import type { Platform } from '../platform/platform.ts';
import type { PlatformFailure } from '../platform/failure.ts';
import { err, ok, type Result } from '../result.ts';
import type { Part } from './parts.ts';

/** The files of an instance, running or not. */
export interface Inside {
  readonly platform: Platform;
  readonly instance: string;
}

const limit = { limitMs: 30_000 };

/** The maximum size of a part of the hook, in bytes. */
const mostBytes = 64 * 1024;

/** The maximum total length of the names in a folder, in bytes. */
const mostListed = 1024 * 1024;

const root = { user: 0, group: 0 };

/** Whether a file or folder of that name exists. */
export async function exists({ platform, instance }: Inside, path: string): Promise<Result<boolean, PlatformFailure>> {
  const read = await platform.pullFile(instance, path, { ...limit, maxBytes: 0 });
  if (read.ok || read.error.kind === 'invalid') return ok(true);
  return read.error.kind === 'not-found' ? ok(false) : read;
}

/** The names in a folder; empty if it does not exist. */
export async function namesIn(
  { platform, instance }: Inside,
  folder: string,
): Promise<Result<string[], PlatformFailure>> {
  const read = await platform.listFolder(instance, folder, { ...limit, maxBytes: mostListed });
  if (read.ok) return read;
  return read.error.kind === 'not-found' || read.error.kind === 'invalid' ? ok([]) : read;
}

/** The text and mode of a file; null if it is not a file or too large for a part of the hook. */
export async function readPart(
  { platform, instance }: Inside,
  path: string,
): Promise<Result<{ readonly text: string; readonly mode: number } | null, PlatformFailure>> {
  const read = await platform.pullFile(instance, path, { ...limit, maxBytes: mostBytes });
  if (read.ok) return ok({ text: read.value.content.toString('utf8'), mode: read.value.mode & 0o777 });
  return read.error.kind === 'not-found' || read.error.kind === 'invalid' ? ok(null) : read;
}

/** Creates a folder and its parents. Returns the created ones, the outermost first. */
export async function makeFolders(inside: Inside, folder: string): Promise<Result<string[], PlatformFailure>> {
  const made: string[] = [];
  const names = folder.split('/').slice(1);
  for (let depth = 1; depth <= names.length; depth += 1) {
    const path = `/${names.slice(0, depth).join('/')}`;
    const there = await exists(inside, path);
    if (!there.ok) return there;
    if (there.value) continue;
    const done = await inside.platform.makeDirectory(inside.instance, path, { ...root, mode: 0o755, ...limit });
    if (!done.ok) return done;
    made.push(path);
  }
  return ok(made);
}

/** Writes a part. Replaces an existing file or link. */
export async function writePart(
  inside: Inside,
  { path, mode }: Pick<Part, 'path' | 'mode'>,
  text: string,
): Promise<Result<void, PlatformFailure>> {
  const away = await removePath(inside, path);
  if (!away.ok) return away;
  return inside.platform.pushFile(inside.instance, path, text, { ...root, mode, ...limit });
}

/** Removes a file or an empty folder. Returns false if it does not exist. */
export async function removePath(
  { platform, instance }: Inside,
  path: string,
): Promise<Result<boolean, PlatformFailure>> {
  const removed = await platform.deleteFile(instance, path, limit);
  if (removed.ok) return ok(true);
  return removed.error.kind === 'not-found' ? ok(false) : err(removed.error);
}
