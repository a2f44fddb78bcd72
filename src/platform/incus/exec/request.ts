import type { Result } from '../../../result.ts';
import type { PlatformFailure } from '../../failure.ts';
import type { Operation } from '../http/operations.ts';

/** A command that the server has accepted: it starts as soon as all sockets are connected, within five seconds. */
export interface AcceptedExec {
  readonly operation: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly terminal: boolean;
  readonly waited: Promise<Result<Operation, PlatformFailure>>;
}
