import { userNoticesFor } from '../agent/user-notices.ts';
import { runOnHost } from '../health/checks/kinds/host-process.ts';
import type { Outcome } from '../event.ts';
import { readClocks } from '../journal/boot-clock.ts';
import { readRun } from '../journal/runs.ts';
import type { Platform } from '../platform/platform.ts';
import { askToConfirm } from '../report/confirm-prompt.ts';
import { formatTime } from '../report/time.ts';
import type { ConfirmationTools } from '../run/tools.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { armDeadline } from './deadline-keeper.ts';

/** How long one try of `--confirm-by` may take, in milliseconds. */
const tryLimitMs = 60_000;

/** What a run that waits for its confirmation needs of this machine. */
export function confirmationTools(
  context: Context,
  reached: { readonly platform: Platform; readonly instance: string },
  isAttended: boolean,
): ConfirmationTools {
  const { clock, stdin, stderr } = context;
  const clocks = () => readClocks(clock.now);
  return {
    readClocks: clocks,
    arm: (run) => armDeadline(context, run),
    ask: isAttended
      ? (deadline, over) => askToConfirm({ stdin, stderr }, { clock, readClocks: clocks }, deadline, over)
      : null,
    tryCommand: (words, signal) => tryConfirmCommand(context, reached, words, signal),
    outcomeOf: (run) => outcomeOf(context, run),
    warnUsers: (deadline) =>
      userNoticesFor(reached.platform, reached.instance).warn(
        `guard: a change of this instance was not confirmed. It is rolled back at ${formatTime(deadline.at)}, and every shell ends.`,
      ),
  };
}

/** How long another guard may take to finish a run that it has taken over, in milliseconds. */
const finishMs = 60_000;

async function outcomeOf(context: Context, run: string): Promise<Outcome | null> {
  const { clock } = context;
  const giveUpAt = clock.monotonic() + finishMs;
  while (clock.monotonic() < giveUpAt) {
    const record = await readRun(stateDirectoryOf(context), run);
    if (record?.ended != null && record.ended.outcome.outcome !== 'waiting') return record.ended.outcome;
    await clock.sleep(500);
  }
  return null;
}

/** Whether the user's command on this machine confirms the change. */
export async function tryConfirmCommand(
  { clock }: Pick<Context, 'clock'>,
  { platform, instance }: { readonly platform: Platform; readonly instance: string },
  command: readonly [string, ...string[]],
  signal: AbortSignal,
): Promise<boolean> {
  const limit = new AbortController();
  const cancel = clock.after(tryLimitMs, () => limit.abort());
  const answer = await runOnHost({
    command,
    environment: { GUARD_INSTANCE: instance, GUARD_PROJECT: platform.project },
    clock,
    signal: AbortSignal.any([signal, limit.signal]),
    maxBytes: 4096,
  });
  cancel();
  return answer.ok && answer.value.status === 0 && !limit.signal.aborted;
}
