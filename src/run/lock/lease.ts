import { longestTimerMs } from '../../clock.ts';
import type { Cause, Outcome } from '../../event.ts';
import { formatDuration } from '../../duration.ts';
import { platformFailure, type PlatformFailure } from '../../platform/failure.ts';
import type { Snapshot } from '../../platform/platform.ts';
import { err, ok, type Result } from '../../result.ts';
import { expiryOfLease, inFlightName, belongsToLease, leaseOf, renewedLease, type Lease } from './in-flight.ts';
import { readMarker } from './marker.ts';
import { isRecent, timePointOf } from '../recency.ts';
import type { RunTools } from '../tools.ts';

/** How often the holder shows that it lives, in milliseconds. */
export const renewalMs = 15_000;

/** How soon a renewal that failed is tried again, in milliseconds. */
const retryMs = 2000;

/** How often a waiting guard looks for a sign of life, in milliseconds. */
const pollMs = 2000;

/** An answer that took longer may be of before a takeover: it proves nothing. Milliseconds. */
const freshMs = 3000;

/** How soon a server that did not answer is asked again, in milliseconds. */
const proofPollMs = 250;

/** For how long the server has to say that there is no such instance until it is believed, in milliseconds. */
const absentMs = 1000;

/**
 * How long a guard that has taken a run over waits before it changes anything, in milliseconds: longer than the time between
 * a proof and the request that follows it.
 */
export const settleMs = 5000;

type LeaseTools = Pick<RunTools, 'platform' | 'clock'>;

/**
 * Why a run may not go on. `gone`: its restore point is not there any more, and yet no other guard has the run. `absent`: the
 * server has no instance of that name any more. After all but `gone` the run is lost for good, whatever the server says later.
 */
export type LeaseLoss = (typeof leaseLosses)[number];

const leaseLosses = ['taken-over', 'silent', 'absent', 'gone'] as const;

/** The lease of a run that this guard works on: renewed until `stop`. */
export interface LeaseHandle {
  readonly lease: Lease;
  /** Aborts when the lease is lost for good: nothing more may be sent for the run. */
  readonly signal: AbortSignal;
  /**
   * Ok only where the server has just said that the restore point in flight is still this run's, and the last renewal is
   * younger than the lease. To be asked before each attempt of each request that changes something: what is not known is
   * asked again, and never taken for ok.
   */
  readonly prove: () => Promise<Result<void, LeaseLoss>>;
  /** Ends the renewing; resolves when the last one is over. */
  readonly stop: () => Promise<void>;
}

/** Which restore point, and for how long others wait. */
export interface LeaseSubject {
  readonly instance: string;
  readonly run: string;
  /** Null where the restore point could not be given one: it is then known by its time of creation alone. */
  readonly lease: Lease | null;
  /** The server's `created_at` of the restore point in flight. */
  readonly createdAt: string;
  /** How long others wait for a sign of life, in milliseconds. */
  readonly leaseMs: number;
  /** Called once, with a sentence, while the server does not answer and the run has to wait for it. */
  readonly report?: (text: string) => void;
}

/** Part of the lease for which a renewal is good: the rest is for requests that are under way. */
const validShare = 0.75;

/**
 * Renews a lease from now on, at which it was seen to be held. A renewal counts from when it was sent, by a clock that goes
 * on while the machine sleeps.
 */
