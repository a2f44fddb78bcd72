import type { Instance, Platform } from '../../platform/platform.ts';
import type { PlatformFailure } from '../../platform/failure.ts';
import { ok, type Result } from '../../result.ts';
import { markerKey, readMarker, type RunMarker } from './marker.ts';
import { othersLimitMs, retryTransient } from '../../platform/retry.ts';
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
  platform: Platform,
  name: string,
  marker: Omit<RunMarker, 'wasRunning'>,
  stale: readonly string[],
): Promise<Result<Claim, PlatformFailure>> {
  return swap(platform, name, [marker.run, ...stale], ({ metadata }, wasRunning) => ({
    [markerKey]: JSON.stringify({ ...marker, wasRunning } satisfies RunMarker),
    ...(metadata[quiesceKey] === undefined ? {} : { [quiesceKey]: '' }),
  }));
}

/** The same with the key of a moment of quiet, before there is a restore point. */
export function claimForQuiesce(
  platform: Platform,
  name: string,
  quiesceMarker: Omit<QuiesceMarker, 'wasRunning'>,
  stale: readonly string[],
): Promise<Result<Claim, PlatformFailure>> {
  return swap(platform, name, [quiesceMarker.run, ...stale], (_instance, wasRunning) => ({
    [quiesceKey]: JSON.stringify({ ...quiesceMarker, wasRunning } satisfies QuiesceMarker),
  }));
}

async function swap(
  platform: Platform,
  name: string,
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
    const written = await retryTransient(platform, othersLimitMs).patchInstance(name, {
      metadata,
      description,
      revision,
    });
    if (written.ok) return ok({ claimed: true, wasRunning });
    // Somebody changed the instance's configuration in between: look again.
    if (written.error.kind !== 'changed') return written;
  }
}
