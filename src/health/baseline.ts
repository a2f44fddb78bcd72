import type { CheckDefinition } from '../check-definition.ts';
import type { Clock } from '../clock.ts';
import type { CheckResult } from '../event.ts';
import { openProber, type Prober } from './prober.ts';
import type { AskContext, Observation } from './observation.ts';

/** What was true just before the command, with the questions, so that they can be asked again. Plain data, for the journal. */
export interface Baseline extends Observation {
  readonly definitions: readonly CheckDefinition[];
  /** Whether facts are gathered and compared. */
  readonly automatic: boolean;
  /** Whether the servers of the instance are asked; absent in older records, which means that they are. */
  readonly askServers?: boolean;
}

export interface BaselineRequest {
  readonly definitions: readonly CheckDefinition[];
  readonly automatic: boolean;
  /** Whether the servers of the instance are asked; they are where nothing is said. */
  readonly askServers?: boolean;
  /** The instance was started just now: within a check's start period its failures do not count. */
  readonly justStarted?: boolean;
  /** Nothing is written in the instance: whether services can still write is not tested. */
  readonly readOnly?: boolean;
}

/**
 * Gathers the facts and asks every check, in parallel. A check that does not pass is asked again after its interval, until
 * it passes or has failed `retries` times in a row. How long each took is in its result (F33).
 */
export function takeBaseline(context: AskContext, request: BaselineRequest): Promise<Baseline> {
  return takeBaselineWith(openProber(context, request), context, request);
}

/** The same with any prober. */
export async function takeBaselineWith(
  prober: Prober,
  context: Pick<AskContext, 'clock' | 'signal'>,
  request: BaselineRequest,
): Promise<Baseline> {
  const at = context.clock.now();
  const [look, ...checks] = await Promise.all([
    prober.look(),
    ...request.definitions.map((definition) =>
      askWithRetries(prober, context, definition, request.justStarted ?? false),
    ),
  ]);
  const { definitions, automatic, askServers = true } = request;
  return { ...look, at, checks: checks.flat(), definitions, automatic, askServers };
}

async function askWithRetries(
  prober: Prober,
  { clock, signal }: { readonly clock: Clock; readonly signal?: AbortSignal },
  definition: CheckDefinition,
  justStarted: boolean,
): Promise<readonly CheckResult[]> {
  const graceEndsAt = clock.monotonic() + (justStarted ? definition.startPeriodMs : 0);
  for (let failures = 0; ;) {
    const results = await prober.check(definition);
    if (results.every((result) => result.status === 'passed')) return results;
    if (clock.monotonic() >= graceEndsAt) failures += 1;
    if (failures >= definition.retries || signal?.aborted) return results;
    await clock.sleep(definition.intervalMs, signal);
  }
}
