import { createHash } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Script } from 'node:vm';

/**
 * Runs a CommonJS program, with V8's compiled code of an earlier run where there is some: that halves what
 * the program adds to Node's own start. The
 * cache belongs to one program, one Node and one user. Whatever is wrong with it, the program starts without it.
 * The program's file name has to tell its content, since V8 compares no more than the length of the text.
 *
 * @param remember whether this process does enough of the program's work to be worth remembering.
 */
export const runCached = (program: string, remember: boolean): void => {
  // The bundle is ASCII, which is read as what it is three times as fast as UTF-8.
  const text = readFileSync(program, 'latin1').replace(/^#!.*/, '');
  const cache = cacheFile(program);
  const cachedData = cache === null ? null : readCache(cache);
  const script = new Script(`(function (require, module, exports, __filename, __dirname) {${text}\n})`, {
    filename: program,
    ...(cachedData === null ? {} : { cachedData }),
  });
  const isFresh = cachedData !== null && script.cachedDataRejected !== true;
  if (cache !== null && remember && !isFresh) process.once('exit', () => writeCache(cache, script.createCachedData()));
  const module = { exports: {} };
  const start = script.runInThisContext() as (...of: unknown[]) => void;
  start(createRequire(program), module, module.exports, program, dirname(program));
};

/** Null where there is no place for it, or where it is switched off by the variable that Node has for its own cache. */
const cacheFile = (program: string): string | null => {
  if (process.env['NODE_DISABLE_COMPILE_CACHE'] !== undefined) return null;
  const own = process.getuid?.() === 0 ? '/var/cache' : join(homedir(), '.cache');
  return join(
    process.env['XDG_CACHE_HOME'] ?? own,
    'incus-guard',
    `${basename(program)}.${process.version}-${process.arch}`,
  );
};

const digestBytes = 32;

const digestOf = (data: Buffer): Buffer => createHash('sha256').update(data).digest();

/** Only what this user wrote whole, and nobody else can write: it is run as it is. */
const readCache = (file: string): Buffer | null => {
  try {
    const handle = openSync(file, 'r');
    try {
      const { uid, mode } = fstatSync(handle);
      if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) return null;
      const content = readFileSync(handle);
      const data = content.subarray(digestBytes);
      return digestOf(data).equals(content.subarray(0, digestBytes)) ? data : null;
    } finally {
      closeSync(handle);
    }
  } catch {
    return null;
  }
};

/** In one step, so that another guard that starts at this moment reads all of it or nothing. No cache is no harm. */
const writeCache = (file: string, data: Buffer): void => {
  const draft = `${file}.${process.pid}`;
  quietly(() => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(draft, Buffer.concat([digestOf(data), data]), { mode: 0o600, flag: 'wx' });
    renameSync(draft, file);
  });
  quietly(() => rmSync(draft, { force: true }));
};

const quietly = (act: () => void): void => {
  try {
    act();
  } catch {
    // A full disk, a folder that cannot be written: the next start is slower.
  }
};
