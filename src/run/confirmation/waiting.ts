import { remainingMs } from '../../deadline.ts';
import type { Outcome } from '../../event.ts';
import type { PlatformFailure } from '../../platform/failure.ts';
import type { Instance, Platform } from '../../platform/platform.ts';
import { retryTransient } from '../../platform/retry.ts';
import { err, ok, type Result } from '../../result.ts';
import type { Confirmation } from '../lock/confirmation.ts';
import { inFlightName } from '../lock/in-flight.ts';
import { readMarker, type RunMarker } from '../lock/marker.ts';
import { refused, refusedBecause } from '../refusal.ts';
import { waitStateOf, type KnownWait, type WaitProblem } from './known-wait.ts';
import { mayBeSettledLater, settleOnInstance, type SettlementFailure, type SettlementTools } from './settlement.ts';

/** A run whose change is on the instance and waits, or has just stopped waiting, for a confirmation. */
export type WaitingMarker = RunMarker & {
  readonly confirmation: Confirmation;
  /** What somebody did to it; null for nothing. */
  readonly problem: WaitProblem | null;
  /** What this host recorded of it; null on another host. */
  readonly known: KnownWait | null;
  /** The server's `created_at` of the restore point that was in flight; null where there was none. */
  readonly pointCreatedAt: string | null;
};

/** What the records of this host say of changes that wait. */
export interface WaitRecords {
  /** The runs that may wait on an instance, although it does not say so. */
  readonly runsOn: (instance: Instance) => Promise<readonly string[]>;
  /** What is known of a run; `elsewhere` where it is a run of another instance than this one. */
  readonly knownOf: (run: string, instance: Instance) => Promise<KnownWait | null | 'elsewhere'>;
}

/** What finding a waiting change needs. */
export interface FindTools extends Pick<SettlementTools, 'readClocks'> {
  readonly platform: Pick<Platform, 'getInstance' | 'getSnapshot'>;
  readonly waits: WaitRecords;
}

/** The waiting run of the instance, by its marker and by the records of this host; null where there is none. */
export async function findWaiting(tools: FindTools, name: string): Promise<Result<WaitingMarker | null, Outcome>> {
  const found = await readWaiting(tools, name);
  return found.ok ? found : err(refusedBecause(found.error));
}

async function readWaiting(
  { platform, readClocks, waits }: FindTools,
  name: string,
): Promise<Result<WaitingMarker | null, PlatformFailure>> {
  const [seen, point] = await Promise.all([platform.getInstance(name), platform.getSnapshot(name, inFlightName)]);
  if (!seen.ok) return seen;
  if (!point.ok && point.error.kind !== 'not-found') return point;
  const instance = seen.value;
  const shown = { instance, inFlight: point.ok ? point.value : null };
  const marked = readMarker(instance)?.run;
  for (const run of new Set([...(marked === undefined ? [] : [marked]), ...(await waits.runsOn(instance))])) {
    const known = await waits.knownOf(run, instance);
    // A copy of the instance has the marker and the restore point as well.
    if (known === 'elsewhere') continue;
    const wait = waitStateOf(run, known, shown, readClocks());
    if (wait.state === 'none') continue;
    const problem = wait.state === 'waiting' ? wait.problem : null;
    const pointCreatedAt = shown.inFlight?.createdAt ?? null;
    return ok({ ...wait.marker, confirmation: wait.confirmation, problem, known, pointCreatedAt });
  }
  return ok(null);
}

/** What a recovery finds of a change that waits for a confirmation. */
export type WaitEnd =
  /** Nothing waits, or not any more: there may be something to recover. */
  | { readonly kind: 'over' }
  /** It is no leftover before its deadline. */
  | { readonly kind: 'waits'; readonly marker: WaitingMarker }
  /** Its deadline has passed, and it could not be settled: somebody may still confirm it. */
  | { readonly kind: 'unsettled'; readonly run: string; readonly failure: SettlementFailure }
  /** The server did not say whether a change waits, so nothing may be changed. */
  | { readonly kind: 'unknown'; readonly outcome: Outcome };

/** How long a server that does not answer is asked again, in milliseconds. */
const answerMs = 60_000;

/** Settles a change whose deadline has passed as expired, by compare-and-swap against a confirmation at the same moment. */
export async function expireWaiting(tools: SettlementTools & FindTools, instance: string): Promise<WaitEnd> {
  const patient = { ...tools, platform: retryTransient(tools.platform, answerMs) };
  for (;;) {
    const seen = await readWaiting(patient, instance);
    if (!seen.ok && seen.error.kind !== 'not-found')
      return { kind: 'unknown', outcome: refuseUnknown(instance, seen.error) };
    const marker = seen.ok ? seen.value : null;
    if (marker?.confirmation.state !== 'waiting') return { kind: 'over' };
    if (remainingMs(marker.confirmation.deadline, tools.readClocks()) > 0) return { kind: 'waits', marker };
    const expired = await settleOnInstance(tools, instance, marker.run, { kind: 'expire' }, { known: marker.known });
    if (expired.ok) return { kind: 'over' };
    const isExtended = expired.error.kind === 'conflict' && expired.error.conflict === 'not-due';
    if (isExtended) continue;
    // Somebody may confirm it as long as the marker may still change. Without a record the marker alone says that it is rolled back.
    return mayBeSettledLater(expired.error) || (expired.error.kind === 'platform' && marker.known?.marker === null)
      ? { kind: 'unsettled', run: marker.run, failure: expired.error }
      : { kind: 'over' };
  }
}

function refuseUnknown(instance: string, { purpose, detail, advice }: PlatformFailure): Outcome {
  return refused(
    `guard could not determine whether a change of "${instance}" waits for a confirmation. Could not ${purpose}: ${detail}`,
    advice === '' ? 'Nothing was changed. Try again when the server answers.' : advice,
  );
}
