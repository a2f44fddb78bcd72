import { neutralise } from '../text.ts';

/** What kind of thing went wrong, as far as a caller has to tell them apart. */
export type PlatformFailureKind =
  /** No server answers; nothing was sent. */
  | 'unreachable'
  /** The server, or its socket, does not let this user in. */
  | 'forbidden'
  /** The instance, snapshot, volume, pool, project, file or operation does not exist. */
  | 'not-found'
  /** Another operation holds the instance or the volume. */
  | 'busy'
  /** A compare-and-swap did not match: somebody changed the thing in between. Nothing was changed. */
  | 'changed'
  /** The name exists already. */
  | 'name-taken'
  | 'no-space'
  /** The project does not allow it. */
  | 'restricted'
  /** The request is refused as it is. */
  | 'invalid'
  /** The limit was reached. UNKNOWN, not failed: what was asked may still go on, see `operation`. */
  | 'timed-out'
  /** The connection broke after the request was sent. UNKNOWN, not failed: see `operation`. */
  | 'connection-lost'
  /** The server called its own work off because it shuts down. */
  | 'cancelled'
  /** The server's networks are not up yet: it has only just started. */
  | 'not-ready'
  /** The server's records of the instance's snapshots contradict each other: see `findInconsistentSnapshots`. */
  | 'inconsistent-snapshots'
  /** Anything else that the server said, or an answer that could not be read. */
  | 'server';

/** What guard wanted, what the server said, and what to do: the only form of an expected failure of a platform. */
export interface PlatformFailure {
  readonly kind: PlatformFailureKind;
  /** What guard wanted, to be read after "could not": `take the snapshot g1 of web01`. */
  readonly purpose: string;
  /** What the server, or the operating system, said, as a sentence; control characters neutralised. */
  readonly detail: string;
  /** HTTP status or the operation's status code; null when nobody answered. */
  readonly code: number | null;
  /** What to do next, one sentence with a real command where there is one; empty when there is nothing to advise. */
  readonly advice: string;
  /** Id of the operation that may still go on; give it to `settle`. Null when there is none. */
  readonly operation: string | null;
  /** Shell lines for the server that clear away what stops this request every time; empty when there are none. */
  readonly repair: readonly string[];
}

/** The failure as one or two sentences for a person: `Could not …: …. Advice.` */
export function describeFailure(failure: PlatformFailure): string {
  return `Could not ${failure.purpose}: ${failure.detail}${failure.advice === '' ? '' : ` ${failure.advice}`}`;
}

/** Builds a failure. `detail` may be raw: it is neutralised and ends as a sentence. */
export function platformFailure(
  kind: PlatformFailureKind,
  purpose: string,
  detail: string,
  more: Partial<Pick<PlatformFailure, 'code' | 'advice' | 'operation' | 'repair'>> = {},
): PlatformFailure {
  return { kind, purpose, detail: sentence(detail), code: null, advice: '', operation: null, repair: [], ...more };
}

function sentence(text: string): string {
  const safe = neutralise(text, 1000).trim();
  return /[.!?…]$/.test(safe) ? safe : `${safe}.`;
}

/** The one list of what goes away by itself: the server restarts, the connection breaks, another operation is at work. */
const transientKinds: ReadonlySet<PlatformFailureKind> = new Set([
  'unreachable',
  'connection-lost',
  'busy',
  'cancelled',
]);

/** Whether the same request may succeed a moment later without anybody's doing. */
export function isTransient(failure: PlatformFailure): boolean {
  return transientKinds.has(failure.kind);
}
