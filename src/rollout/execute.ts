import type { Clock } from '../clock.ts';
import type { Outcome } from '../event.ts';
import type { Permission } from '../permission.ts';
import { ok, type Result } from '../result.ts';
import type { MemberEndState, RecordedRolloutEvent, RolloutEvent, RolloutStop } from '../rollout-event.ts';
import { memberEndState } from './member-end.ts';
import { isGoingBack, nextStep, stopReason, type RolloutProgress, type RolloutSettings } from './planner.ts';
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
  /** Makes the event durable, here and in the project, and shows it. The error is a sentence that says what could not be written. */
  readonly record: (event: RecordedRolloutEvent, after: RolloutRecord) => Promise<Result<void, string>>;
  /** The guarded run on one instance. A rejection is a bug. */
  readonly runMember: (
    member: MemberRecord,
    run: string,
    how: { readonly permission: Permission; readonly onWaiting: (deadline: number) => Promise<void> },
  ) => Promise<MemberResult>;
  /** Rolls a kept change back, as `guard rollback` does. */
  readonly revertMember: (member: MemberRecord, run: string, permission: Permission) => Promise<MemberResult>;
  /** The exit status of the signal that came. */
  readonly signalStatus: () => number | null;
  /** Aborts when a write of the shared record finds that another host has taken the rollout over. */
  readonly takenOver: AbortSignal;
  /** Writes the shared record again, so that `takenOver` tells of this moment. Never rejects. */
  readonly renew: () => Promise<unknown>;
  /** Ok only where no other host can have taken the rollout over by now. The error is a sentence. */
  readonly proveOwn: () => Promise<Result<void, string>>;
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
  const stopped = new AbortController();
  const progress = (): RolloutProgress => ({
    settings,
    members: current.members,
    total,
    waveEndedAt: work.waveEndedAt(),
    halt: plannerHalt(haltOf(tools, work.bug())),
  });
  const record: Record = async (event) => {
    const recorded = { ...event, v: 1, rollout: start.id, at: clock.now() } as const;
    current = withRolloutEvent(current, recorded);
    if (stopReason(progress()) !== null) stopped.abort();
    return tools.record(recorded, current);
  };

  for (;;) {
    const halt = haltOf(tools, work.bug());
    const step = nextStep(progress(), clock.monotonic());
    const ended = work.nextEnd();
    switch (step.kind) {
      case 'begin':
        for (const member of membersOf(current, step.ids)) work.launch(runOne(member, tools, record, stopped.signal));
        break;
      case 'revert':
        for (const member of membersOf(current, step.ids)) work.launch(revertOne(member, tools, record));
        break;
      case 'pause':
        await record({ type: 'wave-pause', ms: step.ms });
        await clock.sleep(step.ms, AbortSignal.any([tools.interrupted, tools.takenOver]));
        break;
      case 'wait':
        await ended;
        break;
      case 'end': {
        const stop: RolloutStop | null = halt === 'taken-over' || halt === 'internal-error' ? halt : step.stop;
        const exitStatus = rolloutExitStatus(current.members, stop, tools.signalStatus());
        const goesBack =
          stop === 'interrupted' && isGoingBack({ ...progress(), halt: tools.isAborted ? 'aborted' : null });
        await record({
          type: 'rollout-ended',
          stop,
          ...(goesBack ? { goesBack } : {}),
          exitStatus,
          ms: clock.monotonic() - began,
        });
        const bug = work.bug();
        if (bug !== null) throw bug;
        return { record: current, exitStatus };
      }
    }
  }
}

type Record = (event: RolloutEvent) => Promise<Result<void, string>>;

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
  if (tools.takenOver.aborted) return 'taken-over';
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

/** Why a change did not begin, and what that makes of its instance. */
interface Denial {
  /** `inconclusive` where a person has to look first. */
  readonly state: 'pending' | 'inconclusive';
  readonly message: string;
}

const takenOverDenial: Denial = { state: 'pending', message: 'Another host has taken the rollout over.' };
const stoppedDenial: Denial = { state: 'pending', message: 'The rollout stopped before the change began.' };

/**
 * Its first event is told at once, so that the next step counts it. Without that event there is no change: whoever goes on with
 * the rollout would begin it a second time. Nor is there one where another host has taken the rollout over.
 */
