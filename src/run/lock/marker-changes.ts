import type { Holder } from '../../event.ts';
import type { IncusFailure } from '../../incus/failure.ts';
import { getInstance, patchInstance, type Instance } from '../../incus/instance.ts';
import { ok, type Result } from '../../result.ts';
import { isContention, retryTransient } from '../retry.ts';
import type { RunTools } from '../tools.ts';
import { lossBehind, underLease, type LeaseHandle } from './lease.ts';
import { isUnreadable, markerKey, readMarker, type RunMarker } from './marker.ts';

/** Removes the marker of that run and no other: from here on its change counts as decided. Removing it twice does nothing. */
export async function removeMarker(
  tools: Pick<RunTools, 'incus' | 'clock'>,
  instance: string,
  { run, lease }: { readonly run: string; readonly lease: LeaseHandle | null },
  limitMs: number,
): Promise<Result<void, IncusFailure>> {
  return writeUnderLease(tools, instance, lease, limitMs, (seen) =>
    readMarker(seen)?.run === run || isUnreadable(seen) ? '' : null,
  );
}

/**
 * Writes that this guard has the run by now, where the run has a marker: so the etag of the instance changes, and nothing that
 * the former holder asked under the old one is done any more.
 */
export async function takeMarker(
  tools: Pick<RunTools, 'incus' | 'clock'>,
  instance: string,
  { run, lease, holder }: { readonly run: string; readonly lease: LeaseHandle; readonly holder: Holder },
  limitMs: number,
): Promise<Result<void, IncusFailure>> {
  return writeUnderLease(tools, instance, lease, limitMs, (seen) => {
    const marker = readMarker(seen);
    return marker?.run === run ? JSON.stringify({ ...marker, holder } satisfies RunMarker) : null;
  });
}

/** By compare-and-swap: read, prove the lease, write under the etag that was read. `textOf` gives null for nothing to do. */
function writeUnderLease(
  tools: Pick<RunTools, 'incus' | 'clock'>,
  instance: string,
  lease: LeaseHandle | null,
  limitMs: number,
  textOf: (seen: Instance) => string | null,
): Promise<Result<void, IncusFailure>> {
  const { incus } = tools;
  async function write(): Promise<Result<void, IncusFailure>> {
    const seen = await getInstance(incus, instance);
    if (!seen.ok) return seen;
    const text = textOf(seen.value);
    if (text === null) return ok(undefined);
    const { etag, description } = seen.value;
    // The etag is of before the proof: whoever takes the run over after it changes the etag.
    return underLease(
      tools,
      lease,
      0,
      () => patchInstance(incus, instance, { config: { [markerKey]: text }, description, etag }),
      () => false,
    );
  }
  return retryTransient(
    tools.clock,
    limitMs,
    write,
    (failure) => isContention(failure) || (failure.kind === 'changed' && lossBehind(failure) === null),
  );
}
