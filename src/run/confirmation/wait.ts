import { deadlineAfter, remainingMs, type Deadline } from '../../deadline.ts';
import { inPhase } from '../recorder.ts';
import type { ConfirmationPlan, Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';
import { readMarker } from '../lock/marker.ts';
import type { Confirmation, ConfirmationAction } from './confirmation.ts';
import { requestOnInstance, settleOnInstance } from './settlement.ts';

/** How the wait ended. `left`: it goes on without this process. `taken-over`: another guard has the run. */
export type ConfirmationEnd = 'confirmed' | 'refused' | 'expired' | 'left' | 'taken-over';

/** How often the instance is read, and how often `--confirm-by` runs, in milliseconds. */
const readMs = 1000;
const tryMs = 5000;

/** When the people inside are told, in milliseconds before the deadline. */
const warningMs = 60_000;

/** Lets a healthy change wait for its confirmation. The deadline is durable, and on the instance, before anything waits. */
export async function awaitConfirmation(
  plan: Plan & { readonly confirmation: ConfirmationPlan },
  tools: RunTools,
): Promise<{ readonly end: ConfirmationEnd; readonly deadline: Deadline }> {
  const { confirmation } = tools;
  const deadline = deadlineAfter(confirmation.readClocks(), plan.confirmation.ms);
  await tools.recorder.record({ type: 'confirmation-requested', deadline, by: plan.confirmation.by });
  const armed = await confirmation.arm(plan.run);
  if (!armed.ok) {
    await tools.recorder.record({ type: 'notice', level: 'warning', message: armed.error });
    return { end: 'expired', deadline };
  }
  const requested = await requestOnInstance(tools, plan.instance, plan.run, { state: 'waiting', deadline });
  if (!requested.ok) return { end: 'expired', deadline };
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

async function waitHere(
  plan: Plan & { readonly confirmation: ConfirmationPlan },
  tools: RunTools,
  first: Deadline,
): Promise<{ readonly end: ConfirmationEnd; readonly deadline: Deadline }> {
  const over = new AbortController();
  const wishes = collectWishes(plan, tools, first, over.signal);
  let deadline = first;
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
      if (now === null) return { end: 'taken-over', deadline };
      if (now !== 'unknown') {
        if (now.deadline.at !== deadline.at) {
          ({ deadline } = now);
          await tools.recorder.record({ type: 'confirmation-extended', deadline });
        }
        if (now.state !== 'waiting') return { end: now.state, deadline };
      }
      await tools.clock.sleep(Math.min(readMs, Math.max(50, left)), wishes.signal());
    }
  } finally {
    over.abort();
  }
}

/** The confirmation after an action, by whoever did it; null where the run is another guard's by now. */
async function act(plan: Plan, tools: RunTools, action: ConfirmationAction): Promise<Confirmation | null | 'unknown'> {
  const settled = await settleOnInstance(
    { ...tools, readClocks: tools.confirmation.readClocks },
    plan.instance,
    plan.run,
    action,
  );
  if (settled.ok) return settled.value;
  return settled.error.kind === 'platform' ? 'unknown' : readConfirmation(plan, tools);
}

async function readConfirmation(plan: Plan, { platform }: RunTools): Promise<Confirmation | null | 'unknown'> {
  const seen = await platform.getInstance(plan.instance);
  if (!seen.ok) return seen.error.kind === 'not-found' ? null : 'unknown';
  const marker = readMarker(seen.value);
  return marker?.run === plan.run ? (marker.confirmation ?? null) : null;
}

/** What the person at the terminal and `--confirm-by` want, one after the other. */
function collectWishes(
  plan: Plan & { readonly confirmation: ConfirmationPlan },
  tools: RunTools,
  deadline: Deadline,
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
