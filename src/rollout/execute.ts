import type { Clock } from '../clock.ts';
import type { Outcome } from '../event.ts';
import type { MemberEndState, RecordedRolloutEvent, RolloutEvent, RolloutStop } from '../rollout-event.ts';
import { memberEndState } from './member-end.ts';
import { nextStep, type RolloutSettings } from './planner.ts';
import { withRolloutEvent, type MemberRecord, type RolloutRecord } from './record.ts';
import { rolloutExitStatus } from './exit-status.ts';

/** What a rollout works with. */
export interface RolloutTools {
  readonly clock: Clock;
  /** Aborts at the first signal: nothing more begins. */
  readonly interrupted: AbortSignal;
  /** A person ends it: what runs is finished, nothing more begins. */
  readonly isAborted: boolean;
  /** Leave out what is refused at its turn. */
  readonly skipRefused: boolean;
  readonly newRunId: () => string;
  /** The id for the run on this instance. */
  readonly runIdFor: (member: MemberRecord) => string;
  /** Makes the event durable, here and in the project, and shows it. */
  readonly record: (event: RecordedRolloutEvent, after: RolloutRecord) => Promise<void>;
  /** The guarded run on one instance. A rejection is a bug. */
  readonly runMember: (
    member: MemberRecord,
    run: string,
    onWaiting: (deadline: number) => Promise<void>,
  ) => Promise<MemberResult>;
  /** Rolls a kept change back, as `guard rollback` does. */
  readonly revertMember: (member: MemberRecord, run: string) => Promise<MemberResult>;
  /** The exit status of the signal that came. */
  readonly signalStatus: () => number | null;
  /** Whether another host has taken the rollout over, as the last write of the shared record found. */
  readonly takenOver: () => boolean;
  /** Writes the shared record again, so that `takenOver` tells of this moment. Never rejects. */
  readonly renew: () => Promise<void>;
}

/** How a run on one instance ended; `message` is one sentence for the table, empty where it is kept. */
export interface MemberResult {
  readonly outcome: Outcome;
  readonly message: string;
}

/** How long a busy instance is tried again, and from which wait on, in milliseconds. */
const busyLimitMs = 30_000;
const firstBusyWaitMs = 500;

/**
 * Runs a rollout to its end, or to its pause: the planner decides, this does. Returns the record and the exit status.
 */
export async function executeRollout(
  start: RolloutRecord,
  settings: RolloutSettings,
  tools: RolloutTools,
): Promise<{ readonly record: RolloutRecord; readonly exitStatus: number }> {
  const { clock } = tools;
  const began = clock.monotonic();
  const total = start.members.length;
  let current = start;
  const work = createWork(clock);
  const record: Record = async (event) => {
    const recorded = { ...event, v: 1, rollout: start.id, at: clock.now() } as const;
    current = withRolloutEvent(current, recorded);
    await tools.record(recorded, current);
  };

  for (;;) {
    const halt = haltOf(tools, work.bug());
    const progress = {
      settings,
      members: current.members,
      total,
      waveEndedAt: work.waveEndedAt(),
      halt: plannerHalt(halt),
    };
    const step = nextStep(progress, clock.monotonic());
    const ended = work.nextEnd();
    switch (step.kind) {
      case 'begin':
        for (const member of membersOf(current, step.ids)) work.launch(runOne(member, tools, record));
        break;
      case 'revert':
        for (const member of membersOf(current, step.ids)) work.launch(revertOne(member, tools, record));
        break;
      case 'pause':
        await record({ type: 'wave-pause', ms: step.ms });
        await clock.sleep(step.ms, tools.interrupted);
        break;
      case 'wait':
        await ended;
        break;
      case 'end': {
        const stop: RolloutStop | null = halt === 'taken-over' || halt === 'internal-error' ? halt : step.stop;
        const exitStatus = rolloutExitStatus(current.members, stop, tools.signalStatus());
        await record({ type: 'rollout-ended', stop, exitStatus, ms: clock.monotonic() - began });
        const bug = work.bug();
        if (bug !== null) throw bug;
        return { record: current, exitStatus };
      }
    }
  }
}

type Record = (event: RolloutEvent) => Promise<void>;

