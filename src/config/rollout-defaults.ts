import type { Amount } from '../amount.ts';

/** What guard.yaml says of rollouts; what it leaves out is not there. */
export interface RolloutDefaults {
  readonly maxParallel?: Amount;
  readonly canary?: number;
  readonly pauseMs?: number;
  readonly maxFailures?: Amount;
  readonly spreadBy?: string;
  readonly allOrNothing?: boolean;
}
