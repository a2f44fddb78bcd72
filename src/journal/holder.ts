import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import type { Holder } from '../event.ts';

/**
 * This process, as no other one can be by accident: it listens, until it ends, on an abstract unix socket with a random name,
 * which the kernel frees however it ends. Names of hosts and numbers of processes are for people only.
 */
export function currentHolder(): Holder {
  return { host: hostname(), pid: process.pid, bootId: bootId(), network: networkNamespace(), id: processId() };
}

/**
 * Whether the process behind a run still lives. `elsewhere`: that cannot be seen from here, because it is of another machine
 * or boot, or in another network namespace, or because the kernel does not show the sockets. It never means dead.
 */
export function inspectHolder(holder: Holder, readSockets = readUnixSockets): 'alive' | 'dead' | 'elsewhere' {
  const boot = bootId();
  const network = networkNamespace();
  // Two machines that do not tell their boot or their namespace are not therefore the same one.
  if (!holder.id || boot === '' || network === '') return 'elsewhere';
  if (holder.bootId !== boot || holder.network !== network) return 'elsewhere';
  const own = processId();
  let isOwnSeen = true;
  for (let look = 1; look <= looks; look += 1) {
    const ids = listeningIds(readSockets());
    if (ids.has(holder.id)) return 'alive';
    isOwnSeen &&= ids.has(own);
  }
  // Where this process cannot see even itself it sees no other one either.
  return isOwnSeen ? 'dead' : 'elsewhere';
}

/**
 * Whether the process was of an earlier boot of this host, by the host's name. That is no proof, as two hosts can have one name: it
 * decides only where a mistake costs no more than a rehearsal.
 */
export function isOfEarlierBoot({ host, bootId: recorded }: Holder): boolean {
  const boot = bootId();
  return host === hostname() && boot !== '' && recorded !== '' && recorded !== boot;
}

/**
 * How often a process must be missing before it counts as dead. The kernel gives its list in pieces, and while sockets of
 * others come and go one that stays can be missing from it: seen once in 10,000 looks, and never in two in a row.
 */
const looks = 3;

const prefix = 'guard-';
let ownId: string | null = null;

function processId(): string {
  if (ownId !== null) return ownId;
  const id = randomBytes(16).toString('hex');
  const server = createServer((connection) => connection.destroy());
  // The socket is not available: other guards cannot see this process, and its lease decides.
  server.on('error', () => {});
  server.listen(`\0${prefix}${id}`);
  server.unref();
  ownId = id;
  return id;
}

/** The sockets of this network namespace, one a line, as in proc_net(5). */
function readUnixSockets(): string {
  return readProc('/proc/net/unix');
}

/** The names of guard's own among them, which the kernel pads with `@`. */
function listeningIds(sockets: string): ReadonlySet<string> {
  const lines = sockets.split('\n');
  return new Set(lines.flatMap((line) => /@guard-([0-9a-f]{32})(?:@|$)/.exec(line)?.[1] ?? []));
}

function bootId(): string {
  return readProc('/proc/sys/kernel/random/boot_id').trim();
}

/**
 * An inode number. The kernel gives the number of a namespace that is gone to another one, often at once. That takes nobody's
 * life for over: a namespace goes only after its last process, so whoever had the number before is dead.
 */
function networkNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/net');
  } catch {
    return '';
  }
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
