import { deadlineAfter, remainingMs, type Deadline } from '../../deadline.ts';
import { inPhase } from '../recorder.ts';
import type { ConfirmationPlan, Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';
import type { Holder, RestorePoint } from '../../event.ts';
import type { RunMarker } from '../lock/marker.ts';
import type { LeaseHandle } from '../lock/lease.ts';
import { describeFailure } from '../../platform/failure.ts';
import { formatTime } from '../../time.ts';
import { isSettledByOther, type Confirmation, type ConfirmationAction } from '../lock/confirmation.ts';
import { confirmedMessage, warningOf } from './warning.ts';
import { describeWaitProblem, type KnownWait, type WaitProblem } from './known-wait.ts';
import {
  mayBeSettledLater,
  readWait,
  requestOnInstance,
  settleOnInstance,
  type SettlementTools,
} from './settlement.ts';

/**
 * How the wait ended. `left`: it goes on without this process. `missing`: it goes on, and the instance has another name or is
 * gone. `taken-over`: another guard has taken over the run.
 */
export type ConfirmationEnd = 'confirmed' | 'refused' | 'expired' | 'left' | 'missing' | 'taken-over';

/** How often the instance is read, and how often `--confirm-by` runs, in milliseconds. */
const readMs = 1000;
const tryMs = 5000;

/** After the deadline: how often this guard checks what another guard does, in milliseconds. */
const overdueMs = 250;

/** A plan whose change waits for a confirmation. */
type ConfirmedPlan = Plan & { readonly confirmation: ConfirmationPlan };

/** The instance that the run holds while its change waits. */
interface HeldInstance {
  readonly restorePoint: Pick<RestorePoint, 'createdAt'>;
  readonly lease: LeaseHandle;
  readonly inspected: { readonly wasRunning: boolean };
}

/** How long one attempt to store an answer may take, in milliseconds: it is repeated, and meanwhile nobody is told anything. */
const answerMs = 2000;

/** Lets a healthy change wait for its confirmation. The deadline is durable, and on the instance, before anything waits. */
export async function awaitConfirmation(
  plan: ConfirmedPlan,
  tools: RunTools,
  prepared: HeldInstance,
): Promise<{ readonly end: ConfirmationEnd; readonly deadline: Deadline }> {
  const { confirmation } = tools;
  await confirmation.ready(tools.interruption.signal);
  const deadline = deadlineAfter(confirmation.readClocks(), plan.confirmation.ms);
  const { keep, expiresMs } = plan.restorePoint;
  const { by } = plan.confirmation;
  await tools.recorder.record({ type: 'confirmation-requested', deadline, by, retention: { keep, expiresMs } });
  const armed = await confirmation.arm(plan.run, deadline);
  if (!armed.ok) return { end: await withdraw(plan, tools, armed.error), deadline };
  const requested = await requestOnInstance(tools, plan.instance, plan.run, {
    state: 'waiting',
    deadline,
    retention: { keep, expiresMs },
  });
  if (!requested.ok) {
    const { error } = requested;
    const detail = error.kind === 'platform' ? describeFailure(error.failure) : 'another guard has taken over the run.';
    return { end: await withdraw(plan, tools, `The instance could not be marked as waiting: ${detail}`), deadline };
  }
  if (plan.confirmation.detach) return { end: 'left', deadline };
  const waited = await inPhase(
    tools,
    'confirm',
    () => waitHere(plan, tools, prepared, deadline),
    ({ end }) => ({ ok: end === 'confirmed' || end === 'left', message: end }),
  );
  const { end, by: settledBy } = waited;
  if (end === 'confirmed' || end === 'refused' || end === 'expired')
    await tools.recorder.record({
      type: 'confirmation-settled',
      state: end,
      ...(settledBy === undefined ? {} : { by: settledBy }),
    });
  return waited;
}

/**
 * Nobody would keep the deadline, so the change does not wait. The request may have arrived without an answer, and somebody may
 * have confirmed it since: the marker decides.
 */
async function withdraw(plan: Plan, tools: RunTools, message: string): Promise<ConfirmationEnd> {
  await tools.recorder.record({ type: 'notice', level: 'warning', message });
  const settled = await settleOnInstance(settlementTools(tools), plan.instance, plan.run, { kind: 'refuse' });
  return !settled.ok && settled.error.kind === 'conflict' && settled.error.conflict === 'confirmed'
    ? 'confirmed'
    : 'expired';
}

interface Waited {
  readonly end: ConfirmationEnd;
  readonly deadline: Deadline;
  /** Who settled it, where it is settled on the instance. */
  readonly by?: Holder | undefined;
}

async function waitHere(
  plan: ConfirmedPlan,
  tools: RunTools,
  prepared: HeldInstance,
  first: Deadline,
): Promise<Waited> {
  const over = new AbortController();
  let deadline = first;
  const wishes = collectWishes(plan, tools, () => deadline, over.signal);
  const knownNow = (): KnownWait => knownHere(plan, tools, prepared, deadline);
  const tellOnce = tellerOf(tools);
  let wanted: ConfirmationAction | 'leave' | null = null;
  let warnedOf: Deadline | null = null;
  try {
    for (;;) {
      if (tools.interruption.by() !== null) return { end: 'left', deadline };
      const left = remainingMs(deadline, tools.confirmation.readClocks());
      warnedOf = warnUsers(tools, left, deadline, warnedOf);
      wanted ??= wishes.next();
      const action = left > 0 ? wanted : ({ kind: 'expire' } as const);
      if (action === 'leave') return { end: 'left', deadline };
      const now = await look(plan, tools, knownNow(), action);
      if (now === 'missing') return leaveMissing(plan, tools, deadline);
      if (now === 'gone') return { end: 'taken-over', deadline };
      // Nobody can confirm it either where the instance cannot be written, and a rollback needs less.
      if (now === 'unwritable' && left <= 0) return { end: 'expired', deadline };
      if (now === 'unknown' || now === 'unwritable') {
        // What somebody wants stays wanted until it is stored, or the deadline comes first.
        if (action !== null && left > 0) await tellOnce('unstored', describeUnstored(now, deadline));
      } else {
        wanted = null;
        const { problem, confirmation } = now;
        if (confirmation.deadline.at !== deadline.at) {
          ({ deadline } = confirmation);
          await tools.recorder.record({ type: 'confirmation-extended', deadline });
        }
        if (problem !== null) await tellOnce(problem, describeWaitProblem(problem, { ...plan, deadline }));
        if (isOver(confirmation, tools)) {
          if (warnedOf !== null) tellConfirmed(tools, confirmation);
          return { end: confirmation.state, deadline, by: confirmation.settledBy };
        }
      }
      await tools.clock.sleep(left > 0 ? Math.min(readMs, Math.max(50, left)) : overdueMs, wishes.signal());
    }
  } finally {
    over.abort();
  }
}

/** Tells the people inside what they have to know now. Returns the deadline that they expect from now on. */
function warnUsers(
  { confirmation }: RunTools,
  leftMs: number,
  deadline: Deadline,
  before: Deadline | null,
): Deadline | null {
  const { text, warnedOf } = warningOf(leftMs, deadline, before);
  if (text !== null) void confirmation.tellUsers(text);
  return warnedOf;
}

/** Whoever confirms the change tells those who were warned. */
function tellConfirmed(tools: RunTools, confirmation: Confirmation): void {
  if (confirmation.state === 'confirmed' && !isSettledByOther(confirmation, tools))
    void tools.confirmation.tellUsers(confirmedMessage);
}

/** A keeper that found this guard late rolls back by itself: its restore removes the marker. */
function isOver(
  confirmation: Confirmation,
  tools: RunTools,
): confirmation is Confirmation & { readonly state: Exclude<Confirmation['state'], 'waiting'> } {
  const { state } = confirmation;
  return state !== 'waiting' && !(state === 'expired' && isSettledByOther(confirmation, tools));
}

/** Says each thing once. */
function tellerOf({ recorder }: RunTools): (about: string, message: string) => Promise<void> {
  const told = new Set<string>();
  return async (about, message) => {
    if (told.has(about)) return;
    told.add(about);
    await recorder.record({ type: 'notice', level: 'warning', message });
  };
}

function describeUnstored(why: 'unknown' | 'unwritable', deadline: Deadline): string {
  const what = why === 'unknown' ? 'The server does not answer' : 'The server refuses to change the instance';
  return `${what}, so the answer is not stored yet. guard repeats it until the deadline, ${formatTime(deadline.at)}.`;
}

/** The keeper finds the instance under another name: this guard would go on with the old one. */
async function leaveMissing({ instance }: Plan, { recorder }: RunTools, deadline: Deadline): Promise<Waited> {
  await recorder.record({
    type: 'notice',
    level: 'warning',
    message: `Somebody renamed or deleted ${instance} while its change waits. The deadline stays, and the keeper follows a renamed instance.`,
  });
  return { end: 'missing', deadline };
}

/** What this run wrote, and may write again. */
function knownHere(plan: Plan, { holder, clock }: RunTools, prepared: HeldInstance, deadline: Deadline): KnownWait {
  const { restorePoint, lease, inspected } = prepared;
  const { keep, expiresMs } = plan.restorePoint;
  const { leaseMs } = plan.limits;
  const marker: RunMarker = {
    v: 1,
    run: plan.run,
    holder,
    wasRunning: inspected.wasRunning,
    restorePointName: plan.restorePoint.name,
    leaseMs,
    at: clock.now(),
    confirmation: { state: 'waiting', deadline, retention: { keep, expiresMs } },
  };
  return { run: plan.run, deadline, createdAt: restorePoint.createdAt, lease: lease.lease.base, leaseMs, marker };
}

/**
 * What the instance says: `gone` where the run is another guard's by now, `missing` where there is no instance of that name,
 * `unwritable` where the server refuses to write an answer.
 */
type Seen =
  | { readonly confirmation: Confirmation; readonly problem: WaitProblem | null }
  | 'gone'
  | 'missing'
  | 'unknown'
  | 'unwritable';

/** The present state of the confirmation, after the action if there was one. */
function look(plan: Plan, tools: RunTools, known: KnownWait, action: ConfirmationAction | null): Promise<Seen> {
  return action === null ? read(plan, tools, known) : act(plan, tools, known, action);
}

/** The confirmation after an action, by whoever did it. */
async function act(plan: Plan, tools: RunTools, known: KnownWait, action: ConfirmationAction): Promise<Seen> {
  const patienceMs = answerMs;
  const settled = await settleOnInstance(settlementTools(tools), plan.instance, plan.run, action, {
    known,
    patienceMs,
  });
  if (settled.ok) return { confirmation: settled.value, problem: null };
  if (mayBeSettledLater(settled.error)) return 'unknown';
  if (settled.error.kind !== 'platform') return read(plan, tools, known);
  return settled.error.failure.kind === 'not-found' ? 'missing' : 'unwritable';
}

function settlementTools(tools: RunTools): SettlementTools {
  return { ...tools, readClocks: tools.confirmation.readClocks };
}

async function read(plan: Plan, { platform, confirmation }: RunTools, known: KnownWait): Promise<Seen> {
  const seen = await readWait(platform, plan.instance, plan.run, known, confirmation.readClocks);
  if (!seen.ok) return seen.error.kind === 'not-found' ? 'missing' : 'unknown';
  const { wait } = seen.value;
  if (wait.state === 'none') return 'gone';
  return { confirmation: wait.confirmation, problem: wait.state === 'waiting' ? wait.problem : null };
}

/** What the person at the terminal and `--confirm-by` want, one after the other. */
function collectWishes(
  plan: ConfirmedPlan,
  tools: RunTools,
  deadline: () => Deadline,
  over: AbortSignal,
): { readonly next: () => ConfirmationAction | 'leave' | null; readonly signal: () => AbortSignal } {
  let wish: ConfirmationAction | 'leave' | null = null;
  let came = new AbortController();
  function want(wanted: ConfirmationAction | 'leave'): void {
    wish ??= wanted;
    came.abort();
  }
  tools.interruption.signal.addEventListener('abort', () => came.abort(), { signal: over });
  void tools.confirmation
    .ask?.(deadline, over)
    .then((answer) => (over.aborted ? undefined : want(answer === 'leave' ? 'leave' : { kind: answer })));
  if (plan.confirmation.by !== null) void tryUntil(tools, plan.confirmation.by, over, () => want({ kind: 'confirm' }));
  return {
    next: () => {
      const wanted = wish;
      wish = null;
      if (came.signal.aborted) came = new AbortController();
      return wanted;
    },
    signal: () => came.signal,
  };
}

async function tryUntil(
  { confirmation, clock }: RunTools,
  words: readonly [string, ...string[]],
  over: AbortSignal,
  onSuccess: () => void,
): Promise<void> {
  while (!over.aborted) {
    if (await confirmation.tryCommand(words, over)) {
      onSuccess();
      return;
    }
    await clock.sleep(tryMs, over);
  }
}
