import type { Incus } from '../../incus/client.ts';
import type { IncusFailure } from '../../incus/failure.ts';
import { getInstance, patchInstance, type Instance } from '../../incus/instance.ts';
import { ok, type Result } from '../../result.ts';
import { markerKey, readMarker, type RunMarker } from './marker.ts';
import { contentionLimitMs, isContention } from '../retry.ts';
import { lossBehind, underLease, type LeaseHandle } from './lease.ts';
import { quiesceKey, readQuiesceMarker, type QuiesceMarker } from './quiesce-marker.ts';

/** Who won the instance: this run, which found it running or not, or the run whose mark or key is there. */
export type Claim =
  | { readonly claimed: true; readonly wasRunning: boolean }
  | { readonly claimed: false; readonly holder: Pick<RunMarker, 'run' | 'holder'> };

/**
 * Writes the mark by compare-and-swap; this run's own key of a moment of quiet goes in the same step. `stale` are runs
 * whose mark or key was seen when no restore point was in flight: they may be overwritten. Any other run's means that this
 * run lost.
 */
export function claim(
  incus: Incus,
  name: string,
  marker: Omit<RunMarker, 'wasRunning'>,
  stale: readonly string[],
  lease: LeaseHandle | null = null,
): Promise<Result<Claim, IncusFailure>> {
  return swap({ incus, name, lease }, [marker.run, ...stale], ({ config }, wasRunning) => ({
    [markerKey]: JSON.stringify({ ...marker, wasRunning } satisfies RunMarker),
    ...(config[quiesceKey] === undefined ? {} : { [quiesceKey]: '' }),
  }));
}

/** The same with the key of a moment of quiet, before there is a restore point. */
export function claimForQuiesce(
  incus: Incus,
  name: string,
  quiesceMarker: Omit<QuiesceMarker, 'wasRunning'>,
  stale: readonly string[],
): Promise<Result<Claim, IncusFailure>> {
  return swap({ incus, name, lease: null }, [quiesceMarker.run, ...stale], (_instance, wasRunning) => ({
    [quiesceKey]: JSON.stringify({ ...quiesceMarker, wasRunning } satisfies QuiesceMarker),
  }));
}

async function swap(
  { incus, name, lease }: { readonly incus: Incus; readonly name: string; readonly lease: LeaseHandle | null },
  passable: readonly string[],
  configOf: (instance: Instance, wasRunning: boolean) => Record<string, string>,
): Promise<Result<Claim, IncusFailure>> {
  for (;;) {
    const instance = await getInstance(incus, name);
    if (!instance.ok) return instance;
    for (const present of [readMarker(instance.value), readQuiesceMarker(instance.value)])
      if (present && !passable.includes(present.run)) return ok({ claimed: false, holder: present });
    const wasRunning = instance.value.status === 'Running';
    const { etag, description } = instance.value;
    const config = configOf(instance.value, wasRunning);
    // Somebody else's snapshot or key is being written: that is over in a moment.
    const patch = (): Promise<Result<void, IncusFailure>> => patchInstance(incus, name, { config, description, etag });
    const written = await underLease(incus, lease, contentionLimitMs, patch, isContention);
    if (written.ok) return ok({ claimed: true, wasRunning });
    // Somebody changed the instance's configuration in between: look again.
    if (written.error.kind !== 'changed' || lossBehind(written.error) !== null) return written;
  }
}
