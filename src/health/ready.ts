import type { Result } from '../result.ts';
import type { AskContext } from './look.ts';

/** The instance can be asked. */
export interface Readiness {
  readonly ms: number;
  /** False where it can be asked, but the limit came before everything had started. */
  readonly settled: boolean;
  /** What is still under way, one phrase each. */
  readonly pending: readonly string[];
}

export interface ReadyRequest {
  readonly limitMs: number;
  /** IP families in which the instance had an address before: it is waited for one of each. */
  readonly families?: readonly (4 | 6)[];
}

/** After a start: waits until a command can be run inside, the service manager has booted, and the network is back. */
export const waitUntilAskable = (
  context: AskContext,
  request: ReadyRequest,
): Promise<Result<Readiness, { readonly says: string }>> => {
  void context;
  void request;
  throw new Error('not written yet');
};

/** Whether anything inside would disturb a change: a boot under way, a package manager at work. */
export interface Quiet {
  readonly quiet: boolean;
  /** What is under way and who does it, one phrase each. */
  readonly held: readonly string[];
  readonly ms: number;
}

/** Waits, bounded, until the boot is finished and no package manager is at work (F28). */
export const waitUntilQuiet = (context: AskContext, request: { readonly limitMs: number }): Promise<Quiet> => {
  void context;
  void request;
  throw new Error('not written yet');
};
