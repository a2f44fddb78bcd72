import { constants, statSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { err, ok, type Result } from '../result.ts';
import type { ConfigurationMistake } from './mistake.ts';

/** Where to look for guard.yaml. */
export interface Search {
  /** From `--config`; null without it. */
  readonly explicitPath: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The system's file; only tests give another. */
  readonly systemPath?: string;
  /** Who runs guard; only tests give another. */
  readonly uid?: number;
}

/** A file that was found, unread by any parser. */
export interface FoundFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A configuration of a thousand instances has about a tenth of this. */
export const mostBytes = 1024 * 1024;

/**
 * Reads the file of `--config`, else `./guard.yaml`, else `guard/guard.yaml` below `$XDG_CONFIG_HOME` (`~/.config`), else
 * `/etc/guard/guard.yaml`: the first that exists, alone. Null where there is none.
 *
 * A file that exists and cannot be read is a mistake, never passed over: it may contain checks that a user relies on. A
 * file that guard came upon by itself must belong to the user, to root, or to whoever called sudo, because its `host`
 * checks run here with the user's rights.
 */
export async function findConfiguration(
  search: Search,
): Promise<Result<FoundFile | null, readonly ConfigurationMistake[]>> {
  if (search.explicitPath !== null) {
    const path = resolve(search.cwd, search.explicitPath);
    const read = await readBounded(path, null);
    if (!read.ok) return err([read.error]);
    return read.value
      ? ok(read.value)
      : err([mistakeAbout(path, 'There is no such file.', 'Name an existing file, or leave out --config.')]);
  }
  for (const path of placesOf(search)) {
    const read = await readBounded(path, trustedOwners(search));
    if (!read.ok) return err([read.error]);
    if (read.value) return ok(read.value);
  }
  return ok(null);
}

/** The places that are searched, in order. */
export function placesOf({ environment, cwd, systemPath }: Search): readonly string[] {
  const userFolder = userConfigurationFolder(environment);
  return [
    join(cwd, 'guard.yaml'),
    ...(userFolder === null ? [] : [join(userFolder, 'guard', 'guard.yaml')]),
    systemPath ?? '/etc/guard/guard.yaml',
  ];
}

/** https://specifications.freedesktop.org/basedir-spec: a relative path counts as none. */
function userConfigurationFolder(environment: Search['environment']): string | null {
  const named = environment['XDG_CONFIG_HOME'];
  if (named !== undefined && isAbsolute(named)) return named;
  const home = environment['HOME'];
  return home !== undefined && isAbsolute(home) ? join(home, '.config') : null;
}

function trustedOwners({ environment, uid = process.geteuid?.() ?? 0 }: Search): ReadonlySet<number> {
  const caller = environment['SUDO_UID'];
  return new Set([0, uid, ...(uid === 0 && caller !== undefined && /^\d+$/.test(caller) ? [Number(caller)] : [])]);
}

/** Null where there is no such file. `owners` is null where the user named the file. */
async function readBounded(
  path: string,
  owners: ReadonlySet<number> | null,
): Promise<Result<FoundFile | null, ConfigurationMistake>> {
  let file: FileHandle | null = null;
  try {
    // Most often there is none, which is known at once; undefined stands for ENOENT and ENOTDIR alone.
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return ok(null);
    // Without O_NONBLOCK, opening a FIFO without a writer would block forever.
    file = await open(path, constants.O_RDONLY | (owners === null ? 0 : constants.O_NONBLOCK));
    const { size, isFile, ...access } = await statOf(file);
    if (owners !== null && !isFile) return err(mistakeAbout(path, 'It is not a file.'));
    const trusted = owners === null ? ok(undefined) : requireTrusted(owners, access);
    if (!trusted.ok) return err(distrusted(path, trusted.error));
    if (size > mostBytes) return err(tooLarge(path));
    const bytes = await readAll(file);
    return bytes === null ? err(tooLarge(path)) : ok({ path, bytes });
  } catch (error) {
    return isAbsent(error) ? ok(null) : err(mistakeAbout(path, `It cannot be read: ${reasonOf(error)}.`));
  } finally {
    await file?.close();
  }
}

async function statOf(file: FileHandle): Promise<Access & { size: number; isFile: boolean }> {
  const stat = await file.stat();
  return { size: stat.size, mode: stat.mode, uid: stat.uid, gid: stat.gid, isFile: stat.isFile() };
}

/** Null beyond the limit: the size of a pipe is not known beforehand, and a file may grow. */
async function readAll(file: FileHandle): Promise<Uint8Array | null> {
  const buffer = Buffer.alloc(mostBytes + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
  }
  return null;
}

const worldWritable = 0o002;
const groupWritable = 0o020;

/** Who may write a file. */
interface Access {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Only a trusted owner can have written it; the error says who else could, as the begin of a sentence. The file may name commands that run on this machine. */
function requireTrusted(owners: ReadonlySet<number>, { mode, uid, gid }: Access): Result<void, string> {
  if ((mode & worldWritable) !== 0) return err('Every user of this machine may write to it');
  if (!owners.has(uid)) return err(`It belongs to another user (uid ${uid})`);
  // root's group, and the group of that name which many systems give each user.
  const isPrivateGroup = gid === 0 || gid === uid;
  return (mode & groupWritable) === 0 || isPrivateGroup ? ok(undefined) : err(`Its group (gid ${gid}) may write to it`);
}

function distrusted(path: string, why: string): ConfigurationMistake {
  return {
    ...mistakeAbout(path, `${why}, and its commands would run with your permissions.`),
    advice: `If you trust it, name it: --config ${path}`,
  };
}

function tooLarge(path: string): ConfigurationMistake {
  return mistakeAbout(path, `It is larger than ${mostBytes / 1024 / 1024} MiB, which is too large for a guard.yaml.`);
}

function mistakeAbout(path: string, message: string, advice = ''): ConfigurationMistake {
  return {
    file: path,
    location: null,
    message,
    advice,
  };
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
}

function reasonOf(error: unknown): string {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a folder';
    case 'ELOOP':
      return 'its symbolic links go round in a circle';
    default:
      return (error as Error).message;
  }
}
