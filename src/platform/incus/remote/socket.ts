import { accessSync, constants, lstatSync } from 'node:fs';
import { join } from 'node:path';

import type { Environment } from './client-config.ts';

/** The socket that the `incus` command would use in this environment. */
export interface LocalSocket {
  readonly socket: string;
  /** The project that goes with it when none is chosen: `user-<uid>` for incus-user's socket, else `default`. */
  readonly project: string;
}

/** Finds the local daemon's socket. Changes nothing; whether the daemon answers is only known when it is asked. */
export function findSocket(environment: Environment): LocalSocket {
  if (environment['INCUS_SOCKET']) return { socket: environment['INCUS_SOCKET'], project: 'default' };
  const folder = environment['INCUS_DIR'] || (exists('/run/incus/unix.socket') ? '/run/incus' : '/var/lib/incus');
  const socket = join(folder, 'unix.socket');
  const userSocket = join(folder, 'unix.socket.user');
  return !isWritable(socket) && isWritable(userSocket)
    ? { socket: userSocket, project: `user-${process.geteuid?.() ?? 0}` }
    : { socket, project: 'default' };
}

function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
