import { platformFailure, type PlatformFailure } from '../../platform/failure.ts';
import { err, ok, type Result } from '../../result.ts';
import { expiryOfLease, inFlightName, belongsToLease, leaseOf, renewedLease, type Lease } from './in-flight.ts';
import { readMarker } from './marker.ts';
import { retryTransient } from '../../platform/retry.ts';
import { isRecent, timePointOf } from '../recency.ts';
import type { RunTools } from '../tools.ts';

/** The renewal interval, in milliseconds. Waiting for an expired lease takes several of these. */
export const renewalMs = 15_000;

/** How often the lease is read while waiting, in milliseconds. */
const pollMs = 2000;

/** How long to ask an unresponsive server for the owner of the restore point, in milliseconds. */
const answerMs = 60_000;

type LeaseTools = Pick<RunTools, 'platform' | 'clock'>;

/** The lease of a run of this guard, renewed until `stop`. */
export interface HeldLease {
  readonly lease: Lease;
  /**
   * Asks the server whether another guard took over the run. Then nothing more may be changed. `run` is given if the
   * instance still has its marker, so that a missing restore point is meaningful too.
   */
  readonly isLost: (run?: string) => Promise<boolean>;
  /** Stops the renewals; resolves when the last one has ended. */
  readonly stop: () => Promise<void>;
}

/**
 * Renews a lease that is held now. A failed renewal is repeated: only several missing
 * renewals mean anything.
 */
export function keepLease({ platform, clock }: LeaseTools, instance: string, lease: Lease): HeldLease {
  const over = new AbortController();
  async function work(): Promise<void> {
    while (!over.signal.aborted) {
      await clock.sleep(renewalMs, over.signal);
      if (!over.signal.aborted) await renew({ platform }, instance, lease);
    }
  }
  const ended = work();
  // A recent check is enough: another guard takes over only after several missing renewals.
  let provenAt = timePointOf(clock);
  return {
    lease,
    isLost: async (run) => {
      if (isRecent(clock, provenAt)) return false;
      const purpose = timePointOf(clock);
      const hold = await holdOf({ platform }, instance, lease, run ?? null);
      if (hold === 'held') provenAt = purpose;
      return hold === 'lost';
    },
    stop: () => {
      over.abort();
      return ended;
    },
  };
}

async function renew({ platform }: Pick<LeaseTools, 'platform'>, instance: string, lease: Lease): Promise<void> {
  const snapshot = await platform.getSnapshot(instance, inFlightName);
  const now = snapshot.ok ? leaseOf(snapshot.value.expiresAt) : null;
  // Never overwrite the lease of another guard.
  if (!snapshot.ok || now === null || now.base !== lease.base) return;
  await platform.setSnapshotExpiry(instance, inFlightName, expiryOfLease(renewedLease(now)), snapshot.value.revision);
}

async function holdOf(
  { platform }: Pick<LeaseTools, 'platform'>,
  instance: string,
  lease: Lease,
  run: string | null,
): Promise<'held' | 'lost' | 'unknown'> {
  const snapshot = await retryTransient(platform, answerMs).getSnapshot(instance, inFlightName);
  if (snapshot.ok) return belongsToLease(lease, snapshot.value) ? 'held' : 'lost';
  if (snapshot.error.kind !== 'not-found' || run === null) return 'unknown';
  // Somebody removed it manually, or another guard finished this run, which also removes the marker.
  const seen = await retryTransient(platform, answerMs).getInstance(instance);
  return seen.ok && readMarker(seen.value)?.run !== run ? 'lost' : 'unknown';
}

/** The result of waiting for activity. */
export type Silence =
  /** No activity: the run may be taken over. */
  | 'silent'
  | 'alive'
  /** The restore point in flight is gone or replaced: the run was finished. */
  | 'over';

/**
 * Waits whether the holder of the instance renews its lease, by the clock of this machine only. While
 * the server does not answer, no renewal is possible, so the wait starts again.
 */
export async function awaitSilence(
  { platform, clock }: LeaseTools,
  instance: string,
  first: Lease,
  limitMs: number,
): Promise<Silence> {
  let since = clock.monotonic();
  while (clock.monotonic() - since < limitMs) {
    await clock.sleep(Math.min(pollMs, limitMs));
    const snapshot = await platform.getSnapshot(instance, inFlightName);
    if (snapshot.ok) {
      const now = leaseOf(snapshot.value.expiresAt);
      if (now?.base !== first.base) return 'over';
      if (now.renewed !== first.renewed) return 'alive';
    } else if (snapshot.error.kind === 'not-found') return 'over';
    else since = clock.monotonic();
  }
  return 'silent';
}

/**
 * Takes over a run from a dead guard. That guard then finds that it has lost the lock. `before` is the last observed
 * lease; `changed` if it is a different one now. A restore point of an older guard without a lease gets one.
 */
export async function takeLease(
  { platform }: Pick<LeaseTools, 'platform'>,
  instance: string,
  { before, lease }: { readonly before: Lease | null; readonly lease: Lease },
): Promise<Result<void, PlatformFailure>> {
  const snapshot = await platform.getSnapshot(instance, inFlightName);
  if (!snapshot.ok) return snapshot;
  const lost = err(
    platformFailure('changed', `take over the run on ${instance}`, 'another guard has taken it over at the same time.'),
  );
  if (leaseOf(snapshot.value.expiresAt)?.base !== before?.base) return lost;
  const { revision } = snapshot.value;
  const written = await platform.setSnapshotExpiry(instance, inFlightName, expiryOfLease(lease), revision);
  if (!written.ok) return written;
  // The server compares and writes in two steps, so the last writer wins.
  const seen = await platform.getSnapshot(instance, inFlightName);
  if (!seen.ok) return seen;
  return belongsToLease(lease, seen.value) ? ok(undefined) : lost;
}

/** What a guard says, and all it does, once another one has taken its run over. */
export const lostLockMessage =
  'Another guard took over this run because this one showed no activity. This guard stopped and changed nothing more.';
