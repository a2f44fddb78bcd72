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
export function inspectHolder(holder: Holder): 'alive' | 'dead' | 'elsewhere' {
  // Where the kernel does not tell its boot, another machine that does not either would look like this one.
  if (!holder.id || holder.bootId === '' || holder.network === '') return 'elsewhere';
  if (holder.bootId !== bootId() || holder.network !== networkNamespace()) return 'elsewhere';
  const own = processId();
  const ids = listeningIds();
  // Where this process cannot see even itself it sees no other one either.
  if (!ids.has(own)) return 'elsewhere';
  return ids.has(holder.id) ? 'alive' : 'dead';
}

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

/** The names of the abstract sockets of this network namespace, from proc_net(5), which pads them with `@`. */
function listeningIds(): ReadonlySet<string> {
  const lines = readProc('/proc/net/unix').split('\n');
  return new Set(lines.flatMap((line) => /@guard-([0-9a-f]{32})(?:@|$)/.exec(line)?.[1] ?? []));
}

function bootId(): string {
  return readProc('/proc/sys/kernel/random/boot_id').trim();
}

/** An inode number; that of a namespace that is gone may be given to another one, in which none of its processes lives. */
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
