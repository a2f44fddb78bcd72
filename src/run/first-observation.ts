import { openProber, type Prober } from '../health/prober.ts';
import type { InstanceObservation } from '../health/observation.ts';
import type { Preflight } from '../health/probe/preflight.ts';
import type { Plan } from './plan.ts';
import type { RunTools } from './tools.ts';

/** The look of a baseline, begun while the instance is still inspected. */
export interface FirstObservation {
  readonly prober: Prober;
  readonly look: Promise<InstanceObservation>;
  /** What it says before its end; null where it ends without that. */
  readonly opening: Promise<Preflight | null>;
  /** Gives it up. */
  readonly stop: () => void;
}

/**
 * Begins to look before it is known whether the instance may be touched at all: a look only reads, also one that another run
 * holds. Null where the run looks for no facts, or where the package manager that waits for it is at work inside.
 */
export function startFirstObservation(
  plan: Plan,
  { platform, clock, interruption }: RunTools,
): FirstObservation | null {
  if (!plan.automatic || plan.change.kind !== 'command') return null;
  const over = new AbortController();
  const signal = AbortSignal.any([interruption.signal, over.signal]);
  const prober = openProber({ platform, instance: plan.instance, clock, signal }, plan);
  let heard: (opening: Preflight | null) => void = () => {};
  const opening = new Promise<Preflight | null>((resolve) => (heard = resolve));
  const look = prober.look({ wanted: plan.command.words[0], heard });
  // However it ends, also where nobody waits for it any more.
  void look.then(
    () => heard(null),
    () => heard(null),
  );
  return { prober, look, opening, stop: () => over.abort() };
}
