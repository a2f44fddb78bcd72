import type { Instance, Platform } from '../../platform/platform.ts';
import type { PlatformFailure } from '../../platform/failure.ts';
import { ok, type Result } from '../../result.ts';
import { markerKey, readMarker, type RunMarker } from './marker.ts';
import { isContention, othersLimitMs } from '../../platform/retry.ts';
import { lossBehind, underLease, type LeaseHandle } from './lease.ts';
import { quiesceKey, readQuiesceMarker, type QuiesceMarker } from './quiesce-marker.ts';

/** The winner of the instance: this run, or the run whose marker is present. */
export type Claim =
  | { readonly claimed: true; readonly wasRunning: boolean }
  | { readonly claimed: false; readonly holder: Pick<RunMarker, 'run' | 'holder'> };

/**
 * Writes the marker by compare-and-swap, and removes this run's own quiesce marker in the same step. `stale` are runs
 * whose marker was seen when no restore point was in flight: it may be overwritten. The marker of any other run means that
 * this run lost.
 */
export function claim(
  platform: Platform,
  name: string,
  marker: Omit<RunMarker, 'wasRunning'>,
  stale: readonly string[],
  lease: LeaseHandle | null = null,
): Promise<Result<Claim, PlatformFailure>> {
  return swap({ platform, name, lease }, [marker.run, ...stale], ({ metadata }, wasRunning) => ({
    [markerKey]: JSON.stringify({ ...marker, wasRunning } satisfies RunMarker),
    ...(metadata[quiesceKey] === undefined ? {} : { [quiesceKey]: '' }),
  }));
}

/** The same with the quiesce marker, before the restore point exists. */
export function claimForQuiesce(
  platform: Platform,
  name: string,
  quiesceMarker: Omit<QuiesceMarker, 'wasRunning'>,
  stale: readonly string[],
): Promise<Result<Claim, PlatformFailure>> {
  return swap({ platform, name, lease: null }, [quiesceMarker.run, ...stale], (_instance, wasRunning) => ({
    [quiesceKey]: JSON.stringify({ ...quiesceMarker, wasRunning } satisfies QuiesceMarker),
  }));
}

async function swap(
  { platform, name, lease }: { readonly platform: Platform; readonly name: string; readonly lease: LeaseHandle | null },
  passable: readonly string[],
  metadataOf: (instance: Instance, wasRunning: boolean) => Record<string, string>,
): Promise<Result<Claim, PlatformFailure>> {
  for (;;) {
    const instance = await platform.getInstance(name);
    if (!instance.ok) return instance;
    for (const present of [readMarker(instance.value), readQuiesceMarker(instance.value)])
      if (present && !passable.includes(present.run)) return ok({ claimed: false, holder: present });
    const wasRunning = instance.value.status === 'Running';
    const { revision, description } = instance.value;
    const metadata = metadataOf(instance.value, wasRunning);
    // Somebody else's snapshot or key is being written: that is over in a moment.
    const patch = (): Promise<Result<void, PlatformFailure>> =>
      platform.patchInstance(name, { metadata, description, revision });
    const written = await underLease(platform, lease, othersLimitMs, patch, isContention);
    if (written.ok) return ok({ claimed: true, wasRunning });
    // Somebody changed the instance's configuration in between: look again.
    if (written.error.kind !== 'changed' || lossBehind(written.error) !== null) return written;
  }
}
