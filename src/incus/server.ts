import type { Result } from '../result.ts';
import type { Incus } from './client.ts';
import type { IncusFailure } from './failure.ts';

/** The daemon that answers. */
export interface Server {
  /** `incus` or `lxd`. */
  readonly server: string;
  readonly version: string;
  readonly extensions: ReadonlySet<string>;
  /** The server's own name (`environment.server_name`). */
  readonly name: string;
}

/** Asks who answers. `forbidden` when the server does not trust this client. */
export const getServer = (incus: Incus): Promise<Result<Server, IncusFailure>> => notYet(incus);

/** Config of the project in use, e.g. `restricted`, `restricted.snapshots`. */
export const getProjectConfig = (incus: Incus): Promise<Result<Record<string, string>, IncusFailure>> => notYet(incus);

const notYet = (..._all: unknown[]): never => {
  throw new Error('not written yet');
};
