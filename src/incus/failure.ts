/** What kind of thing went wrong, as far as the caller has to tell them apart. */
export type IncusFailureKind =
  /** No daemon answers on the socket. */
  | 'unreachable'
  /** The socket, or the server, does not let this user in. */
  | 'forbidden'
  /** The instance, snapshot, volume, pool, project or operation does not exist. */
  | 'not-found'
  /** Another operation holds the instance. */
  | 'busy'
  /** `If-Match` did not match: somebody changed it in between (HTTP 412). */
  | 'changed'
  /** The name exists already. */
  | 'name-taken'
  | 'no-space'
  /** The project does not allow it. */
  | 'restricted'
  /** The server refuses the request as it is (HTTP 400 and the like). */
  | 'invalid'
  /** The limit was reached. UNKNOWN, not failed: what was asked may still go on, see `operation`. */
  | 'timed-out'
  /** The connection broke after the request was sent. UNKNOWN, not failed: see `operation`. */
  | 'connection-lost'
  /** Anything else that the server said, or an answer that could not be read. */
  | 'server';

/** What was asked, what was said, and what to do: the only form of an expected failure of this room. */
export interface IncusFailure {
  readonly kind: IncusFailureKind;
  /** What guard wanted, to be read after "could not": `take the snapshot g1 of web01`. */
  readonly asked: string;
  /** What the server, or the operating system, said; control characters neutralised. */
  readonly said: string;
  /** HTTP status or the operation's status code; null when nobody answered. */
  readonly code: number | null;
  /** What to do next, one sentence or a real command; empty when there is nothing to advise. */
  readonly advice: string;
  /** Id of the operation that may still go on; give it to `settle` (operations.ts). Null when there is none. */
  readonly operation: string | null;
}

/** The failure as one or two sentences for a person: "Could not …: ….  advice". */
export const sayFailure = (failure: IncusFailure): string =>
  `Could not ${failure.asked}: ${failure.said}${failure.advice === '' ? '' : ` ${failure.advice}`}`;
