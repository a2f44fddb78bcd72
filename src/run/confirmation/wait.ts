import { deadlineAfter, remainingMs, type Deadline } from '../../deadline.ts';
import { inPhase } from '../recorder.ts';
import type { ConfirmationPlan, Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';
import { readMarker } from '../lock/marker.ts';
import { describeFailure } from '../../platform/failure.ts';
import { isSettledByOther, type Confirmation, type ConfirmationAction } from '../lock/confirmation.ts';
import { mayBeSettledLater, requestOnInstance, settleOnInstance, type SettlementTools } from './settlement.ts';

/** How the wait ended. `left`: it goes on without this process. `taken-over`: another guard has taken over the run. */
export type ConfirmationEnd = 'confirmed' | 'refused' | 'expired' | 'left' | 'taken-over';

/** How often the instance is read, and how often `--confirm-by` runs, in milliseconds. */
const readMs = 1000;
const tryMs = 5000;

/** How often what another guard does is looked at after the deadline, in milliseconds. */
const overdueMs = 250;

/** When the people inside are told, in milliseconds before the deadline. */
const warningMs = 60_000;

/** Lets a healthy change wait for its confirmation. The deadline is durable, and on the instance, before anything waits. */
export async function awaitConfirmation(
  plan: Plan & { readonly confirmation: ConfirmationPlan },
  tools: RunTools,
): Promise<{ readonly end: ConfirmationEnd; readonly deadline: Deadline }> {
  const { confirmation } = tools;
  await confirmation.ready(tools.interruption.signal);
  const deadline = deadlineAfter(confirmation.readClocks(), plan.confirmation.ms);
  const { keep, expiresMs } = plan.restorePoint;
  const { by } = plan.confirmation;
  await tools.recorder.record({ type: 'confirmation-requested', deadline, by, retention: { keep, expiresMs } });
  const armed = await confirmation.arm(plan.run);
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
    () => waitHere(plan, tools, deadline),
    ({ end }) => ({ ok: end === 'confirmed' || end === 'left', message: end }),
  );
  if (waited.end === 'confirmed' || waited.end === 'refused' || waited.end === 'expired')
    await tools.recorder.record({ type: 'confirmation-settled', state: waited.end });
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

async function waitHere(
  plan: Plan & { readonly confirmation: ConfirmationPlan },
  tools: RunTools,
  first: Deadline,
): Promise<{ readonly end: ConfirmationEnd; readonly deadline: Deadline }> {
  const over = new AbortController();
  let deadline = first;
  const wishes = collectWishes(plan, tools, () => deadline, over.signal);
  let warned = false;
  try {
    for (;;) {
      if (tools.interruption.by() !== null) return { end: 'left', deadline };
      const left = remainingMs(deadline, tools.confirmation.readClocks());
      if (left <= warningMs && !warned && plan.confirmation.ms > warningMs) {
        warned = true;
        void tools.confirmation.warnUsers(deadline);
      }
      const wish = left <= 0 ? ({ kind: 'expire' } as const) : wishes.next();
      if (wish === 'leave') return { end: 'left', deadline };
      const now = wish === null ? await readConfirmation(plan, tools) : await act(plan, tools, wish);
      if (now === 'gone') return { end: 'taken-over', deadline };
      // Nobody can confirm it either where the instance cannot be written, and a rollback needs less.
      if (now === 'unwritable' && left <= 0) return { end: 'expired', deadline };
      if (typeof now !== 'string') {
        if (now.deadline.at !== deadline.at) {
          ({ deadline } = now);
          await tools.recorder.record({ type: 'confirmation-extended', deadline });
        }
        // A keeper that found this guard late rolls back by itself: its restore removes the marker.
        if (now.state !== 'waiting' && !(now.state === 'expired' && isSettledByOther(now, tools)))
          return { end: now.state, deadline };
      }
      await tools.clock.sleep(left > 0 ? Math.min(readMs, Math.max(50, left)) : overdueMs, wishes.signal());
    }
  } finally {
    over.abort();
  }
}

/** What the instance says: `gone` where the run is another guard's by now. */
type Seen = Confirmation | 'gone' | 'unknown';

/** The confirmation after an action, by whoever did it. `unwritable`: the server refuses to write it. */
async function act(plan: Plan, tools: RunTools, action: ConfirmationAction): Promise<Seen | 'unwritable'> {
  const settled = await settleOnInstance(settlementTools(tools), plan.instance, plan.run, action);
  if (settled.ok) return settled.value;
  if (mayBeSettledLater(settled.error)) return 'unknown';
  return settled.error.kind === 'platform' ? 'unwritable' : readConfirmation(plan, tools);
}

function settlementTools(tools: RunTools): SettlementTools {
  return { ...tools, readClocks: tools.confirmation.readClocks };
}

async function readConfirmation(plan: Plan, { platform }: RunTools): Promise<Seen> {
  const seen = await platform.getInstance(plan.instance);
  if (!seen.ok) return seen.error.kind === 'not-found' ? 'gone' : 'unknown';
  const marker = readMarker(seen.value);
  return (marker?.run === plan.run ? marker.confirmation : undefined) ?? 'gone';
}

/** What the person at the terminal and `--confirm-by` want, one after the other. */
function collectWishes(
  plan: Plan & { readonly confirmation: ConfirmationPlan },
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
