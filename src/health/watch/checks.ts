import type { CheckDefinition } from '../../check-definition.ts';
import type { Clock } from '../../clock.ts';
import type { CheckResult } from '../../event.ts';
import type { Prober } from '../prober.ts';
import type { Baseline } from '../baseline.ts';
import { canDecide } from '../verdict.ts';

/** The checks of one watch: what each said last, when it is due again, and how often in a row it did not pass. */
export interface WatchedChecks {
  /** Asks those that are due (or all), each at most once. */
  readonly round: (options: { readonly all: boolean; readonly eager: boolean }) => Promise<Round>;
  /** Milliseconds of the clock at which the next check is due; Infinity without checks. */
  readonly nextDueAt: () => number;
  /** Whether a check that can decide does not pass, but not yet `retries` times in a row. */
  readonly undecided: () => boolean;
  /** Whether the check with this name is such a one. */
  readonly isUndecided: (name: string) => boolean;
}

/** What every check said last. `fresh`: all of them were asked in this round. */
interface Round {
  readonly results: readonly CheckResult[];
  readonly fresh: boolean;
}

interface Watched {
  readonly definition: CheckDefinition;
  results: readonly CheckResult[];
  failuresInARow: number;
  dueAt: number;
}

/** Every check is due at once, so that each is asked after the command; afterwards at its interval. */
export function createWatchedChecks(prober: Prober, clock: Clock, baseline: Baseline): WatchedChecks {
  const all: Watched[] = baseline.definitions.map((definition) => ({
    definition,
    results: [],
    failuresInARow: 0,
    dueAt: 0,
  }));
  const isTroubled = (results: readonly CheckResult[]): boolean =>
    results.some((result) => result.status !== 'passed' && canDecide(baseline, result));

  async function askOne(watched: Watched): Promise<void> {
    watched.results = await prober.check(watched.definition);
    watched.failuresInARow = isTroubled(watched.results) ? watched.failuresInARow + 1 : 0;
    watched.dueAt = clock.monotonic() + watched.definition.intervalMs;
  }

  return {
    round: async (options) => {
      const now = clock.monotonic();
      // While it is waited, what does not pass yet is asked at every look: a service is not kept down for an interval's sake.
      const isDue = (watched: Watched): boolean =>
        options.all || watched.dueAt <= now || (options.eager && watched.failuresInARow > 0);
      const due = all.filter(isDue);
      await Promise.all(due.map(askOne));
      return { results: all.flatMap(({ results }) => results), fresh: due.length === all.length };
    },
    nextDueAt: () => Math.min(...all.map(({ dueAt }) => dueAt)),
    undecided: () => all.some(isBetweenTries),
    isUndecided: (name) =>
      all.some((watched) => isBetweenTries(watched) && watched.results.some((result) => result.name === name)),
  };
}

function isBetweenTries({ failuresInARow, definition }: Watched): boolean {
  return failuresInARow > 0 && failuresInARow < definition.retries;
}
