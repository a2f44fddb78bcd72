import { openProber, type Prober } from '../health/prober.ts';
import type { InstanceObservation } from '../health/observation.ts';
import type { Preflight } from '../health/probe/preflight.ts';
import type { Plan } from './plan.ts';
import type { RunTools } from './tools.ts';

/** The observation of the baseline, started while guard still inspects the instance. */
export interface FirstObservation {
  readonly prober: Prober;
  readonly look: Promise<InstanceObservation>;
  /** The early result; null if the observation ends without one. */
  readonly preflight: Promise<Preflight | null>;
  /** Cancels it. */
  readonly stop: () => void;
}

/**
 * Starts before guard knows whether the run is admitted. An observation only reads, so another run may hold the instance.
 * Null if the run compares no facts, or if a package manager waits for this run.
 */
export function startFirstObservation(
  plan: Plan,
  { platform, clock, interruption }: RunTools,
): FirstObservation | null {
  if (!plan.automatic || !plan.change.executesCommand) return null;
  const over = new AbortController();
  const signal = AbortSignal.any([interruption.signal, over.signal]);
  const prober = openProber({ platform, instance: plan.instance, clock, signal }, plan);
  let onPreflight: (preflight: Preflight | null) => void = () => {};
  const preflight = new Promise<Preflight | null>((resolve) => (onPreflight = resolve));
  const look = prober.look({ wanted: plan.command.words[0], onPreflight });
  // Resolves for every end, even if nobody waits any more.
  void look.then(
    () => onPreflight(null),
    () => onPreflight(null),
  );
  return { prober, look, preflight, stop: () => over.abort() };
}
