import type { Outcome } from '../event.ts';
import { readClocks } from '../journal/boot-clock.ts';
import { currentHolder, inspectHolder } from '../journal/holder.ts';
import { formatTime } from '../report/time.ts';
import type { Result } from '../result.ts';
import type { Confirmation, ConfirmationAction, ConfirmationConflict } from '../run/lock/confirmation.ts';
import { settleOnInstance, type SettlementFailure } from '../run/confirmation/settlement.ts';
import type { WaitingMarker } from '../run/confirmation/waiting.ts';
import { busy, refused, refusedBecause } from '../run/refusal.ts';
import type { Context } from './context.ts';
import type { Session } from './session.ts';

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

/** A change that waits is not rolled back before its deadline. */
export function refuseWaiting(marker: WaitingMarker): Outcome {
  return busy(describeWait(marker), `Keep its change now: guard confirm ${marker.run}`);
}
