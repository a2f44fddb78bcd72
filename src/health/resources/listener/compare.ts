import { advisory, grouped, listed, type FactFinding } from '../../finding.ts';
import { isForGuests } from '../network/compare.ts';
import { isForItsOwnTool, isFoundOtherwise, nameOf, passingSockets } from './kinds.ts';
import { conditionOf } from '../unit/state.ts';
import type { Facts, Network, Owner, Protocol, Socket } from '../../facts.ts';

/** What one owner listened on at one port before the command and does not any more, wholly or in part. */
export interface SocketLoss {
  readonly protocol: Protocol;
  readonly port: number;
  readonly owner: Owner | null;
  /** The addresses that nobody listens on any more. */
  readonly lost: readonly string[];
  /** The addresses on which somebody still listens at this port. */
  readonly left: readonly string[];
  /** A port on which the same owner listens anew. */
  readonly movedTo: number | null;
  readonly severity: 'required' | 'advisory';
  /** Why it does not decide; null where it does. */
  readonly because: string | null;
}

/** Every listening socket of before that is gone, narrowed or moved, one record a port, protocol and owner. */
export function lostSockets(before: Facts, after: Facts): SocketLoss[] {
  if (before.sockets === null || after.sockets === null) return [];
  const [here, is] = [eachFamily(before.sockets), eachFamily(after.sockets)];
  const there = byPort(is);
  const passing = passingSockets(before);
  const old = new Set(before.sockets.map(portKey));
  const anew = after.sockets.filter((one) => !old.has(portKey(one)));
  const groups = grouped(
    here.filter((socket) => !passing(socket)),
    (socket) => `${portKey(socket)} ${nameOf(socket.owner)}`,
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const now = there.get(portKey(first)) ?? [];
    const lost = group.filter((socket) => !covered(socket, now, after.network));
    if (lost.length === 0) return [];
    const movedTo = newPort(first, anew);
    const reasons = lost.map((socket) => whyUnimportant(socket, now, { before, after }, movedTo));
    return [
      {
        protocol: first.protocol,
        port: first.port,
        owner: first.owner,
        lost: lost.map((socket) => socket.address).toSorted(),
        left: now.map((socket) => socket.address).toSorted(),
        movedTo,
        severity: reasons.includes(null) ? 'required' : 'advisory',
        because: reasons.includes(null) ? null : (reasons[0] ?? null),
      },
    ];
  });
}

function portKey({ protocol, port }: Pick<Socket, 'protocol' | 'port'>): string {
  return `${protocol}/${port}`;
}

function byPort(sockets: readonly Socket[]): ReadonlyMap<string, readonly Socket[]> {
  return grouped(sockets, portKey);
}

/** A socket for every IPv6 address serves IPv4 too unless it was told not to: it is taken as the two that it stands for. */
function eachFamily(sockets: readonly Socket[]): readonly Socket[] {
  const v4 = new Set(sockets.flatMap((one) => (one.address === '0.0.0.0' ? [portKey(one)] : [])));
  return sockets.flatMap((one) => {
    if (one.address !== '::' || one.v6only === true || v4.has(portKey(one))) return [one];
    return [{ ...one, address: '0.0.0.0' }, one];
  });
}

function covered(socket: Socket, now: readonly Socket[], network: Network | null): boolean {
  const family = isV6(socket.address) ? 6 : 4;
  const every = family === 6 ? '::' : '0.0.0.0';
  if (now.some((one) => one.address === socket.address || one.address === every)) return true;
  if (socket.address === every) return everyAddress(family, now, network);
  return (
    !isLoopback(socket.address) && addressIsGone(socket.address, network) && now.some((one) => reachable(one.address))
  );
}

/** One socket for each address serves as well as one for all of them. */
function everyAddress(family: 4 | 6, now: readonly Socket[], network: Network | null): boolean {
  const addresses = network?.addresses.filter((address) => address.family === family) ?? [];
  return addresses.length > 0 && addresses.every(({ address }) => now.some((one) => one.address === address));
}

