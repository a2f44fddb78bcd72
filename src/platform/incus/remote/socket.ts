import { accessSync, constants, lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { Product } from '../product.ts';
import type { Environment } from './client-config.ts';

/** The socket that the server's own client would use in this environment. */
export interface LocalSocket {
  readonly product: Product;
  readonly socket: string;
  /** The project that goes with it when none is chosen: `user-<uid>` for the socket of an unprivileged user, else `default`. */
  readonly project: string;
}

/**
 * Finds the local daemon's socket: what the environment names, Incus before LXD; then the one that exists, Incus before LXD. Changes nothing;
 * whether the daemon answers is only known when it is asked.
 */
export function findSocket(environment: Environment): LocalSocket {
  const product = productOf(environment);
  return product === 'LXD' ? lxdSocket(environment) : incusSocket(environment);
}

/** The local socket of one of the two servers. */
export function socketOf(product: Product, environment: Environment): LocalSocket {
  return product === 'LXD' ? lxdSocket(environment) : incusSocket(environment);
}

function productOf(environment: Environment): Product {
  if (environment['INCUS_SOCKET'] || environment['INCUS_DIR']) return 'Incus';
  if (environment['LXD_SOCKET'] || environment['LXD_DIR']) return 'LXD';
  if (incusFolders.some((folder) => exists(join(folder, 'unix.socket')))) return 'Incus';
  return lxdFolders.some((folder) => exists(join(folder, 'unix.socket'))) ? 'LXD' : 'Incus';
}

const incusFolders = ['/run/incus', '/var/lib/incus'];

/** Of the snap, and of distributions' packages. */
const lxdFolders = ['/var/snap/lxd/common/lxd', '/var/lib/lxd'];

function incusSocket(environment: Environment): LocalSocket {
  if (environment['INCUS_SOCKET']) return { product: 'Incus', socket: environment['INCUS_SOCKET'], project: 'default' };
  const folder = environment['INCUS_DIR'] || (exists('/run/incus/unix.socket') ? '/run/incus' : '/var/lib/incus');
  return ownOrUsers('Incus', join(folder, 'unix.socket'), join(folder, 'unix.socket.user'));
}

function lxdSocket(environment: Environment): LocalSocket {
  if (environment['LXD_SOCKET']) return { product: 'LXD', socket: environment['LXD_SOCKET'], project: 'default' };
  const installed = lxdFolders.find((one) => exists(join(one, 'unix.socket'))) ?? '/var/lib/lxd';
  const folder = environment['LXD_DIR'] || installed;
  return ownOrUsers('LXD', join(folder, 'unix.socket'), join(dirname(folder), 'lxd-user', 'unix.socket'));
}

/** The daemon's socket, or the one for users who may not use that. */
function ownOrUsers(product: Product, socket: string, userSocket: string): LocalSocket {
  return !isWritable(socket) && isWritable(userSocket)
    ? { product, socket: userSocket, project: `user-${process.geteuid?.() ?? 0}` }
    : { product, socket, project: 'default' };
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
