import type { Result } from '../result.ts';
import type { Incus, Limit } from './client.ts';
import type { IncusFailure } from './failure.ts';

/** Something the server is doing. */
export interface Operation {
  readonly id: string;
  /** `task`, `websocket` or `token`. */
  readonly class: string;
  /** As the server says it: `Restoring snapshot`, `Executing command`, … */
  readonly description: string;
  /** `Running`, `Pending`, `Success`, `Failure`, `Cancelled`, … */
  readonly status: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Names of the instances it works on. */
  readonly instances: readonly string[];
  /** What the kind of operation tells, e.g. `return` and `fds` of an exec. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The failure's text; empty when there is none. */
  readonly err: string;
}

/** How an operation stands. `gone`: the server forgot it (5 s after its end, or it was restarted); ask for its effect. */
export type Settled =
  | { readonly kind: 'succeeded'; readonly operation: Operation }
  | { readonly kind: 'failed'; readonly failure: IncusFailure }
  | { readonly kind: 'gone' };

/**
 * Waits for the end of an operation that was started. `timed-out` and `connection-lost` mean that it may still go on:
 * never start it again before `settle` said how it stands.
 */
export const waitFor = (
  incus: Incus,
  operation: string,
  how: Limit & { readonly asked: string },
): Promise<Result<Operation, IncusFailure>> => notYet(incus, operation, how);

/**
 * After a `timed-out` or a `connection-lost`: asks again and again, through a restart of the daemon too, until the
 * operation has ended or nobody knows it any more. `timed-out` when it still runs at the limit.
 */
export const settle = (
  incus: Incus,
  operation: string,
  how: Limit & { readonly asked: string },
): Promise<Result<Settled, IncusFailure>> => notYet(incus, operation, how);

/** All operations of the project that the server knows, those that ended within the last 5 s too. */
export const listOperations = (incus: Incus): Promise<Result<Operation[], IncusFailure>> => notYet(incus);

const notYet = (..._all: unknown[]): never => {
  throw new Error('not written yet');
};
