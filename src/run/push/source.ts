import { access, constants, lstat, opendir, readlink, stat } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import { err, ok, type Result } from '../../result.ts';
import type { PushPlan } from '../plan.ts';

/** One entry of a push, folders before their content. */
export type PushEntry = {
  /** Absolute, inside. */
  readonly inside: string;
  readonly local: string;
  /** The permission bits, set-user-id and the like included. */
  readonly mode: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
} & (
  | { readonly kind: 'folder' }
  | { readonly kind: 'file'; readonly bytes: number }
  | { readonly kind: 'link'; readonly target: string }
);

/** A push as the user wrote it. */
export interface PushWish {
  readonly local: string;
  /** With a trailing slash: into that folder. */
  readonly inside: string;
  readonly user: number;
  readonly group: number;
}

/** Checks that the files exist and can be read, and adds up their size. A failure is a sentence. */
export async function surveyPush(wish: PushWish): Promise<Result<PushPlan, string>> {
  const found = await stat(wish.local).catch(() => null);
  if (found === null) return err(`There is no "${wish.local}" to push.`);
  if (!found.isFile() && !found.isDirectory()) return err(`"${wish.local}" is neither a file nor a folder.`);
  const kind = found.isFile() ? 'file' : 'folder';
  const inside = insideOf(wish, kind);
  const { local, user, group } = wish;
  let files = 0;
  let bytes = 0;
  try {
    for await (const entry of entriesOf({ local, inside, kind })) {
      if (entry.kind === 'file') await access(entry.local, constants.R_OK);
      if (entry.kind !== 'folder') files += 1;
      if (entry.kind === 'file') bytes += entry.bytes;
    }
  } catch (error) {
    if (error instanceof UnfitEntry || isSystemError(error))
      return err(`"${wish.local}" cannot be pushed: ${error.message}.`);
    throw error;
  }
  return ok({ local, inside, kind, files, bytes, user, group });
}

/** A folder whose destination is `/` is copied into the root folder. */
function insideOf({ local, inside }: PushWish, kind: PushPlan['kind']): string {
  const isInto = inside.endsWith('/') && !(inside === '/' && kind === 'folder');
  return posix.resolve('/', isInto ? posix.join(inside, basename(local)) : inside);
}

/** All entries of a push, folders before their content, sorted by name. Throws errors of the file system. */
export const entriesOf = async function* ({
  local,
  inside,
  kind,
}: Pick<PushPlan, 'local' | 'inside' | 'kind'>): AsyncGenerator<PushEntry> {
  // The path that the user names may be a link and is followed; links inside stay links.
  const { mode, size, mtimeMs } = await stat(local);
  const about = { inside, local, mode: mode & 0o7777, modifiedAt: mtimeMs };
  if (kind === 'file') yield { ...about, kind, bytes: size };
  else {
    yield { ...about, kind };
    yield* entriesIn(local, inside);
  }
};

const entriesIn = async function* (folder: string, insideFolder: string): AsyncGenerator<PushEntry> {
  const names: string[] = [];
  for await (const { name } of await opendir(folder)) names.push(name);
  for (const name of names.toSorted()) {
    const local = join(folder, name);
    const inside = posix.join(insideFolder, name);
    const found = await lstat(local);
    const about = { inside, local, mode: found.mode & 0o7777, modifiedAt: found.mtimeMs };
    if (found.isSymbolicLink()) yield { ...about, kind: 'link', target: await readlink(local) };
    else if (found.isFile()) yield { ...about, kind: 'file', bytes: found.size };
    else if (found.isDirectory()) {
      yield { ...about, kind: 'folder' };
      yield* entriesIn(local, inside);
    } else throw new UnfitEntry(`"${local}" is neither a file, a folder nor a link`);
  }
};

class UnfitEntry extends Error {}

function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}

/** The folder in which a push is unpacked. */
export function folderOf({ inside }: Pick<PushPlan, 'inside'>): string {
  return posix.dirname(inside);
}