/** What is under way at once. */
function createWork(clock: Pick<Clock, 'monotonic'>) {
  const underWay = new Set<Promise<void>>();
  let bug: unknown = null;
  let waveEndedAt: number | null = null;
  let wake = (): void => {};
  return {
    launch: (work: Promise<void>): void => {
      const watched: Promise<void> = work
        .catch((error: unknown) => {
          bug ??= error;
        })
        .finally(() => {
          underWay.delete(watched);
          if (underWay.size === 0) waveEndedAt = clock.monotonic();
          wake();
        });
      underWay.add(watched);
    },
    nextEnd: (): Promise<void> =>
      new Promise((resolve) => {
        wake = resolve;
      }),
    /** The first fault of guard's own; null for none. */
    bug: (): unknown => bug,
    waveEndedAt: (): number | null => waveEndedAt,
  };
}

function haltOf(tools: RolloutTools, bug: unknown): 'interrupted' | 'aborted' | 'taken-over' | 'internal-error' | null {
  if (bug !== null) return 'internal-error';
  if (tools.takenOver()) return 'taken-over';
  if (tools.interrupted.aborted) return 'interrupted';
  return tools.isAborted ? 'aborted' : null;
}

/** Whatever comes in between, what runs is finished, and nothing is rolled back behind somebody's back. */
function plannerHalt(halt: ReturnType<typeof haltOf>): 'interrupted' | 'aborted' | null {
  return halt === null || halt === 'aborted' ? halt : 'interrupted';
}

function membersOf({ members }: RolloutRecord, ids: readonly string[]): readonly MemberRecord[] {
  return members.filter(({ id }) => ids.includes(id));
}

/**
 * Its first event is told at once, so that the next step counts it. Where its write finds that another host has taken the rollout
 * over, the run does not begin: that host may have changed the instance already.
 */
async function runOne(member: MemberRecord, tools: RolloutTools, record: Record): Promise<void> {
  const run = tools.runIdFor(member);
  await record({ type: 'member-begun', id: member.id, run });
  const began = tools.clock.monotonic();
  let ended: MemberResult | null;
  try {
    const onWaiting = (deadline: number): Promise<void> =>
      record({ type: 'member-waiting', id: member.id, run, deadline });
    ended = tools.takenOver() ? null : await runUnlessBusy(member, run, tools, { began, onWaiting });
  } catch (bug) {
    const ms = tools.clock.monotonic() - began;
    const message = 'A bug in guard ended this run: guard recover finishes it.';
    await record({ type: 'member-ended', id: member.id, run, state: 'inconclusive', outcome: null, message, ms });
    throw bug;
  }
  const ms = tools.clock.monotonic() - began;
  if (ended === null) {
    const message = 'Another host has taken the rollout over.';
    await record({ type: 'member-ended', id: member.id, run, state: 'pending', outcome: null, message, ms });
    return;
  }
  const { outcome, message } = ended;
  const state: MemberEndState = memberEndState(outcome, tools.skipRefused);
  await record({ type: 'member-ended', id: member.id, run, state, outcome: outcome.outcome, message, ms });
}

/**
 * The server lets one change of an instance through at a time; somebody else's is most often over in seconds. Null where it is the
 * change of a host that has taken the rollout over.
 */
async function runUnlessBusy(
  member: MemberRecord,
  run: string,
  tools: RolloutTools,
  { began, onWaiting }: { readonly began: number; readonly onWaiting: (deadline: number) => Promise<void> },
): Promise<MemberResult | null> {
  let waitMs = firstBusyWaitMs;
  for (;;) {
    const ended = await tools.runMember(member, run, onWaiting);
    const isLate = tools.clock.monotonic() - began + waitMs > busyLimitMs;
    if (ended.outcome.outcome !== 'busy' || isLate || tools.interrupted.aborted) return ended;
    await tools.clock.sleep(waitMs, tools.interrupted);
    await tools.renew();
    if (tools.takenOver()) return null;
    waitMs *= 2;
  }
}

async function revertOne(member: MemberRecord, tools: RolloutTools, record: Record): Promise<void> {
  const run = tools.newRunId();
  await record({ type: 'revert-begun', id: member.id, run });
  if (tools.takenOver()) {
    const kept = { run: member.run ?? '', state: 'kept', outcome: 'kept', message: '', ms: member.ms ?? 0 } as const;
    await record({ type: 'member-ended', id: member.id, ...kept });
    return;
  }
  const keptAt = member.at;
  const { outcome, message } = await tools.revertMember(member, run);
  const isBack = outcome.outcome === 'kept';
  await record({
    type: 'revert-ended',
    id: member.id,
    run,
    state: isBack ? 'reverted' : 'revert-failed',
    outcome: outcome.outcome,
    message,
    lostMs: isBack && keptAt !== null ? tools.clock.now() - keptAt : null,
  });
}
