import type { Access, UnixSocket } from '../../facts.ts';
import type { Difference } from '../../rules.ts';
import { isRemoved, type Comparison } from '../comparison.ts';
import { nameOf } from '../listener/kinds.ts';

/** Sockets that are there as before, and whose ordinary users may not connect any more. */
export function compareSocketAccess(comparison: Comparison): Difference[] {
  const { before, after } = comparison;
  const now = new Map(after.unixSockets?.map((socket) => [socket.path, socket]));
  return (before.unixSockets ?? []).flatMap((socket): Difference[] => {
    const [was, is] = [socket.access, now.get(socket.path)?.access];
    if (was === undefined || is === undefined) return [];
    const lost = lostCallers(was, is);
    if (lost === null) return [];
    const who = nameOf(socket.owner);
    return [
      {
        resource: 'unix-socket',
        change: 'closed',
        name: socket.path,
        subject: `socket:${socket.path}`,
        message: `${who === '' ? '' : `${who}: `}${lost} could connect to ${socket.path}, and may not any more (mode ${octal(was)} became ${octal(is)})`,
        transient: true,
        traits: [
          ...(isRemoved(comparison, socket.owner?.unit ?? null, who) ? (['removed'] as const) : []),
          ...(isBetweenParts(socket, before.unixSockets ?? []) ? (['part'] as const) : []),
        ],
      },
    ];
  });
}

/** Who connects needs to write. */
function lostCallers(was: Access, is: Access): string | null {
  const others = (access: Access): boolean => (access.mode & 0o002) !== 0;
  const group = (access: Access): boolean => others(access) || (access.mode & 0o020) !== 0;
  const owner = (access: Access): boolean => others(access) || (access.mode & 0o200) !== 0;
  if (others(was) && !others(is)) return 'every user';
  if (others(is)) return null;
  if (group(was) && (!group(is) || was.gid !== is.gid)) return `the group ${was.gid}`;
  if (owner(was) && was.uid !== 0 && (!owner(is) || (was.uid !== is.uid && !group(is)))) return `the user ${was.uid}`;
  return null;
}

const octal = ({ mode, uid, gid }: Access): string => `${mode.toString(8).padStart(4, '0')} of ${uid}:${gid}`;

/** One of many doors between the parts of one service, such as those of dovecot and postfix. */
function isBetweenParts({ owner, path }: UnixSocket, all: readonly UnixSocket[]): boolean {
  const folder = path.slice(0, path.lastIndexOf('/'));
  return all.filter((one) => nameOf(one.owner) === nameOf(owner) && one.path.startsWith(`${folder}/`)).length >= 6;
}
