import { remainingMs, type ClockReading } from '../../deadline.ts';
import { isTransient, type PlatformFailure, type PlatformFailureKind } from '../../platform/failure.ts';
import { isContention, retryTransient } from '../../platform/retry.ts';
import type { Instance, Platform } from '../../platform/platform.ts';
import { err, ok, type Result } from '../../result.ts';
import { inFlightName } from '../lock/in-flight.ts';
import { markerKey, readMarker, type RunMarker } from '../lock/marker.ts';
import type { RunTools } from '../tools.ts';
import { settle, type Confirmation, type ConfirmationAction, type ConfirmationConflict } from '../lock/confirmation.ts';
import { waitStateOf, type KnownWait, type WaitState } from './known-wait.ts';

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

/** How to settle. */
export interface SettlementOptions {
  /** What this host knows of the change; null on another host, for which the marker alone counts. */
  readonly known?: KnownWait | null;
  /** How long a server that does not answer is asked again, in milliseconds. */
  readonly patienceMs?: number;
}

/**
 * Settles a waiting change by compare-and-swap of the run's marker, so that of two guards only one decides. The marker is
 * the decision: whoever finishes the run later obeys it. One that is gone is written again from what this host knows. What a
 * process settled that has died meanwhile becomes this one's.
 */
export async function settleOnInstance(
  tools: SettlementTools,
  instance: string,
  run: string,
  action: ConfirmationAction,
  { known = null, patienceMs = answerMs }: SettlementOptions = {},
): Promise<Result<Confirmation, SettlementFailure>> {
  const read = (platform: Platform): Promise<Result<Swap | null, PlatformFailure>> =>
    known === null ? readMarked(platform, instance, run) : readKnown(tools, platform, instance, known);
  const limitMs = (confirmation: Confirmation | null): number =>
    mustPrecedeDeadline(action) && confirmation !== null
      ? Math.min(patienceMs, remainingMs(confirmation.deadline, tools.readClocks()))
      : patienceMs;
  return swapConfirmation(tools, instance, read, { patienceMs, limitMs }, (confirmation) => {
    if (confirmation === null) return null;
    const settled = settle(confirmation, action, tools.readClocks(), tools.holder);
    if (!settled.ok || settled.value.settledBy === undefined) return settled;
    return tools.inspectHolder(settled.value.settledBy) === 'dead'
      ? ok({ ...settled.value, settledBy: tools.holder })
      : settled;
  });
}

/** After the deadline the change is rolled back, whatever was asked for before. */
function mustPrecedeDeadline({ kind }: ConfirmationAction): boolean {
  return kind === 'confirm' || kind === 'extend';
}

/** Says on the instance that the run waits for a confirmation. */
export function requestOnInstance(
  tools: Pick<SettlementTools, 'platform' | 'clock'>,
  instance: string,
  run: string,
  confirmation: Confirmation,
): Promise<Result<Confirmation, SettlementFailure>> {
  const read = (platform: Platform): Promise<Result<Swap | null, PlatformFailure>> =>
    readMarked(platform, instance, run);
  return swapConfirmation(tools, instance, read, { patienceMs: answerMs, limitMs: () => answerMs }, (now) =>
    ok(now ?? confirmation),
  );
}

/** Whether a settlement that failed so may succeed later, or may have succeeded without an answer. */
export function mayBeSettledLater(failure: SettlementFailure): boolean {
  return failure.kind === 'platform' && (isTransient(failure.failure) || unknownKinds.has(failure.failure.kind));
}

const unknownKinds: ReadonlySet<PlatformFailureKind> = new Set(['timed-out', 'not-ready']);

/** The instance as it was read, and the marker that a settlement is written into. */
interface Swap {
  readonly instance: Instance;
  readonly marker: RunMarker;
  /** What counts of it; null where the run does not wait yet. */
  readonly confirmation: Confirmation | null;
}

async function readMarked(
  platform: Platform,
  instance: string,
  run: string,
): Promise<Result<Swap | null, PlatformFailure>> {
  const seen = await platform.getInstance(instance);
  if (!seen.ok) return seen;
  const marker = readMarker(seen.value);
  return ok(marker?.run === run ? { instance: seen.value, marker, confirmation: marker.confirmation ?? null } : null);
}

async function readKnown(
  { readClocks }: SettlementTools,
  platform: Platform,
  instance: string,
  known: KnownWait,
): Promise<Result<Swap | null, PlatformFailure>> {
  const seen = await readWait(platform, instance, known.run, known, readClocks);
  if (!seen.ok) return seen;
  const { wait } = seen.value;
  if (wait.state === 'none') return ok(null);
  return ok({ instance: seen.value.instance, marker: wait.marker, confirmation: wait.confirmation });
}

/** Reads what the instance shows of a change that may wait. */
export async function readWait(
  platform: Pick<Platform, 'getInstance' | 'getSnapshot'>,
  name: string,
  run: string,
  known: KnownWait | null,
  readClocks: () => ClockReading,
): Promise<Result<{ readonly instance: Instance; readonly wait: WaitState }, PlatformFailure>> {
  const [seen, point] = await Promise.all([platform.getInstance(name), platform.getSnapshot(name, inFlightName)]);
  if (!seen.ok) return seen;
  if (!point.ok && point.error.kind !== 'not-found') return point;
  const instance = seen.value;
  const wait = waitStateOf(run, known, { instance, inFlight: point.ok ? point.value : null }, readClocks());
  return ok({ instance, wait });
}

/** How long a server that does not answer is asked again, in milliseconds. */
interface Patience {
  readonly patienceMs: number;
  /** The same for the write: less where it has to be stored before the deadline. */
  readonly limitMs: (now: Confirmation | null) => number;
}

async function swapConfirmation(
  { platform, clock }: Pick<SettlementTools, 'platform' | 'clock'>,
  instance: string,
  read: (platform: Platform) => Promise<Result<Swap | null, PlatformFailure>>,
  { patienceMs, limitMs }: Patience,
  next: (now: Confirmation | null) => Result<Confirmation, ConfirmationConflict> | null,
): Promise<Result<Confirmation, SettlementFailure>> {
  const patient = retryTransient(platform, patienceMs);
  for (;;) {
    const seen = await read(patient);
    if (!seen.ok) return err({ kind: 'platform', failure: seen.error });
    if (seen.value === null) return err({ kind: 'not-waiting' });
    const { marker, confirmation } = seen.value;
    const settled = next(confirmation);
    if (settled === null) return err({ kind: 'not-waiting' });
    if (!settled.ok) return err({ kind: 'conflict', conflict: settled.error });
    if (settled.value === marker.confirmation) return settled;
    const metadata = { [markerKey]: JSON.stringify({ ...marker, confirmation: settled.value } satisfies RunMarker) };
    const { revision, description } = seen.value.instance;
    const writeMs = limitMs(confirmation);
    const written = await retryTransient(platform, writeMs).patchInstance(instance, {
      metadata,
      description,
      revision,
    });
    if (written.ok) return settled;
    // The deadline, and not a lack of patience, ended the attempts.
    const isCutShort = writeMs < patienceMs && isContention(written.error);
    // Somebody changed the instance in between, the answer was lost, or the deadline has passed: the marker says which.
    if (written.error.kind !== 'changed' && !isCutShort) return err({ kind: 'platform', failure: written.error });
    await clock.sleep(contentionMs);
  }
}
