import { remainingMs } from '../../deadline.ts';
import type { Outcome } from '../../event.ts';
import type { Instance, Platform } from '../../platform/platform.ts';
import { err, ok, type Result } from '../../result.ts';
import type { Confirmation } from '../lock/confirmation.ts';
import { inFlightName } from '../lock/in-flight.ts';
import { readMarker, type RunMarker } from '../lock/marker.ts';
import { refusedBecause } from '../refusal.ts';
import { waitStateOf, type KnownWait, type WaitProblem } from './known-wait.ts';
import { mayBeSettledLater, settleOnInstance, type SettlementFailure, type SettlementTools } from './settlement.ts';

/** A run whose change is on the instance and waits, or has just stopped waiting, for a confirmation. */
export type WaitingMarker = RunMarker & {
  readonly confirmation: Confirmation;
  /** What somebody did to it; null for nothing. */
  readonly problem: WaitProblem | null;
  /** What this host recorded of it; null on another host. */
  readonly known: KnownWait | null;
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
export async function findWaiting(
  { platform, readClocks, waits }: FindTools,
  name: string,
): Promise<Result<WaitingMarker | null, Outcome>> {
  const [seen, point] = await Promise.all([platform.getInstance(name), platform.getSnapshot(name, inFlightName)]);
  if (!seen.ok) return err(refusedBecause(seen.error));
  if (!point.ok && point.error.kind !== 'not-found') return err(refusedBecause(point.error));
  const instance = seen.value;
  const shown = { instance, inFlight: point.ok ? point.value : null };
  const marked = readMarker(instance)?.run;
  for (const run of new Set([...(marked === undefined ? [] : [marked]), ...(await waits.runsOn(instance))])) {
    const known = await waits.knownOf(run, instance);
    // A copy of the instance has the marker and the restore point as well.
    if (known === 'elsewhere') continue;
    const wait = waitStateOf(run, known, shown, readClocks());
    if (wait.state === 'none' || wait.marker === null) continue;
    const problem = wait.state === 'waiting' ? wait.problem : null;
    return ok({ ...wait.marker, confirmation: wait.confirmation, problem, known });
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
  | { readonly kind: 'unsettled'; readonly run: string; readonly failure: SettlementFailure };

/** Settles a change whose deadline has passed as expired, by compare-and-swap against a confirmation at the same moment. */
export async function expireWaiting(tools: SettlementTools & FindTools, instance: string): Promise<WaitEnd> {
  for (;;) {
    const seen = await findWaiting(tools, instance);
    const marker = seen.ok ? seen.value : null;
    if (marker?.confirmation.state !== 'waiting') return { kind: 'over' };
    if (remainingMs(marker.confirmation.deadline, tools.readClocks()) > 0) return { kind: 'waits', marker };
    const expired = await settleOnInstance(tools, instance, marker.run, { kind: 'expire' }, { known: marker.known });
    if (expired.ok) return { kind: 'over' };
    const isExtended = expired.error.kind === 'conflict' && expired.error.conflict === 'not-due';
    if (isExtended) continue;
    // Somebody may confirm it as long as the marker may still change.
    return mayBeSettledLater(expired.error)
      ? { kind: 'unsettled', run: marker.run, failure: expired.error }
      : { kind: 'over' };
  }
}