export function keepLease(tools: LeaseTools, subject: LeaseSubject): LeaseHandle {
  const { clock } = tools;
  const { lease } = subject;
  const over = new AbortController();
  const lost = new AbortController();
  const state = {
    renewedAt: clock.boottime(),
    provenAt: timePointOf(clock),
    loss: null as LeaseLoss | null,
    isReported: false,
  };
  const isAbsent = watchAbsence(clock);
  const validMs = lease === null ? Infinity : subject.leaseMs * validShare;

  function lose(loss: LeaseLoss): LeaseLoss {
    state.loss ??= loss;
    lost.abort();
    over.abort();
    return state.loss;
  }
  const leftMs = (): number => validMs - (clock.boottime() - state.renewedAt);
  const isSilent = (): boolean => leftMs() <= 0;

  async function renewing(own: Lease): Promise<void> {
    for (let pauseMs = renewalMs; ;) {
      await clock.sleep(Math.min(pauseMs, Math.max(1, leftMs())), over.signal);
      if (over.signal.aborted) return;
      if (isSilent()) return void lose('silent');
      const sentAt = clock.boottime();
      const renewed = await within(tools, leftMs(), renew(tools, subject, own));
      if (renewed === 'taken-over') return void lose('taken-over');
      if (renewed === 'renewed') state.renewedAt = sentAt;
      pauseMs = renewed === 'renewed' ? renewalMs : retryMs;
    }
  }

  async function prove(): Promise<Result<void, LeaseLoss>> {
    const began = clock.monotonic();
    for (;;) {
      if (state.loss !== null) return err(state.loss);
      if (isSilent()) return err(lose('silent'));
      // Whoever takes a run over waits for longer than this before it does anything.
      if (isRecent(clock, state.provenAt)) return ok(undefined);
      const askedAt = timePointOf(clock);
      const seen = await within(tools, leftMs(), holding(tools, subject));
      if (seen === 'gone') return err('gone');
      if (isAbsent(seen)) return err(lose('absent'));
      if (seen === 'taken-over') return err(lose('taken-over'));
      if (seen === 'held' && isRecent(clock, askedAt, freshMs) && !isSilent()) {
        state.provenAt = askedAt;
        return ok(undefined);
      }
      if (!state.isReported && clock.monotonic() - began >= reportMs) {
        state.isReported = true;
        subject.report?.(describeSilence(leftMs()));
      }
      await clock.sleep(proofPollMs, lost.signal);
    }
  }

  const ended = lease === null ? Promise.resolve() : renewing(lease);
  return {
    lease: lease ?? { base: 0, renewed: 0 },
    signal: lost.signal,
    prove,
    stop: () => {
      over.abort();
      return ended;
    },
  };
}

/** Tells whether the instance was absent each time the server was asked, for long enough. */
function watchAbsence(clock: LeaseTools['clock']): (seen: Holding) => boolean {
  let since: number | null = null;
  return (seen) => {
    if (seen !== 'absent') since = null;
    else since ??= clock.monotonic();
    return since !== null && clock.monotonic() - since >= absentMs;
  };
}

/** How long a proof is waited for before that is reported, in milliseconds. */
const reportMs = 2000;

function describeSilence(leftMs: number): string {
  return `The server does not answer, so guard cannot tell whether this run still has the lock. guard keeps trying for ${formatDuration(Math.max(1000, Math.ceil(leftMs / 1000) * 1000))} and changes nothing meanwhile.`;
}

/** What the work comes to, or `unknown` where it is not over in time: a request that hangs is not waited for. */
async function within<T>({ clock }: LeaseTools, limitMs: number, work: Promise<T>): Promise<T | 'unknown'> {
  const over = new AbortController();
  const limit = clock.sleep(Math.max(1, Math.min(limitMs, longestTimerMs)), over.signal).then(() => 'unknown' as const);
  try {
    return await Promise.race([work, limit]);
  } finally {
    over.abort();
  }
}

async function renew(
  { platform }: Pick<LeaseTools, 'platform'>,
  subject: LeaseSubject,
  lease: Lease,
): Promise<'renewed' | 'taken-over' | 'unknown'> {
  const { instance, createdAt } = subject;
  const snapshot = await platform.getSnapshot(instance, inFlightName);
  if (!snapshot.ok && snapshot.error.kind === 'not-found') return renewWithoutPoint(platform, subject);
  if (!snapshot.ok) return 'unknown';
  const now = leaseOf(snapshot.value.expiresAt);
  if (now?.base !== lease.base || snapshot.value.createdAt !== createdAt) return 'taken-over';
  const { revision } = snapshot.value;
  const written = await platform.setSnapshotExpiry(instance, inFlightName, expiryOfLease(renewedLease(now)), revision);
  return written.ok ? 'renewed' : 'unknown';
}

/** Somebody removed the restore point. As long as the marker is there no other guard has the run, and the server is not silent. */
async function renewWithoutPoint(
  platform: LeaseTools['platform'],
  subject: LeaseSubject,
): Promise<'renewed' | 'taken-over' | 'unknown'> {
  const held = await missing({ platform }, subject);
  return held === 'gone' ? 'renewed' : held === 'taken-over' ? held : 'unknown';
}

type Holding = 'held' | 'taken-over' | 'gone' | 'absent' | 'unknown';

async function holding(tools: LeaseTools, subject: LeaseSubject): Promise<Holding> {
  const snapshot = await tools.platform.getSnapshot(subject.instance, inFlightName);
  if (snapshot.ok) return isOwn(subject, snapshot.value) ? 'held' : 'taken-over';
  return snapshot.error.kind === 'not-found' ? missing(tools, subject) : 'unknown';
}

const isOwn = ({ lease, createdAt }: LeaseSubject, snapshot: Snapshot): boolean =>
  snapshot.createdAt === createdAt && (lease === null || belongsToLease(lease, snapshot));

/**
 * Somebody renamed the restore point, or removed it, or another guard has finished the run: then the marker is gone as well.
 * One that was renamed gets its name back, which the server gives to one run alone.
 */
