import { clientOf } from '../platform/incus/product.ts';
import { findSocket } from '../platform/incus/remote/socket.ts';
import type { Context } from './context.ts';

/** The command that a person types on this host: `lxc` where the local server is LXD. For a mistake that no server is asked about. */
export function localClient({ environment }: Pick<Context, 'environment'>): string {
  return clientOf(findSocket(environment).product);
}
