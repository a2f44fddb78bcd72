import type { Clock } from '../clock.ts';
import type { CheckResult } from '../event.ts';
import type { Platform } from '../platform/platform.ts';
import type { Facts } from './facts.ts';

/** Whom to ask. */
export interface AskContext {
  readonly platform: Platform;
  readonly instance: string;
  readonly clock: Clock;
  /** Gives all questions up early. */
  readonly signal?: AbortSignal;
}

/** What was seen of the instance at one moment. Plain data. */
export interface Observation extends InstanceObservation {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly checks: readonly CheckResult[];
}

/** What was seen without any configured check. */
export interface InstanceObservation {
  readonly state: InstanceState;
  /** Null where they were not asked for, or could not be gathered (then `factsSay` tells why, in a sentence). */
  readonly facts: Facts | null;
  readonly factsSay: string | null;
}

/** `reachable`: a command ran in the instance. `unreachable`: the server says that the instance is running, but no command could be run in it. */
export type InstanceState =
  | { readonly kind: 'reachable' }
  | { readonly kind: 'unreachable'; readonly message: string }
  | { readonly kind: 'not-running'; readonly message: string };