async function missing({ platform }: Pick<LeaseTools, 'platform'>, subject: LeaseSubject): Promise<Holding> {
  const { instance, run } = subject;
  const [seen, snapshots] = await Promise.all([platform.getInstance(instance), platform.listSnapshots(instance)]);
  if (!seen.ok && seen.error.kind === 'not-found') return 'absent';
  if (!seen.ok || !snapshots.ok) return 'unknown';
  if (readMarker(seen.value)?.run !== run) return 'taken-over';
  const own = snapshots.value.find((snapshot) => isOwn(subject, snapshot));
  if (own === undefined) return 'gone';
  const back = await platform.renameSnapshot(instance, own.name, inFlightName, { limitMs: renewalMs });
  return back.ok || back.error.kind !== 'name-taken' ? 'unknown' : 'taken-over';
}

const pauses = { firstMs: 100, mostMs: 2000 } as const;

/**
 * Sends a request that changes the instance or its restore point, and again while its failure is transient, each attempt
 * under a proof of its own (`lossBehind`).
 */
export async function underLease<T>(
  { clock }: Pick<RunTools, 'clock'>,
  lease: LeaseHandle | null,
  limitMs: number,
  request: () => Promise<Result<T, PlatformFailure>>,
  isWorthRepeating: (failure: PlatformFailure) => boolean,
): Promise<Result<T, PlatformFailure>> {
  const giveUpAt = clock.monotonic() + limitMs;
  for (let pauseMs: number = pauses.firstMs; ; pauseMs = Math.min(pauseMs * 2, pauses.mostMs)) {
    const proof = lease === null ? ok(undefined) : await lease.prove();
    if (!proof.ok) return err(lossFailures[proof.error]);
    const answer = await unlessLost(lease, request());
    if (answer.ok || !isWorthRepeating(answer.error) || clock.monotonic() + pauseMs > giveUpAt) return answer;
    await clock.sleep(pauseMs, lease?.signal);
  }
}

/** What hangs is not waited for once the lease is lost. */
async function unlessLost<T>(
  lease: LeaseHandle | null,
  request: Promise<Result<T, PlatformFailure>>,
): Promise<Result<T, PlatformFailure>> {
  if (lease === null) return request;
  const over = new AbortController();
  const lost = new Promise<null>((resolve) => {
    if (lease.signal.aborted) resolve(null);
    lease.signal.addEventListener('abort', () => resolve(null), { signal: over.signal });
  });
  const answer = await Promise.race([request, lost]);
  over.abort();
  if (answer !== null) return answer;
  const proof = await lease.prove();
  return proof.ok ? request : err(lossFailures[proof.error]);
}

const lossFailures: Readonly<Record<LeaseLoss, PlatformFailure>> = {
  'taken-over': lossFailure('taken-over'),
  silent: lossFailure('silent'),
  absent: lossFailure('absent'),
  gone: lossFailure('gone'),
};

function lossFailure(loss: LeaseLoss): PlatformFailure {
  const purpose = 'continue the run';
  return platformFailure('changed', purpose, describeLoss(loss));
}

/** Why a request was not sent; null where the server, or its silence, is what failed. */
export function lossBehind(failure: PlatformFailure): LeaseLoss | null {
  return leaseLosses.find((loss) => lossFailures[loss] === failure) ?? null;
}

/** What a guard says, and all it does, once it has lost its run. */
export function describeLoss(loss: LeaseLoss): string {
  switch (loss) {
    case 'taken-over':
      return 'Another guard took over this run because this one showed no activity. This guard stopped and changed nothing more.';
    case 'silent':
      return 'This guard could not reach the server for so long that another guard may have taken over its run. This guard stopped and changed nothing more. Finish the run with `guard recover`.';
    case 'absent':
      return 'The instance no longer exists under this name: somebody deleted or renamed it during the run. This guard stopped and changed nothing more. If it was renamed, finish the run with `guard recover`.';
    case 'gone':
      return 'The restore point of this run no longer exists: somebody removed it.';
  }
}

/** The end of a run that is lost: another guard has taken it over, or may have, or its instance is gone. */
export function lockLost(cause: Cause, loss: LeaseLoss): Outcome {
  const outcome = { outcome: 'rollback-failed', cause, message: describeLoss(loss), manualRecovery: [] } as const;
  return loss === 'gone' ? outcome : { ...outcome, lost: true };
}

/** Why the run was lost for good; null where it was not. */
export async function lossOf(lease: LeaseHandle): Promise<LeaseLoss | null> {
  const proof = await lease.prove();
  return proof.ok || proof.error === 'gone' ? null : proof.error;
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