async function runOne(member: MemberRecord, tools: RolloutTools, record: Record, stopped: AbortSignal): Promise<void> {
  const { id } = member;
  const run = tools.runIdFor(member);
  const begun = await record({ type: 'member-begun', id, run });
  const began = tools.clock.monotonic();
  async function end(state: MemberEndState, outcome: Outcome['outcome'] | null, message: string): Promise<void> {
    await record({ type: 'member-ended', id, run, state, outcome, message, ms: tools.clock.monotonic() - began });
  }
  const denial = denialOf(tools, stopped, begun);
  if (denial !== null) return end(denial.state, null, denial.message);
  const onWaiting = async (deadline: number): Promise<void> => {
    await record({ type: 'member-waiting', id, run, deadline });
  };
  try {
    const ended = await runUnlessBusy(tools, stopped, (permission) =>
      tools.runMember(member, run, { permission, onWaiting }),
    );
    if ('state' in ended) return await end(ended.state, null, ended.message);
    const { outcome, message } = ended;
    return await end(memberEndState(outcome, tools.skipRefused), outcome.outcome, message);
  } catch (bug) {
    await end('inconclusive', null, 'A bug in guard ended this run: guard recover finishes it.');
    throw bug;
  }
}

/**
 * Why a change may not begin now; null where it may. `recorded`: that whoever resumes the rollout will know that it may have
 * begun. A rollback does not need that: an instance that is rolled back twice is the same as one that is rolled back once.
 */
function denialOf(tools: RolloutTools, stopped: AbortSignal | null, recorded: Result<void, string>): Denial | null {
  if (tools.takenOver.aborted) return takenOverDenial;
  if (stopped?.aborted === true) return stoppedDenial;
  if (recorded.ok) return null;
  return { state: 'inconclusive', message: `It was not begun, because that could not be recorded: ${recorded.error}` };
}

/**
 * The server lets one change of an instance through at a time; somebody else's is most often over in seconds. A denial where the
 * change did not begin because it must not any more. `stopped` is null for what a rollout does after it has stopped.
 */
async function runUnlessBusy(
  tools: RolloutTools,
  stopped: AbortSignal | null,
  run: (permission: Permission) => Promise<MemberResult>,
): Promise<MemberResult | Denial> {
  const { clock, interrupted, takenOver } = tools;
  let denial: Denial | null = null;
  const permission: Permission = {
    withdrawn: stopped === null ? takenOver : AbortSignal.any([takenOver, stopped]),
    ask: async () => {
      const proven = await tools.proveOwn();
      denial = denialOf(tools, stopped, stopped === null ? ok(undefined) : proven);
      return denial?.message ?? null;
    },
  };
  const giveUpAt = clock.monotonic() + busyLimitMs;
  for (let waitMs = firstBusyWaitMs; ; waitMs *= 2) {
    const ended = await run(permission);
    const { outcome } = ended.outcome;
    if (outcome === 'refused' && denial !== null) return denial;
    if (outcome !== 'busy') return ended;
    if (permission.withdrawn.aborted) return takenOver.aborted ? takenOverDenial : stoppedDenial;
    if (clock.monotonic() + waitMs > giveUpAt || interrupted.aborted) return ended;
    await clock.sleep(waitMs, AbortSignal.any([interrupted, permission.withdrawn]));
    await tools.renew();
    const late = denialOf(tools, stopped, ok(undefined));
    if (late !== null) return late;
  }
}

async function revertOne(member: MemberRecord, tools: RolloutTools, record: Record): Promise<void> {
  const { id, changedAt } = member;
  const run = tools.newRunId();
  await record({ type: 'revert-begun', id, run });
  const ended =
    denialOf(tools, null, ok(undefined)) ??
    (await runUnlessBusy(tools, null, (permission) => tools.revertMember(member, run, permission)));
  // A signal undid the rollback, or it did not begin: whoever goes on with the rollout tries it again.
  const isUndone = 'state' in ended ? ended.state === 'pending' : ended.outcome.outcome === 'interrupted';
  if (isUndone) {
    const kept = { run: member.run ?? '', state: 'kept', outcome: 'kept', message: '', ms: member.ms ?? 0 } as const;
    await record({ type: 'member-ended', id, ...kept });
    return;
  }
  const outcome = 'state' in ended ? 'refused' : ended.outcome.outcome;
  const isBack = outcome === 'kept';
  await record({
    type: 'revert-ended',
    id,
    run,
    state: isBack ? 'reverted' : 'revert-failed',
    outcome,
    message: ended.message,
    lostMs: isBack && changedAt !== null ? Math.max(0, tools.clock.now() - changedAt) : null,
  });
}
