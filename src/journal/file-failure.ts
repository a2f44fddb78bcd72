import { err, ok, type Result } from '../result.ts';

/** What a user can do about a failure of this error code. */
const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space there',
  EDQUOT: 'Free some space there',
  EROFS: 'Mount it writable',
  EACCES: 'Run guard as the owner of the folder',
  EPERM: 'Run guard as the owner of the folder',
};

/** Advice for the sentence of `tryFiles` about the state directory. */
export function adviceForRecords(failure: string): string {
  const code = /\(([A-Z]+)\)\.$/.exec(failure)?.[1] ?? '';
  const remedy = remedies[code];
  return `${remedy === undefined ? 'Set' : `${remedy}, or set`} GUARD_STATE_DIR to another folder.`;
}

/** Readable descriptions of error codes. */
const meanings: Readonly<Record<string, string>> = {
  ENOSPC: 'there is no space left',
  EDQUOT: 'the quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'that is not permitted',
  EPERM: 'that is not permitted',
  ENOENT: 'it does not exist',
  EEXIST: 'something else has that name',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'the name is too long',
  EFBIG: 'the file would be larger than is allowed',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EIO: 'the disk does not answer as it should',
};

/** Runs file operations and converts system errors into one sentence with the path. Other exceptions are passed on. */
export async function tryFiles<T>(path: string, work: () => Promise<T>): Promise<Result<T, string>> {
  try {
    return ok(await work());
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return err(`"${error.path ?? path}": ${meanings[error.code] ?? error.message} (${error.code}).`);
  }
}

function isSystemError(error: unknown): error is { code: string; message: string; path?: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error;
}
