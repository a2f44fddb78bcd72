import type { Holder } from '../../event.ts';
import type { PlatformFailure } from '../../platform/failure.ts';
import type { Instance, Metadata } from '../../platform/platform.ts';
import { ok, type Result } from '../../result.ts';
import { isContention, repeatTransient } from '../../platform/retry.ts';
import type { RunTools } from '../tools.ts';
import { lossBehind, underLease, type LeaseHandle } from './lease.ts';
import { isUnreadable, keptKey, markerKey, readMarker, rolledBackKey, type RunMarker } from './marker.ts';

/** Removes the marker of that run and no other: from here on its change counts as decided, and as kept if `kept`. Removing it twice does nothing. */
export async function removeMarker(
  tools: Pick<RunTools, 'platform' | 'clock'>,
  instance: string,
  { run, lease, kept = false }: { readonly run: string; readonly lease: LeaseHandle | null; readonly kept?: boolean },
  limitMs: number,
): Promise<Result<void, PlatformFailure>> {
  return writeUnderLease(tools, instance, lease, limitMs, (seen) =>
    readMarker(seen)?.run === run || isUnreadable(seen)
      ? { [markerKey]: '', ...(kept ? { [keptKey]: run } : {}) }
      : null,
  );
}

/** Writes that the instance is back to before that run. A restore would take it back, so it is written after it. */
export async function noteRolledBack(
  tools: Pick<RunTools, 'platform' | 'clock'>,
  instance: string,
  { run, lease }: { readonly run: string; readonly lease: LeaseHandle },
  limitMs: number,
): Promise<Result<void, PlatformFailure>> {
  return writeUnderLease(tools, instance, lease, limitMs, ({ metadata }) =>
    metadata[rolledBackKey] === run ? null : { [rolledBackKey]: run },
  );
}

/**
 * Writes that this guard has the run by now, where the run has a marker: so the revision of the instance changes, and nothing that
 * the former holder asked under the old one is done any more.
 */
export async function takeMarker(
  tools: Pick<RunTools, 'platform' | 'clock'>,
  instance: string,
  { run, lease, holder }: { readonly run: string; readonly lease: LeaseHandle; readonly holder: Holder },
  limitMs: number,
): Promise<Result<void, PlatformFailure>> {
  return writeUnderLease(tools, instance, lease, limitMs, (seen) => {
    const marker = readMarker(seen);
    return marker?.run === run
      ? { [markerKey]: JSON.stringify({ ...marker, holder, recovering: true } satisfies RunMarker) }
      : null;
  });
}

/** By compare-and-swap: read, prove the lease, write under the revision that was read. `changeOf` gives null for nothing to do. */
function writeUnderLease(
  tools: Pick<RunTools, 'platform' | 'clock'>,
  instance: string,
  lease: LeaseHandle | null,
  limitMs: number,
  changeOf: (seen: Instance) => Metadata | null,
): Promise<Result<void, PlatformFailure>> {
  const { platform } = tools;
  async function write(): Promise<Result<void, PlatformFailure>> {
    const seen = await platform.getInstance(instance);
    if (!seen.ok) return seen;
    const metadata = changeOf(seen.value);
    if (metadata === null) return ok(undefined);
    const { revision, description } = seen.value;
    // The revision is of before the proof: whoever takes the run over after it changes the revision.
    return underLease(
      tools,
      lease,
      0,
      () => platform.patchInstance(instance, { metadata, description, revision }),
      () => false,
    );
  }
  return repeatTransient(
    tools.clock,
    limitMs,
    write,
    (failure) => isContention(failure) || (failure.kind === 'changed' && lossBehind(failure) === null),
  );
}
