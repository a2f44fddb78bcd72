import { remainingMs, type Deadline } from '../deadline.ts';
import type { Outcome } from '../event.ts';
import { readClocks } from '../journal/boot-clock.ts';
import { currentHolder, inspectHolder } from '../journal/holder.ts';
import { formatTime } from '../time.ts';
import { err, ok, type Result } from '../result.ts';
import { inFlightName } from '../run/lock/in-flight.ts';
import { readMarker, type RunMarker } from '../run/lock/marker.ts';
import type { Confirmation, ConfirmationAction, ConfirmationConflict } from '../run/confirmation/confirmation.ts';
import { settleOnInstance, type SettlementFailure } from '../run/confirmation/settlement.ts';
import type { RunLeftovers } from '../run/recovery/recover.ts';
import { busy, refused, refusedBecause } from '../run/refusal.ts';
import { knownWaitOf, waitStateOf, type KnownWait, type WaitProblem } from '../run/confirmation/known-wait.ts';
import { readRun } from '../journal/runs.ts';
import { listWaiting, readWaitingNote } from '../journal/waiting-runs.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import type { Session } from './session.ts';

/** A run whose change is on the instance and waits, or has just stopped waiting, for a confirmation. */
export type WaitingMarker = RunMarker & {
  readonly confirmation: Confirmation;
  /** What somebody did to it; null for nothing. */
  readonly problem: WaitProblem | null;
  /** What this host recorded of it; null on another host. */
  readonly known: KnownWait | null;
};

/** The waiting run of the instance; null where there is none. `run`: one whose record may say that it waits. */
export async function waitingRunOf(
  context: Context,
  { reached, settings }: Session,
  run: string | null = null,
): Promise<Result<WaitingMarker | null, Outcome>> {
  const { platform, instance: name } = reached;
  const [seen, point] = await Promise.all([platform.getInstance(name), platform.getSnapshot(name, inFlightName)]);
  if (!seen.ok) return err(refusedBecause(seen.error));
  if (!point.ok && point.error.kind !== 'not-found') return err(refusedBecause(point.error));
  const instance = seen.value;
  const shown = { instance, inFlight: point.ok ? point.value : null };
  const marked = readMarker(instance)?.run ?? null;
  const candidates = [marked, run].filter((one) => one !== null);
  for (const candidate of new Set([...candidates, ...(await notedRunsOf(context, reached, instance.uuid))])) {
    const record = await readRun(stateDirectoryOf(context), candidate);
    // A copy of the instance has the marker and the restore point as well.
    if (record?.started?.uuid !== undefined && record.started.uuid !== instance.uuid) continue;
    const known = knownWaitOf(candidate, record, notedDeadline(context, candidate), settings.leaseMs);
    const wait = waitStateOf(candidate, known, shown, readClocks(context.clock.now));
    if (wait.state === 'none' || wait.marker === null) continue;
    const problem = wait.state === 'waiting' ? wait.problem : null;
    return ok({ ...wait.marker, confirmation: wait.confirmation, problem, known });
  }
  return ok(null);
}

/** The deadline in the note of a run; null where there is none. */
export function notedDeadline(context: Context, run: string): Deadline | null {
  return readWaitingNote(stateDirectoryOf(context), run)?.deadline ?? null;
}

/** The runs of this host that wait, and that are of this instance. */
async function notedRunsOf(
  context: Context,
  { instance, project, remote }: Session['reached'],
  uuid: string | null,
): Promise<string[]> {
  const state = stateDirectoryOf(context);
  const found: string[] = [];
  for (const run of listWaiting(state)) {
    const subject = (await readRun(state, run))?.started ?? readWaitingNote(state, run);
    if (subject === null || subject.project !== project || subject.remote !== remote) continue;
    const isSame = uuid !== null && subject.uuid != null ? subject.uuid === uuid : subject.instance === instance;
    if (isSame) found.push(run);
  }
  return found;
}

/** Settles the waiting run on its instance. */
export function settleWaiting(
  { clock }: Pick<Context, 'clock'>,
  { reached }: Session,
  { run, known }: Pick<WaitingMarker, 'run' | 'known'>,
  action: ConfirmationAction,
): Promise<Result<Confirmation, SettlementFailure>> {
  const { platform } = reached;
  const tools = { platform, clock, holder: currentHolder(), inspectHolder, readClocks: () => readClocks(clock.now) };
  return settleOnInstance(tools, reached.instance, run, action, { known });
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
export function describeWait({ run, confirmation }: Pick<WaitingMarker, 'run' | 'confirmation'>): string {
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
