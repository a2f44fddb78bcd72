import type { Finding } from '../event.ts';
import type { Facts } from './facts.ts';

/** A finding from facts. `transient` ones may still settle by themselves: a service that is starting, an address not yet leased. */
export interface FactFinding extends Finding {
  readonly transient: boolean;
}

export interface CompareOptions {
  /** The instance was restarted between the two: what only lived in the old boot is not expected back. */
  readonly restarted?: boolean;
}

/**
 * What got worse, and what is worth telling, between the facts before the command and those after. A thing that was bad
 * before is never blamed; sections that are unknown on either side say nothing (see `missingFacts`).
 */
export const compareFacts = (before: Facts, after: Facts, options: CompareOptions = {}): FactFinding[] => {
  void before;
  void after;
  void options;
  return [];
};

/**
 * What happened between two looks after the command, for the soak: a restart, a vanished socket, a new failure.
 * `baseline` says what was bad before the command and therefore does not count.
 */
export const compareLooks = (baseline: Facts, previous: Facts, current: Facts): FactFinding[] => {
  void baseline;
  void previous;
  void current;
  return [];
};

/** What could be read before the command and can no longer be: it decides nothing, but the verdict cannot be `healthy`. */
export const missingFacts = (before: Facts, after: Facts): FactFinding[] => {
  void before;
  void after;
  return [];
};
