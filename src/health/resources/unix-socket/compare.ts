import { nameOf } from '../listener/kinds.ts';
import type { Facts, UnixSocket } from '../../facts.ts';
import { conditionOf, withoutVersion } from '../unit/state.ts';

/** A named unix socket that nobody listens on any more. */
export interface UnixLoss {
  readonly socket: UnixSocket;
  readonly severity: 'required' | 'advisory';
  /** Files of somebody else's configuration that name it. */
  readonly referredBy: readonly string[];
  readonly movedTo: string | null;
}

/** Every named unix socket that is gone and not private to a session or to systemd. */
export function lostUnixSockets(before: Facts, after: Facts): UnixLoss[] {
  if (before.unixSockets === null || after.unixSockets === null) return [];
  const here = new Set(before.unixSockets.map((socket) => socket.path));
  const there = new Set(after.unixSockets.map((socket) => socket.path));
  const anew = after.unixSockets.filter((socket) => !here.has(socket.path));
  const pids = new Set(before.processes?.map(({ pid }) => String(pid)));
  return (
    before.unixSockets
      .filter((socket) => !there.has(socket.path) && !comesAndGoes(socket, pids) && !ofTheSystem.test(socket.path))
      // It moved, and a link stands where it was.
      .filter(({ path }) => !there.has((after.links?.[path] ?? '').replace(/^\/var\/run\//, '/run/')))
      .map((socket) => lossOf(socket, anew, before, after))
  );
}

function comesAndGoes({ path, owner }: UnixSocket, pids: ReadonlySet<string>): boolean {
  return (
    /^\/(run\/user|tmp|var\/tmp|run\/screen|run\/containerd\/s|root|home|dev)\//.test(path) ||
    // A name with a pid or a random part in it is another one after every start.
    /[0-9a-f]{12,}|\.tmp$/.test(path) ||
    // GnuPG starts its helpers where and when it needs them.
    /\/S\.(gpg-agent|dirmngr|scdaemon|keyboxd)/.test(path) ||
    path.split(/\D+/).some((number) => number.length > 1 && pids.has(number)) ||
    (owner?.unit != null && /^(session-.*\.scope|user@[^/]*\.service|run-.*)$/.test(owner.unit))
  );
}

function lossOf(socket: UnixSocket, anew: readonly UnixSocket[], before: Facts, after: Facts): UnixLoss {
  const referredBy = othersReferring(socket, after.configuration ?? before.configuration);
  const loss = (severity: UnixLoss['severity'], movedTo: string | null = null): UnixLoss => ({
    socket,
    severity,
    referredBy,
    movedTo,
  });
  const sibling = anew.find((one) => withoutVersion(one.path) === withoutVersion(socket.path));
  if (referredBy.length > 0) return loss('required', sibling?.path ?? null);
  // A new version beside the old one, and nobody names the old one.
  if (sibling !== undefined) return loss('advisory', sibling.path);
  const users = usersReferring(socket, after);
  if (users.length > 0) return { ...loss('required'), referredBy: users };
  const moved = anew.find((one) => sameOwner(one, socket));
  if (moved !== undefined && withoutRandom(moved.path) === withoutRandom(socket.path))
    return loss('advisory', moved.path);
  if (moved !== undefined) return loss('required', moved.path);
  // One of several doors into the same service, such as those between the parts of dovecot or postfix.
  const stays =
    after.unixSockets?.some((one) => sameOwner(one, socket) && folder(one.path) === folder(socket.path)) ?? false;
  return loss(stays || socket.owner === null || isOfHelper(socket, before, after) ? 'advisory' : 'required');
}

/**
 * Held by a process that the service starts when somebody needs it, as winbind does with samba-dcerpcd: the service runs as
 * before, and no such process is there at this moment.
 */
function isOfHelper({ owner }: UnixSocket, before: Facts, after: Facts): boolean {
  if (owner?.unit == null) return false;
  const { unit: id, process: helper } = owner;
  const [was, is] = [before.units?.[id], after.units?.[id]];
  if (was === undefined || is === undefined || conditionOf(is) !== 'running') return false;
  const main = before.processes?.find(({ pid }) => pid === was.mainPid)?.name;
  const isStarted = after.processes?.some(({ name, unit }) => name === helper && unit === id) ?? true;
  return main !== undefined && main !== helper && !isStarted;
}

/** As mktemp(1) makes names. */
function withoutRandom(path: string): string {
  return path.replace(/([._-])(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6,}$/, '$1#');
}

/** Internal to systemd and D-Bus, whose versions rename and drop them; the units that need them are compared themselves. */
const ofTheSystem = /^\/run\/(systemd|udev|initctl|dbus|lock|cloud-init|credentials|mount|lvm|dmeventd)(\/|$)/;

function sameOwner(one: UnixSocket, other: UnixSocket): boolean {
  return (
    one.owner !== null &&
    other.owner !== null &&
    (nameOf(one.owner) === nameOf(other.owner) || one.owner.process === other.owner.process)
  );
}

function folder(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** Whoever owns the socket names it too: that proves nothing. */
function othersReferring(socket: UnixSocket, configuration: Facts['configuration']): string[] {
  if (configuration === null || !Object.hasOwn(configuration.references, socket.path)) return [];
  const own = ownWords(socket);
  return (configuration.references[socket.path] ?? []).filter(
    (path) => !own.some((word) => path.toLowerCase().includes(word)),
  );
}

/** Files in the folder of another service that runs, whatever they are called: `/etc/nginx/snippets/php.conf`. */
function usersReferring(socket: UnixSocket, { configuration, processes, units }: Facts): string[] {
  if (configuration === null || !Object.hasOwn(configuration.references, socket.path)) return [];
  const own = ownWords(socket);
  const runs = (name: string): boolean =>
    (processes?.some((process) => process.name === name) ?? false) ||
    Object.values(units ?? {}).some(({ id, active }) => id === `${name}.service` && active === 'active');
  return (configuration.references[socket.path] ?? []).filter((path) => {
    const service = path.split('/')[2] ?? '';
    return !own.some((word) => service.toLowerCase().includes(word)) && runs(service);
  });
}

function ownWords(socket: UnixSocket): string[] {
  const words =
    `${socket.owner?.unit ?? ''} ${socket.owner?.process ?? ''} ${folder(socket.path).replace(/^\/run/, '')}`
      .toLowerCase()
      .match(/[a-z]{3,}/g);
  const common = new Set(['service', 'server', 'socket', 'run', 'var', 'lib', 'spool', 'main', 'daemon', 'private']);
  return [...new Set(words)]
    .filter((word) => !common.has(word))
    .map((word) => (word.endsWith('d') && word.length > 4 ? word.slice(0, -1) : word));
}

/** `socket /run/mysqld/mysqld.sock is gone`, with who names it. */
export function sayUnixLoss({ socket, referredBy, movedTo }: UnixLoss): string {
  const where = movedTo === null ? 'is gone' : `is gone, ${movedTo} is new`;
  const who =
    referredBy.length === 0
      ? ''
      : `, and ${referredBy[0]}${referredBy.length > 1 ? ' and others refer' : ' refers'} to it`;
  return `socket ${socket.path} ${where}${who}`;
}
