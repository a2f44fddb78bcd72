import type { ClockReading } from '../../deadline.ts';
import { isTransient, type PlatformFailure, type PlatformFailureKind } from '../../platform/failure.ts';
import { retryTransient } from '../../platform/retry.ts';
import { err, ok, type Result } from '../../result.ts';
import { markerKey, readMarker, type RunMarker } from '../lock/marker.ts';
import type { RunTools } from '../tools.ts';
import { settle, type Confirmation, type ConfirmationAction, type ConfirmationConflict } from '../lock/confirmation.ts';

/** Why a change could not be settled on its instance. */
export type SettlementFailure =
  | { readonly kind: 'conflict'; readonly conflict: ConfirmationConflict }
  /** The instance does not wait for a confirmation of this run any more. */
  | { readonly kind: 'not-waiting' }
  | { readonly kind: 'platform'; readonly failure: PlatformFailure };

/** How long a server that does not answer is asked again, in milliseconds. */
const answerMs = 60_000;

/** Pauses between attempts of a compare-and-swap that somebody else won, in milliseconds. */
const contentionMs = 50;

/** What settling needs: the server, this machine's clocks, and who does it. */
export interface SettlementTools extends Pick<RunTools, 'platform' | 'clock' | 'holder' | 'inspectHolder'> {
  readonly readClocks: () => ClockReading;
}

/**
 * Settles a waiting change by compare-and-swap of the run's marker, so that of two guards only one decides. The marker is
 * the decision: whoever finishes the run later obeys it. What a process settled that has died meanwhile becomes this one's.
 */
export async function settleOnInstance(
  tools: SettlementTools,
  instance: string,
  run: string,
  action: ConfirmationAction,
): Promise<Result<Confirmation, SettlementFailure>> {
  return swapConfirmation(tools, instance, run, (confirmation) => {
    if (confirmation === null) return null;
    const settled = settle(confirmation, action, tools.readClocks(), tools.holder);
    if (!settled.ok || settled.value.settledBy === undefined) return settled;
    return tools.inspectHolder(settled.value.settledBy) === 'dead'
      ? ok({ ...settled.value, settledBy: tools.holder })
      : settled;
  });
}

/** Says on the instance that the run waits for a confirmation. */
export function requestOnInstance(
  tools: Pick<SettlementTools, 'platform' | 'clock'>,
  instance: string,
  run: string,
  confirmation: Confirmation,
): Promise<Result<Confirmation, SettlementFailure>> {
  return swapConfirmation(tools, instance, run, (now) => ok(now ?? confirmation));
}

/** Whether a settlement that failed so may succeed later, or may have succeeded without an answer. */
export function mayBeSettledLater(failure: SettlementFailure): boolean {
  return failure.kind === 'platform' && (isTransient(failure.failure) || unknownKinds.has(failure.failure.kind));
}

const unknownKinds: ReadonlySet<PlatformFailureKind> = new Set(['timed-out', 'not-ready']);

async function swapConfirmation(
  { platform, clock }: Pick<SettlementTools, 'platform' | 'clock'>,
  instance: string,
  run: string,
  next: (now: Confirmation | null) => Result<Confirmation, ConfirmationConflict> | null,
): Promise<Result<Confirmation, SettlementFailure>> {
  const patient = retryTransient(platform, answerMs);
  for (;;) {
    const seen = await patient.getInstance(instance);
    if (!seen.ok) return err({ kind: 'platform', failure: seen.error });
    const marker = readMarker(seen.value);
    if (marker?.run !== run) return err({ kind: 'not-waiting' });
    const settled = next(marker.confirmation ?? null);
    if (settled === null) return err({ kind: 'not-waiting' });
    if (!settled.ok) return err({ kind: 'conflict', conflict: settled.error });
    if (settled.value === marker.confirmation) return settled;
    const metadata = { [markerKey]: JSON.stringify({ ...marker, confirmation: settled.value } satisfies RunMarker) };
    const { revision, description } = seen.value;
    const written = await patient.patchInstance(instance, { metadata, description, revision });
    if (written.ok) return settled;
    // Somebody changed the instance in between, or the answer was lost: the marker says which.
    if (written.error.kind !== 'changed') return err({ kind: 'platform', failure: written.error });
    await clock.sleep(contentionMs);
  }
}
