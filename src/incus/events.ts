import type { Result } from '../result.ts';
import type { Incus } from './client.ts';
import type { IncusFailure } from './failure.ts';

/** One event of the server. */
export interface IncusEvent {
  readonly type: 'lifecycle' | 'operation';
  /** RFC 3339. */
  readonly timestamp: string;
  /** `instance-started`, `instance-restored`, `instance-ready`, … for lifecycle; the operation's status else. */
  readonly action: string;
  /** API path that it is about, e.g. `/1.0/instances/web01`. */
  readonly source: string;
  readonly context: Readonly<Record<string, unknown>>;
}

/** An open stream of events. */
export interface EventStream {
  readonly close: () => void;
  /** Resolves when the stream is over: ok after `close`, `connection-lost` when the server went away. */
  readonly ended: Promise<Result<void, IncusFailure>>;
}

/** Follows the server's events of this project from now on. */
export const followEvents = (
  incus: Incus,
  types: readonly IncusEvent['type'][],
  onEvent: (event: IncusEvent) => void,
): Promise<Result<EventStream, IncusFailure>> => notYet(incus, types, onEvent);

const notYet = (..._all: unknown[]): never => {
  throw new Error('not written yet');
};
