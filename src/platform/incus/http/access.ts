import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';

import { shellWords } from '../../../text.ts';
import { failureOf, type About } from './failure.ts';
import type { PlatformFailure } from '../../failure.ts';

/** The failure for a socket that could not be connected to: which one, why, and how to get in or choose another. */
export async function socketFailure(about: About, socket: string, errno: string): Promise<PlatformFailure> {
  switch (errno) {
    case 'EACCES':
    case 'EPERM':
      return forbidden(about, socket);
    case 'ENOENT':
    case 'ENOTDIR':
      return unreachable(about, `there is no socket ${socket}`);
    case 'ECONNREFUSED':
      return unreachable(about, `nothing answers on the socket ${socket}`);
    case 'ENOTSOCK':
      return unreachable(about, `${socket} is not a socket`);
    default:
      return unreachable(about, `the socket ${socket} could not be opened (${errno})`);
  }
}

function unreachable(about: About, detail: string): PlatformFailure {
  return failureOf('unreachable', about, detail, {
    advice:
      about.product === 'LXD'
        ? 'Start LXD, or choose another socket with LXD_SOCKET=/path/to/unix.socket or LXD_DIR=/path/to/folder.'
        : 'Start Incus, or choose another socket with INCUS_SOCKET=/path/to/unix.socket or INCUS_DIR=/path/to/folder.',
  });
}

async function forbidden(about: About, socket: string): Promise<PlatformFailure> {
  const group = await groupOwning(socket);
  const user = userName();
  if (group === null || group === 'root')
    return failureOf('forbidden', about, `${user} may not use the socket ${socket}`, {
      advice: 'Run guard as a user who may, for instance root.',
    });
  return failureOf(
    'forbidden',
    about,
    `${user} may not use the socket ${socket}, which belongs to the group ${group}`,
    {
      advice: `Join the group with \`${shellWords(['sudo', 'usermod', '-aG', group, user])}\` and log in again.`,
    },
  );
}

/** The name of the group that owns the file; its number when it has no name; null when it cannot be seen. */
async function groupOwning(path: string): Promise<string | null> {
  try {
    const { gid } = await stat(path);
    const groups = await readFile('/etc/group', 'utf8').catch(() => '');
    const line = groups.split('\n').find((line) => line.split(':')[2] === String(gid));
    return line?.split(':')[0] ?? String(gid);
  } catch {
    return null;
  }
}

/** A user without an entry in the user database is a number. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.geteuid?.() ?? '');
  }
}
