import type { Access, Protocol, Socket, UnixSocket } from '../../facts.ts';
import { numberOr, type Section } from '../../probe/sections.ts';
import type { SocketOwners } from '../process/parse.ts';

/**
 * The listening sockets, from `ss -Hlntue` or else from the lines of `/proc/net/{tcp,tcp6,udp,udp6}` with the file's name
 * in front. Sockets that are held from outside only (`incus exec`) are not the instance's.
 */
export function inetSockets(section: Section, owners: SocketOwners | null): readonly Socket[] | null {
  if (section.status !== 0) return null;
  const sockets = new Map<string, Socket>();
  for (const line of section.lines) {
    const entry = line.startsWith('/proc/net/') ? entryOfProc(line) : entryOfSs(line);
    if (entry === null || owners?.heldByVisitor(entry.inode) === true) continue;
    const { protocol, address, port, v6only } = entry;
    const key = `${protocol} ${address} ${port}`;
    // Several sockets on one port (SO_REUSEPORT, one a thread) are one to the outside.
    if (!sockets.has(key))
      sockets.set(key, { protocol, address, port, v6only, owner: owners?.ownerOf(entry.inode) ?? null });
  }
  if (sockets.size > mostSockets) return null;
  return [...sockets.values()].toSorted(
    (a, b) => a.port - b.port || compareText(a.protocol, b.protocol) || compareText(a.address, b.address),
  );
}

/** More is no honest answer, and half of the list would read as sockets that are gone. */
const mostSockets = 5000;

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

interface Entry {
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
  readonly v6only: boolean | null;
  readonly inode: string;
}

function entryOfProc(line: string): Entry | null {
  const [, protocol, rest] = /^\/proc\/net\/(tcp|udp)6?:(.*)$/.exec(line) ?? [];
  if (rest === undefined || (protocol !== 'tcp' && protocol !== 'udp')) return null;
  const fields = rest.trim().split(/\s+/);
  const [hex, port] = (fields[1] ?? '').split(':');
  const inode = fields[9];
  if (hex === undefined || port === undefined || inode === undefined || !/^[0-9A-F]{4}$/i.test(port)) return null;
  if (fields[3] !== (protocol === 'tcp' ? '0A' : '07')) return null;
  const address = addressFromHex(hex);
  const number = Number.parseInt(port, 16);
  return address === null || number === 0 ? null : { protocol, address, port: number, v6only: null, inode };
}

/** `tcp LISTEN 0 128 127.0.0.1:53 0.0.0.0:* uid:101 ino:12360 sk:1 v6only:1 <->`; `*:80` is IPv6 and IPv4 at once. */
function entryOfSs(line: string): Entry | null {
  const [protocol, , , , local, , ...details] = line.trim().split(/\s+/);
  if (protocol !== 'tcp' && protocol !== 'udp') return null;
  const [, brackets, plain, port] = /^(?:\[([0-9a-f.:]+)\]|([0-9.]+|\*))(?:%\S+)?:(\d{1,5})$/.exec(local ?? '') ?? [];
  const number = numberOr(port, 0);
  if (number === 0 || number > 65_535) return null;
  const address = plain === '*' ? '::' : (brackets ?? plain ?? '').replace(/^::ffff:(?=\d+\.)/, '');
  const inode = details.find((detail) => detail.startsWith('ino:'))?.slice(4) ?? '';
  return { protocol, address, port: number, v6only: address === '::' ? plain !== '*' : null, inode };
}

/** The kernel writes addresses as 32-bit words in the machine's own order, which is little-endian wherever Incus runs but s390x. */
export function addressFromHex(hex: string): string | null {
  if (!/^([0-9A-F]{8}|[0-9A-F]{32})$/i.test(hex)) return null;
  const bytes = hex.match(/.{8}/g)?.flatMap((word) => (word.match(/../g) ?? []).toReversed()) ?? [];
  return bytes.length === 4 ? dotted(bytes) : sayIpv6(bytes.join(''));
}

function dotted(bytes: readonly string[]): string {
  return bytes.map((byte) => Number.parseInt(byte, 16)).join('.');
}

/** 32 hexadecimal digits in network order as people write them; IPv4 in IPv6 is written as the IPv4 address it is. */
export function sayIpv6(hex: string): string {
  const digits = hex.toLowerCase();
  if (digits.startsWith('00000000000000000000ffff')) return dotted(digits.slice(24).match(/../g) ?? []);
  const groups = (digits.match(/.{4}/g) ?? []).map((group) => group.replace(/^0{1,3}/, ''));
  const longest = longestZeros(groups);
  if (longest.length < 2) return groups.join(':');
  const head = groups.slice(0, longest.start).join(':');
  return `${head}::${groups.slice(longest.start + longest.length).join(':')}`;
}

function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    if (group !== '0') start = index + 1;
    else if (index + 1 - start > best.length) best = { start, length: index + 1 - start };
  });
  return best;
}

/** The listening unix sockets that have a name in the file system. */
export function unixSockets(
  section: Section,
  owners: SocketOwners | null,
  access: ReadonlyMap<string, Access> | null = null,
): readonly UnixSocket[] | null {
  if (section.status !== 0) return null;
  const sockets = new Map<string, UnixSocket>();
  for (const line of section.lines) {
    const [, flags, inode, path] = /^[0-9a-f]+: \S+ \S+ ([0-9A-F]{8}) \S+ \S+ +(\d+) (.+)$/i.exec(line) ?? [];
    if (path === undefined || inode === undefined || (Number.parseInt(flags ?? '0', 16) & acceptsConnections) === 0)
      continue;
    if (path.startsWith('@') || owners?.heldByVisitor(inode) === true) continue;
    const named = path.replace(/^\/var\/run\//, '/run/');
    const own = access?.get(named) ?? access?.get(path);
    if (!sockets.has(named))
      sockets.set(named, { path: named, owner: owners?.ownerOf(inode) ?? null, ...(own ? { access: own } : {}) });
  }
  if (sockets.size > mostSockets) return null;
  return [...sockets.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** __SO_ACCEPTCON of the kernel's include/linux/net.h. */
const acceptsConnections = 0x10000;

/** The ports that the kernel gives to whoever asks for any port; Linux's own default when it could not be read. */
export function ephemeralRange(said: readonly string[]): readonly [number, number] {
  return [numberOr(said[0], 32_768), numberOr(said[1], 60_999)];
}