/** Another address was leased: that is told by the comparison of addresses, and the service followed. */
function addressIsGone(address: string, network: Network | null): boolean {
  return network !== null && !network.addresses.some((one) => one.address === address);
}

function isV6(address: string): boolean {
  return address.includes(':');
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

function reachable(address: string): boolean {
  return !isLoopback(address) && !address.startsWith('fe80:');
}

/** Why nobody can have depended on what was lost; null where somebody can. */
function whyUnimportant(
  socket: Socket,
  now: readonly Socket[],
  { before, after }: { readonly before: Facts; readonly after: Facts },
  movedTo: number | null,
): string | null {
  const { address } = socket;
  // Such a bridge may come after the service that listens at every address it finds when it starts.
  if (before.network?.addresses.some((one) => one.address === address && isForGuests(one)) === true)
    return 'it was on a bridge for nested containers';
  if (isForItsOwnTool(socket) && isDown(socket.owner?.unit, before, after)) return 'only its own tool used it';
  if (isFoundOtherwise(socket, { before, after }, movedTo)) return 'its clients look up its port';
  if (address === '::1') {
    const served = now.some(
      (one) => one.address.startsWith('127.') || one.address === '0.0.0.0' || one.address === '::',
    );
    return served ? 'local clients can use IPv4' : null;
  }
  if (!isV6(address)) return null;
  const usesV6 = before.network?.addresses.some((one) => one.family === 6) ?? true;
  return usesV6 || now.length === 0 || !now.some((one) => reachable(one.address))
    ? null
    : 'the instance has no IPv6 address';
}

/** A unit that ran, and by all that its manager says does not any more. */
function isDown(name: string | null | undefined, before: Facts, after: Facts): boolean {
  const runsIn = ({ units }: Facts): boolean =>
    Object.values(units ?? {}).some((unit) => unit.names.includes(name ?? '') && conditionOf(unit) === 'running');
  return after.units !== null && runsIn(before) && !runsIn(after);
}

function newPort({ protocol, owner }: Socket, anew: readonly Socket[]): number | null {
  if (owner === null) return null;
  const moved = anew.find(
    (one) =>
      one.protocol === protocol &&
      one.owner !== null &&
      (nameOf(one.owner) === nameOf(owner) || one.owner.process === owner.process),
  );
  return moved?.port ?? null;
}

/** `port 53 tcp, udp no longer listened on`: what is lost altogether, for losses of one owner. */
export function sayGone(losses: readonly SocketLoss[]): string {
  return `${sayPorts(losses)} no longer listened on`;
}

/** The whole sentence about losses of one owner whose unit, if any, still runs. */
export function saySocketLosses(losses: readonly SocketLoss[]): string {
  const who = nameOf(losses[0]?.owner ?? null);
  const moved = losses.filter((loss) => loss.movedTo !== null && loss.left.length === 0);
  const gone = losses.filter((loss) => loss.movedTo === null && loss.left.length === 0);
  const narrowed = losses.filter((loss) => loss.left.length > 0);
  const parts = [
    ...moved.map((loss) => `moved from port ${loss.port} to ${loss.movedTo} ${loss.protocol}`),
    ...(gone.length === 0 ? [] : [who === '' ? sayGone(gone) : `does not listen on ${sayPorts(gone)} any more`]),
    ...narrowed.map(
      (loss) =>
        `listens on port ${loss.port} ${loss.protocol} only at ${listed(loss.left)} now, before ${sayAddresses(loss.lost)}`,
    ),
  ];
  const reasons = losses.every(({ severity }) => severity === 'advisory')
    ? losses.flatMap(({ because }) => because ?? [])
    : [];
  const why = reasons[0] === undefined ? '' : ` (${reasons[0]})`;
  return who === '' && gone.length > 0
    ? parts.join('; ') + why
    : `${who === '' ? 'something' : who} ${parts.join('; ')}${why}`;
}

function sayPorts(losses: readonly SocketLoss[]): string {
  const ports = [...grouped(losses, (loss) => loss.port)].toSorted(([a], [b]) => a - b);
  const each = ports.map(([port, some]) => {
    const protocols = new Set(some.map((loss) => loss.protocol));
    return `${port} ${[...protocols].toSorted().join(', ')}`;
  });
  return `${each.length === 1 ? 'port' : 'ports'} ${listed(each)}`;
}

function sayAddresses(addresses: readonly string[]): string {
  return addresses.some((address) => address === '0.0.0.0' || address === '::')
    ? 'at every address'
    : `also at ${listed(addresses)}`;
}

/** What listens anew, or at more addresses: reported, not blamed, and not told twice where it is part of a loss. */
export function newSockets(before: Facts, after: Facts): FactFinding[] {
  const told = new Set(
    lostSockets(before, after).flatMap(({ protocol, port, movedTo }) =>
      [port, movedTo ?? port].map((one) => portKey({ protocol, port: one })),
    ),
  );
  return listeningAnew(before, after).filter(({ subject }) => !told.has(subject.slice('socket:'.length)));
}

function listeningAnew(before: Facts, after: Facts): FactFinding[] {
  if (before.sockets === null || after.sockets === null) return [];
  const here = byPort(eachFamily(before.sockets));
  const passing = passingSockets(after);
  const fresh = eachFamily(after.sockets).filter(
    (socket) => !passing(socket) && !covered(socket, here.get(portKey(socket)) ?? [], before.network),
  );
  return [...grouped(fresh, (socket) => `${portKey(socket)} ${nameOf(socket.owner)}`).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const who = nameOf(first.owner) || 'something';
    const where = listed(group.map((socket) => socket.address));
    const known = here.has(portKey(first));
    return [
      advisory(
        `socket:${portKey(first)}`,
        `${who} ${known ? '' : 'newly '}listens on port ${first.port} ${first.protocol} ${known ? 'at more addresses ' : ''}(${where})`,
      ),
    ];
  });
}

