import { remainingMs } from '../deadline.ts';
import type { Outcome } from '../event.ts';
import { readClocks } from '../journal/boot-clock.ts';
import { currentHolder, inspectHolder } from '../journal/holder.ts';
import { formatTime } from '../report/time.ts';
import { err, ok, type Result } from '../result.ts';
import { inFlightName } from '../run/lock/in-flight.ts';
import { readMarker, type RunMarker } from '../run/lock/marker.ts';
import type { Confirmation, ConfirmationAction, ConfirmationConflict } from '../run/lock/confirmation.ts';
import { settleOnInstance, type SettlementFailure } from '../run/confirmation/settlement.ts';
import type { RunLeftovers } from '../run/recovery/recover.ts';
import { busy, refused, refusedBecause } from '../run/refusal.ts';
import type { Context } from './context.ts';
import type { Session } from './session.ts';

/** A run whose change is on the instance and waits, or has just stopped waiting, for a confirmation. */
export type WaitingMarker = RunMarker & { readonly confirmation: Confirmation };

/** The waiting run of the instance; null where there is none. */
export async function waitingRunOf({ reached }: Session): Promise<Result<WaitingMarker | null, Outcome>> {
  const { platform, instance } = reached;
  const seen = await platform.getInstance(instance);
  if (!seen.ok) return err(refusedBecause(seen.error));
  const marker = readMarker(seen.value);
  if (marker?.confirmation === undefined) return ok(null);
  const inFlight = await platform.getSnapshot(instance, inFlightName);
  if (!inFlight.ok && inFlight.error.kind !== 'not-found') return err(refusedBecause(inFlight.error));
  // An old restore point that somebody restored by hand may have brought the marker back.
  return ok(inFlight.ok ? { ...marker, confirmation: marker.confirmation } : null);
}

/** Settles the waiting run on its instance. */
export function settleWaiting(
  { clock }: Pick<Context, 'clock'>,
  { reached }: Session,
  run: string,
  action: ConfirmationAction,
): Promise<Result<Confirmation, SettlementFailure>> {
  const { platform } = reached;
  const tools = { platform, clock, holder: currentHolder(), inspectHolder, readClocks: () => readClocks(clock.now) };
  return settleOnInstance(tools, reached.instance, run, action);
}

/** Milliseconds until the deadline; zero or less when it has passed. */
export function timeLeft({ clock }: Pick<Context, 'clock'>, { deadline }: Confirmation): number {
  return remainingMs(deadline, readClocks(clock.now));
}

/** Why a waiting run could not be settled as wanted. */
export function settlementRefusal(run: string, failure: SettlementFailure): Outcome {
  switch (failure.kind) {
    case 'platform':
      return refusedBecause(failure.failure);
    case 'not-waiting':
      return refused(`Run ${run} does not wait for a confirmation any more.`, `See how it ended: guard show ${run}`);
    case 'conflict':
      return refused(conflictMessage(run, failure.conflict), conflictAdvice(run, failure.conflict));
  }
}

function conflictAdvice(run: string, conflict: ConfirmationConflict): string {
  return conflict === 'expired'
    ? `See how it ends: guard show ${run}. If nothing happens, its host is lost: roll it back with guard recover.`
    : `See how it ended: guard show ${run}`;
}

function conflictMessage(run: string, conflict: ConfirmationConflict): string {
  switch (conflict) {
    case 'confirmed':
      return `The change of run ${run} was confirmed already.`;
    case 'refused':
      return `The change of run ${run} was refused already and is being rolled back.`;
    case 'expired':
      return `The deadline of run ${run} has passed, so its change is rolled back.`;
    case 'not-due':
      return `The deadline of run ${run} has not passed yet.`;
  }
}

/** Until when the change waits, in a sentence. */
export function describeWait({ run, confirmation }: WaitingMarker): string {
  return `Run ${run} waits for a confirmation and is rolled back at ${formatTime(confirmation.deadline.at)}.`;
}

/** What could not be read a moment ago, or has begun to wait since then, is not rolled back before its deadline. */
export function refuseWaiting(
  context: Pick<Context, 'clock'>,
  { marker, inFlight }: Pick<RunLeftovers, 'marker' | 'inFlight'>,
): Outcome | null {
  if (inFlight === null || marker?.confirmation?.state !== 'waiting') return null;
  const { run, confirmation } = marker;
  if (timeLeft(context, confirmation) <= 0) return null;
  return busy(describeWait({ ...marker, confirmation }), `Keep its change now: guard confirm ${run}`);
}
