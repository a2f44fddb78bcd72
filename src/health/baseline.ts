import type { CheckDefinition } from '../check-definition.ts';
import type { AskContext, Look } from './look.ts';

/** What was true just before the command, with the questions, so that they can be asked again. Plain data, for the journal. */
export interface Baseline extends Look {
  readonly definitions: readonly CheckDefinition[];
  /** Whether facts are gathered and compared. */
  readonly automatic: boolean;
}

export interface BaselineRequest {
  readonly definitions: readonly CheckDefinition[];
  readonly automatic: boolean;
}

/** Gathers the facts and asks every check, with its retries, in parallel. Changes nothing. */
export const takeBaseline = (context: AskContext, request: BaselineRequest): Promise<Baseline> => {
  void context;
  void request;
  throw new Error('not written yet');
};
