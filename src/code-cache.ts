import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';

/** Where a bundle is started from. */
interface Surroundings {
  /** The folder of the bundles. */
  readonly folder: string;
  /** Bundles that may be required later, by name, as open files: an upgrade meanwhile takes nothing away from a run. */
  readonly held: Readonly<Record<string, number>>;
  /** For everything that is not a bundle. */
  readonly require: (name: string) => unknown;
  /** Whether this process does enough of a bundle's work to be worth remembering. */
  readonly remember: boolean;
}

/**
 * Evaluates a bundle (`./name.cjs`, a function as Node makes one of a CommonJS file) and gives what it exports, with V8's
 * compiled code of an earlier run where there is some: that halves what the program adds to Node's own start. A bundle
 * requires others in the same way. The cache belongs to one bundle, one Node and one user. Whatever is wrong with it, the
 * bundle starts without it. A bundle's file name has to tell its content, since V8 compares no more than the length.
 */
export function requireCached(name: string, surroundings: Surroundings): unknown {
  const bundle = join(surroundings.folder, name);
  const before = evaluated.get(bundle);
  if (before) return before.exports;
  // The bundle is ASCII, which is read as what it is three times as fast as UTF-8.
  const text = readFileSync(surroundings.held[name] ?? bundle, 'latin1');
  const cache = cacheFile(bundle);
  const cached = cache === null ? null : readCache(cache);
  const script = new Script(text, { filename: bundle, ...(cached === null ? {} : { cachedData: cached.data }) });
  const known = cached !== null && script.cachedDataRejected !== true ? cached : null;
  if (cache !== null && surroundings.remember && known?.isWhole !== true)
    process.once('exit', (status) => {
      const isWhole = status === 0;
      // What ended early has compiled little: something until there is better.
      if (known === null || isWhole) writeCache(cache, { isWhole, data: script.createCachedData() });
    });
  const module = { exports: {} };
  evaluated.set(bundle, module);
  const evaluate = script.runInThisContext() as (...of: unknown[]) => void;
  const require = (other: string): unknown =>
    other.startsWith('./') ? requireCached(other, surroundings) : surroundings.require(other);
  evaluate(require, module, module.exports, bundle, surroundings.folder);
  return module.exports;
}

const evaluated = new Map<string, { readonly exports: unknown }>();

/** Null where there is no place for it, or where it is switched off by the variable that Node has for its own cache. */
function cacheFile(bundle: string): string | null {
  if (process.env['NODE_DISABLE_COMPILE_CACHE'] !== undefined) return null;
  const home = process.env['HOME'];
  const own = process.getuid?.() === 0 ? '/var/cache' : home && join(home, '.cache');
  const folder = process.env['XDG_CACHE_HOME'] ?? own;
  return folder ? join(folder, 'incus-guard', `${basename(bundle)}.${process.version}-${process.arch}`) : null;
}

/** V8's compiled code. */
interface CacheEntry {
  /** Of a process that did its work to the end. */
  readonly isWhole: boolean;
  readonly data: Buffer;
}

/** V8 looks at no more than the beginning of what it takes. This is against damage; nobody else can write the file. */
function headOf({ isWhole, data }: CacheEntry): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(crc32(data));
  head.writeUInt32LE(isWhole ? 1 : 0, 4);
  return head;
}

const headBytes = 8;

/** Only what this user wrote whole, and nobody else can write: it is run as it is. */
function readCache(file: string): CacheEntry | null {
  try {
    const handle = openSync(file, 'r');
    try {
      const { uid, mode } = fstatSync(handle);
      if (uid !== process.geteuid?.() || (mode & 0o022) !== 0) return null;
      const content = readFileSync(handle);
      const cached = { isWhole: content.readUInt32LE(4) === 1, data: content.subarray(headBytes) };
      return headOf(cached).equals(content.subarray(0, headBytes)) ? cached : null;
    } finally {
      closeSync(handle);
    }
  } catch {
    return null;
  }
}

/** In one step, so that another guard that starts at this moment reads all of it or nothing. No cache is no harm. */
function writeCache(file: string, cached: CacheEntry): void {
  const draft = `${file}.${process.pid}`;
  quietly(() => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(draft, Buffer.concat([headOf(cached), cached.data]), { mode: 0o600, flag: 'wx' });
    renameSync(draft, file);
    removeOld(dirname(file));
  });
  quietly(() => rmSync(draft, { force: true }));
}

/** Files that stay: of the two bundles of a few guards and Nodes. Each upgrade brings others. */
const mostFiles = 12;

function removeOld(folder: string): void {
  const files = readdirSync(folder).map((name) => join(folder, name));
  const newestFirst = files
    .map((file) => ({ file, at: statSync(file).mtimeMs }))
    .toSorted((one, other) => other.at - one.at);
  for (const { file } of newestFirst.slice(mostFiles)) rmSync(file);
}

function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // A full disk, a folder that cannot be written: the next start is slower.
  }
}
