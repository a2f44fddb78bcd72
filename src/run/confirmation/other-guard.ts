import type { RunRecord } from '../../journal/runs.ts';
import { inFlightName, leaseOf } from '../lock/in-flight.ts';
import { readMarker, type RunMarker } from '../lock/marker.ts';
import type { RunTools } from '../tools.ts';
import { isSettledByOther } from '../lock/confirmation.ts';

/** How long a guard that cannot be seen from here may give no sign of life: two renewals of its lease. Milliseconds. */
const silenceMs = 30_000;

/** How long a server that does not answer is asked, in milliseconds. */
const answerMs = 60_000;

const pollMs = 200;

/** What is needed to see whether somebody works on a run. */
export interface OtherGuardTools extends Pick<RunTools, 'platform' | 'clock' | 'holder' | 'inspectHolder'> {
  /** The record of the run, as it is now; null where this host has none. */
  readonly readRecord: () => Promise<RunRecord | null>;
}

/** What the server shows of a run. */
interface Sign {
  readonly marker: RunMarker | null;
  readonly inFlight: { readonly createdAt: string; readonly expiresAt: string | null } | null;
}

/**
 * Waits for the guard that works on the run. `finished`: nothing of the run is left in flight. `silent`: nobody works on it, so
 * the run may be taken over. `unknown`: a restore point is in flight, and nothing proves that it is of this run. A guard that
 * lives may take as long as it needs: taken over, it reports a rollback that failed. `createdAt`: the server's `created_at` of
 * the restore point of this run; null where only the record may have it.
 */
export async function awaitOtherGuard(
  tools: OtherGuardTools,
  instance: string,
  run: string,
  createdAt: string | null,
): Promise<'finished' | 'silent' | 'unknown'> {
  const { clock } = tools;
  const recorded = createdAt ?? (await tools.readRecord())?.restorePoint?.createdAt ?? null;
  const progress = { sign: '', at: clock.monotonic(), answeredAt: clock.monotonic(), createdAt: recorded };
  for (;;) {
    const now = clock.monotonic();
    const seen = await signOf(tools, instance);
    if (seen === null && now - progress.answeredAt > answerMs) return 'silent';
    if (seen !== null) {
      if (isFinished(seen, run, progress.createdAt)) return 'finished';
      if (await hasLeft(tools, seen)) return 'silent';
      const sign = `${seen.marker === null} ${seen.inFlight?.expiresAt}`;
      // While the server does not answer, no sign is possible.
      if (sign !== progress.sign || now - progress.answeredAt > 10 * pollMs) progress.at = now;
      progress.sign = sign;
      progress.answeredAt = now;
      // Only the marker proves of which run it is.
      if (seen.marker !== null) progress.createdAt ??= seen.inFlight?.createdAt ?? null;
      if (now - progress.at >= limitOf(tools, seen.marker))
        return isProven(seen, progress.createdAt) ? 'silent' : 'unknown';
    }
    await clock.sleep(pollMs);
  }
}

async function signOf({ platform }: OtherGuardTools, instance: string): Promise<Sign | null> {
  const [seen, inFlight] = await Promise.all([
    platform.getInstance(instance),
    platform.getSnapshot(instance, inFlightName),
  ]);
  if (!seen.ok || (!inFlight.ok && inFlight.error.kind !== 'not-found')) return null;
  return { marker: readMarker(seen.value), inFlight: inFlight.ok ? inFlight.value : null };
}

/** A restore removes the marker, long before the run has ended: the restore point in flight goes last. */
function isFinished({ marker, inFlight }: Sign, run: string, createdAt: string | null): boolean {
  if (marker !== null) return marker.run !== run;
  return inFlight === null || (createdAt !== null && inFlight.createdAt !== createdAt);
}

function isProven({ marker }: Sign, createdAt: string | null): boolean {
  return marker !== null || createdAt !== null;
}

/** Whether everybody who worked on the run is dead, or lives and yet has ended its work on it. */
async function hasLeft(tools: OtherGuardTools, { marker, inFlight }: Sign): Promise<boolean> {
  const { holder, inspectHolder } = tools;
  const record = await tools.readRecord();
  if (marker === null) return record !== null && hasRestorerLeft(tools, inFlight, record);
  if (marker.confirmation !== undefined && isSettledByOther(marker.confirmation, tools)) return false;
  if (inspectHolder(marker.holder) === 'dead') return true;
  const isOfItsMaker = record?.started?.holder.id === marker.holder.id;
  if (isOfItsMaker) return record?.ended != null;
  // An earlier attempt of this process to finish it.
  return marker.holder.id === holder.id;
}

/** After a restore only the record of this host names who held the lease. */
function hasRestorerLeft(
  { holder, inspectHolder }: OtherGuardTools,
  inFlight: Sign['inFlight'],
  { lease, leaseHolder, started }: RunRecord,
): boolean {
  const worker = leaseHolder ?? started?.holder ?? null;
  const isOurs = leaseOf(inFlight?.expiresAt ?? null)?.base === lease;
  return isOurs && worker !== null && (worker.id === holder.id || inspectHolder(worker) === 'dead');
}

function limitOf(tools: OtherGuardTools, marker: RunMarker | null): number {
  if (marker === null) return silenceMs;
  const { holder, confirmation } = marker;
  const isSeen =
    tools.inspectHolder(holder) === 'alive' || (confirmation !== undefined && isSettledByOther(confirmation, tools));
  return isSeen ? marker.leaseMs : silenceMs;
}
