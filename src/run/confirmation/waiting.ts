import { remainingMs } from '../../deadline.ts';
import type { Outcome } from '../../event.ts';
import type { Platform } from '../../platform/platform.ts';
import { err, ok, type Result } from '../../result.ts';
import type { Confirmation } from '../lock/confirmation.ts';
import { inFlightName } from '../lock/in-flight.ts';
import { readMarker, type RunMarker } from '../lock/marker.ts';
import { refusedBecause } from '../refusal.ts';
import { mayBeSettledLater, settleOnInstance, type SettlementFailure, type SettlementTools } from './settlement.ts';

/** A run whose change is on the instance and waits, or has just stopped waiting, for a confirmation. */
export type WaitingMarker = RunMarker & { readonly confirmation: Confirmation };

/** The waiting run of the instance; null where there is none. */
export async function findWaiting(
  platform: Pick<Platform, 'getInstance' | 'getSnapshot'>,
  instance: string,
): Promise<Result<WaitingMarker | null, Outcome>> {
  const seen = await platform.getInstance(instance);
  if (!seen.ok) return err(refusedBecause(seen.error));
  const marker = readMarker(seen.value);
  if (marker?.confirmation === undefined) return ok(null);
  const inFlight = await platform.getSnapshot(instance, inFlightName);
  if (!inFlight.ok && inFlight.error.kind !== 'not-found') return err(refusedBecause(inFlight.error));
  // An old restore point that somebody restored by hand may have brought the marker back.
  return ok(inFlight.ok ? { ...marker, confirmation: marker.confirmation } : null);
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
export async function expireWaiting(tools: SettlementTools, instance: string): Promise<WaitEnd> {
  for (;;) {
    const seen = await findWaiting(tools.platform, instance);
    const marker = seen.ok ? seen.value : null;
    if (marker?.confirmation.state !== 'waiting') return { kind: 'over' };
    if (remainingMs(marker.confirmation.deadline, tools.readClocks()) > 0) return { kind: 'waits', marker };
    const expired = await settleOnInstance(tools, instance, marker.run, { kind: 'expire' });
    if (expired.ok) return { kind: 'over' };
    const isExtended = expired.error.kind === 'conflict' && expired.error.conflict === 'not-due';
    if (isExtended) continue;
    // Somebody may confirm it as long as the marker may still change.
    return mayBeSettledLater(expired.error)
      ? { kind: 'unsettled', run: marker.run, failure: expired.error }
      : { kind: 'over' };
  }
}

/** The change that waits now among what was found on the instance; null where it may be recovered. */
export function waitingNow(
  { marker, inFlight }: { readonly marker: RunMarker | null; readonly inFlight: unknown },
  { readClocks }: Pick<SettlementTools, 'readClocks'>,
): WaitingMarker | null {
  const confirmation = marker?.confirmation;
  if (inFlight === null || marker === null || confirmation?.state !== 'waiting') return null;
  return remainingMs(confirmation.deadline, readClocks()) > 0 ? { ...marker, confirmation } : null;
}
