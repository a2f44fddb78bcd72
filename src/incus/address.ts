import type { Result } from '../result.ts';

/** What `guard <instance>` means: which daemon, which project, which instance. */
export type Address =
  | { readonly kind: 'local'; readonly socket: string; readonly project: string; readonly instance: string }
  | { readonly kind: 'remote'; readonly remote: string; readonly project: string; readonly instance: string };

/** Why an address could not be made out. Both are whole sentences. */
export interface AddressFailure {
  readonly says: string;
  readonly advice: string;
}

/** The socket that the `incus` command would use in this environment. */
export interface LocalSocket {
  readonly socket: string;
  /** The project that goes with it when none is chosen: `user-<uid>` for incus-user's socket, else `default`. */
  readonly project: string;
}

/**
 * Reads `name` or `remote:name` as the `incus` command does: its environment (INCUS_SOCKET, INCUS_DIR, INCUS_CONF,
 * INCUS_GLOBAL_CONF, INCUS_REMOTE, INCUS_PROJECT, HOME) and its config.yml are obeyed; `projectFlag` wins.
 */
export const resolveAddress = (question: {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly remoteAndName: string;
  readonly projectFlag: string | null;
}): Promise<Result<Address, AddressFailure>> => notYet(question);

/** Finds the local daemon's socket. Changes nothing; whether the daemon answers is only known when it is asked. */
export const findSocket = (environment: Readonly<Record<string, string | undefined>>): LocalSocket =>
  notYet(environment);

const notYet = (..._all: unknown[]): never => {
  throw new Error('not written yet');
};
