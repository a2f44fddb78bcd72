import { remainingMs } from '../../deadline.ts';
import { inFlightName } from '../lock/in-flight.ts';
import { readMarker } from '../lock/marker.ts';
import type { Confirmation } from '../lock/confirmation.ts';
import { awaitOtherGuard, type OtherGuardTools } from './other-guard.ts';
import { mayBeSettledLater, settleOnInstance, type SettlementTools } from './settlement.ts';

/** What the keeper of a deadline has to do about its run. */
export type KeeperStep =
  /** Nothing before the deadline that the instance names. */
  | { readonly step: 'wait'; readonly confirmation: Confirmation }
  /** It is settled, or overdue, and nobody else works on it: do what was settled. */
  | { readonly step: 'finish' }
  /** Nothing of it is in flight any more. */
  | { readonly step: 'finished' }
  /** The instance could not be read or written, or another guard has just settled it. */
  | { readonly step: 'look-again' };

/**
 * Looks at a run that waits, and settles it as expired at its deadline. Of all guards that do so one gets `finish`; the others
 * wait for its end, and get `finish` where it dies on the way.
 */
export async function keepDeadline(
  tools: SettlementTools & OtherGuardTools,
  instance: string,
  run: string,
): Promise<KeeperStep> {
  const seen = await readConfirmation(tools, instance, run);
  if (seen === 'unknown') return { step: 'look-again' };
  if (seen?.state === 'waiting') {
    if (remainingMs(seen.deadline, tools.readClocks()) > 0) return { step: 'wait', confirmation: seen };
    const settled = await settleOnInstance(tools, instance, run, { kind: 'expire' });
    if (settled.ok) return { step: isOwn(tools, settled.value) ? 'finish' : 'look-again' };
    // A full pool may refuse the marker, and must not stop the rollback: nobody can write a confirmation either.
    const isUnwritable = settled.error.kind === 'platform' && !mayBeSettledLater(settled.error);
    return { step: isUnwritable ? 'finish' : 'look-again' };
  }
  if (seen !== null && isOwn(tools, seen)) return { step: 'finish' };
  return { step: (await awaitOtherGuard(tools, instance, run)) === 'finished' ? 'finished' : 'finish' };
}

function isOwn({ holder }: SettlementTools, { settledBy }: Confirmation): boolean {
  return settledBy?.id === holder.id;
}

/** Null where the instance says nothing of this run. A marker without a restore point came with a snapshot that somebody restored. */
async function readConfirmation(
  { platform }: SettlementTools,
  instance: string,
  run: string,
): Promise<Confirmation | null | 'unknown'> {
  const seen = await platform.getInstance(instance);
  if (!seen.ok) return 'unknown';
  const marker = readMarker(seen.value);
  if (marker?.run !== run || marker.confirmation === undefined) return null;
  const inFlight = await platform.getSnapshot(instance, inFlightName);
  if (!inFlight.ok && inFlight.error.kind !== 'not-found') return 'unknown';
  return inFlight.ok ? marker.confirmation : null;
}
