import { platformFailure, type PlatformFailure } from '../../platform/failure.ts';
import { err, ok, type Result } from '../../result.ts';
import { expiryOfLease, inFlightName, belongsToLease, leaseOf, renewedLease, type Lease } from './in-flight.ts';
import { readMarker } from './marker.ts';
import { retryTransient } from '../../platform/retry.ts';
import { isRecent, timePointOf } from '../recency.ts';
import type { RunTools } from '../tools.ts';

/** How often the holder shows that it lives, in milliseconds. Whoever waits for its silence waits for several of these. */
export const renewalMs = 15_000;

/** How often it is looked whether it does, in milliseconds. */
const pollMs = 2000;

/** How long a server that does not answer is asked whose the restore point is, in milliseconds. */
const answerMs = 60_000;

type LeaseTools = Pick<RunTools, 'platform' | 'clock'>;

/** The lease of a run that this guard works on: renewed until `stop`. */
export interface HeldLease {
  readonly lease: Lease;
  /**
   * Asks the server whether another guard has taken the run over: then nothing more may be touched. `run` is given where the
   * instance still has its mark, so that a restore point that is gone tells something too.
   */
  readonly isLost: (run?: string) => Promise<boolean>;
  /** Ends the renewing; resolves when the last one is over. */
  readonly stop: () => Promise<void>;
}

/**
 * Renews a lease from now on, at which it was seen to be held. Where that fails it is tried again: only silence of several
 * renewals means anything.
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
  // What follows a proof at once needs no second one: whoever takes a run over has waited for several renewals first.
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
  // Never over somebody else's.
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
  // Somebody removed it by hand, or another guard has finished this run: then the mark is gone as well.
  const seen = await retryTransient(platform, answerMs).getInstance(instance);
  return seen.ok && readMarker(seen.value)?.run !== run ? 'lost' : 'unknown';
}

/** What came of waiting for a sign of life. */
export type Silence =
  /** None came: the run may be taken over. */
  | 'silent'
  | 'alive'
  /** The restore point in flight is gone or another one: somebody has finished the run. */
  | 'over';

/**
 * Waits whether whoever holds the instance gives a sign of life, by this machine's own clock: no other one's is trusted. While
 * the server does not answer nobody can give one, so that the wait begins anew.
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
 * Takes a run over from a guard that is dead: from now on that one finds that it has lost it. `before` is what was seen of its
 * lease; `changed` when it is another one by now. A restore point of an older guard, which has none, gets one.
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
  // The server compares before it writes, and not in one step: the last one to write has it.
  const seen = await platform.getSnapshot(instance, inFlightName);
  if (!seen.ok) return seen;
  return belongsToLease(lease, seen.value) ? ok(undefined) : lost;
}

/** What a guard says, and all it does, once another one has taken its run over. */
export const lostLockMessage =
  'Another guard took over this run because this one showed no activity. This guard stopped and changed nothing more.';
