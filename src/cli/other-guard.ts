import { currentHolder, inspectHolder } from '../journal/holder.ts';
import { readRun } from '../journal/runs.ts';
import { inFlightName } from '../run/lock/in-flight.ts';
import { readMarker, type RunMarker } from '../run/lock/marker.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import type { Session } from './session.ts';

/** How long a guard that cannot be seen from here may give no sign of life: two renewals of its lease. Milliseconds. */
const silenceMs = 30_000;

/** How long a server that does not answer is asked, in milliseconds. */
const answerMs = 60_000;

const pollMs = 200;

/** What the server shows of a run. */
interface Sign {
  readonly marker: RunMarker | null;
  readonly inFlight: { readonly createdAt: string; readonly expiresAt: string | null } | null;
}

/**
 * Waits for the guard that works on the run. `finished`: nothing of the run is left in flight. `silent`: nobody works on it, so
 * the run may be taken over. A guard that lives may take as long as it needs: taken over, it reports a rollback that failed.
 */
export async function awaitOtherGuard(context: Context, session: Session, run: string): Promise<'finished' | 'silent'> {
  const { clock } = context;
  const progress = { sign: '', at: clock.monotonic(), answeredAt: clock.monotonic(), createdAt: null as string | null };
  for (;;) {
    const now = clock.monotonic();
    const seen = await signOf(session);
    if (seen === null && now - progress.answeredAt > answerMs) return 'silent';
    if (seen !== null) {
      if (isFinished(seen, run, progress.createdAt)) return 'finished';
      if (await hasLeft(context, seen.marker, run)) return 'silent';
      const sign = `${seen.marker === null} ${seen.inFlight?.expiresAt}`;
      // While the server does not answer, no sign is possible.
      if (sign !== progress.sign || now - progress.answeredAt > 10 * pollMs) progress.at = now;
      progress.sign = sign;
      progress.answeredAt = now;
      progress.createdAt ??= seen.inFlight?.createdAt ?? null;
      if (now - progress.at >= limitOf(seen.marker)) return 'silent';
    }
    await clock.sleep(pollMs);
  }
}

async function signOf({ reached: { platform, instance } }: Session): Promise<Sign | null> {
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

/** Whether the process that holds the run is dead, or lives and yet has ended its work on it. */
async function hasLeft(context: Context, marker: RunMarker | null, run: string): Promise<boolean> {
  if (marker === null) return false;
  if (inspectHolder(marker.holder) === 'dead') return true;
  const record = await readRun(stateDirectoryOf(context), run);
  const isOfItsMaker = record?.started?.holder.id === marker.holder.id;
  if (isOfItsMaker) return record?.ended != null;
  // An earlier attempt of this process to finish it.
  return marker.holder.id === currentHolder().id;
}

function limitOf(marker: RunMarker | null): number {
  return marker !== null && inspectHolder(marker.holder) === 'alive' ? marker.leaseMs : silenceMs;
}
