import type { ClockReading } from '../deadline.ts';
import type { Outcome } from '../event.ts';
import { readClocks } from '../journal/boot-clock.ts';
import { currentHolder, inspectHolder } from '../journal/holder.ts';
import { readRun } from '../journal/runs.ts';
import { listWaiting, readWaitingNote } from '../journal/waiting-runs.ts';
import type { Result } from '../result.ts';
import { knownWaitOf } from '../run/confirmation/known-wait.ts';
import { settleOnInstance, type SettlementFailure } from '../run/confirmation/settlement.ts';
import { findWaiting, type WaitingMarker, type WaitRecords } from '../run/confirmation/waiting.ts';
import type { Confirmation, ConfirmationAction, ConfirmationConflict } from '../run/lock/confirmation.ts';
import { busy, refused, refusedBecause } from '../run/refusal.ts';
import { formatTime } from '../time.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import type { Session } from './session.ts';

/** The waiting run of the instance; null where there is none. `run`: one whose record may say that it waits. */
export function waitingRunOf(
  context: Context,
  session: Session,
  run: string | null = null,
): Promise<Result<WaitingMarker | null, Outcome>> {
  const { platform, instance } = session.reached;
  const readNow = (): ClockReading => readClocks(context.clock.now);
  return findWaiting({ platform, readClocks: readNow, waits: waitRecords(context, session, run) }, instance);
}

/** The records of this host; `run` is one that may wait without a note. */
export function waitRecords(context: Context, { reached, settings }: Session, run: string | null): WaitRecords {
  const state = stateDirectoryOf(context);
  return {
    runsOn: async ({ uuid }) => [...(run === null ? [] : [run]), ...(await notedRunsOf(context, reached, uuid))],
    knownOf: async (one, instance) => {
      const record = await readRun(state, one);
      const isElsewhere = record?.started?.uuid !== undefined && record.started.uuid !== instance.uuid;
      return isElsewhere ? 'elsewhere' : knownWaitOf(one, record, readWaitingNote(state, one), settings.leaseMs);
    },
  };
}

/** The runs of this host that wait, and that are of this instance. */
async function notedRunsOf(
  context: Context,
  { instance, project, remote }: Session['reached'],
  uuid: string | null,
): Promise<string[]> {
  const state = stateDirectoryOf(context);
  const found: string[] = [];
  for (const run of listWaiting(state) ?? []) {
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

/** A change that waits is not rolled back before its deadline. */
export function refuseWaiting(marker: WaitingMarker): Outcome {
  return busy(describeWait(marker), `Keep its change now: guard confirm ${marker.run}`);
}