/**
 * Who serves now, at the same ports, all that a unit served before: the unit that holds them, if it is one alone. Null also
 * where it served nobody over the network.
 */
export function successorOf(before: Facts, after: Facts): (names: readonly string[]) => string | null {
  const [was, now] = [grouped(before.sockets ?? [], ({ owner }) => owner?.unit), byPort(after.sockets ?? [])];
  const passing = passingSockets(before);
  return (names) => {
    const served = names.flatMap((name) => was.get(name) ?? []).filter((one) => !passing(one) && !isForItsOwnTool(one));
    const holders = served.map((socket) => {
      const owner = now.get(portKey(socket))?.find((one) => one.owner !== null)?.owner;
      return owner?.unit ?? (owner?.process === 'systemd' ? 'init.scope' : undefined);
    });
    const [heir] = holders;
    return heir != null && holders.every((holder) => holder === heir) ? heir : null;
  };
}

/** The same port in other hands. */
export function ownerChanges(before: Facts, after: Facts): FactFinding[] {
  if (before.sockets === null || after.sockets === null) return [];
  const now = byPort(after.sockets);
  return [...byPort(before.sockets)].flatMap(([key, sockets]) => {
    const was = sockets.find((socket) => socket.owner !== null)?.owner;
    const holders = now.get(key) ?? [];
    const is = holders.find((socket) => socket.owner !== null)?.owner;
    // systemd holds what it will hand to a service at the first connection.
    if (!was || !is || was.process === 'systemd' || is.process === 'systemd') return [];
    if (holders.some((one) => one.owner?.process === was.process || nameOf(one.owner) === nameOf(was))) return [];
    return [advisory(`socket:${key}`, `${nameOf(is)} serves ${key} now, before it was ${nameOf(was)}`)];
  });
}
