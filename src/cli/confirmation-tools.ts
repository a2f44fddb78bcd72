import { userNoticesFor } from '../agent/user-notices.ts';
import { runOnHost } from '../health/checks/kinds/host-process.ts';
import { readClocks } from '../journal/boot-clock.ts';
import type { Platform } from '../platform/platform.ts';
import { askToConfirm } from '../report/confirm-prompt.ts';
import { formatTime } from '../report/time.ts';
import type { ConfirmationTools } from '../run/tools.ts';
import type { Context } from './context.ts';
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
    warnUsers: (deadline) =>
      userNoticesFor(reached.platform, reached.instance).warn(
        `guard: a change of this instance was not confirmed. It is rolled back at ${formatTime(deadline.at)}, and every shell ends.`,
      ),
  };
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
