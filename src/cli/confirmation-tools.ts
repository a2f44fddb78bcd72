import { resolve } from 'node:path';
import { userNoticesFor } from '../agent/user-notices.ts';
import { runOnHost } from '../health/checks/kinds/host-process.ts';
import type { Outcome } from '../event.ts';
import { remainingMs } from '../deadline.ts';
import { readClocks } from '../journal/boot-clock.ts';
import { currentHolder, inspectHolder } from '../journal/holder.ts';
import { readRun, type RunRecord } from '../journal/runs.ts';
import type { WaitingNote } from '../journal/waiting-runs.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import type { Platform } from '../platform/platform.ts';
import { askToConfirm } from '../report/confirm-prompt.ts';
import { readMarker } from '../run/lock/marker.ts';
import type { ConfirmationTools } from '../run/tools.ts';
import { stateDirectoryOf, type Context } from './context.ts';
import { armDeadline } from './deadline-keeper.ts';

/** How long one try of `--confirm-by` may take, in milliseconds. */
const tryLimitMs = 60_000;

/** What a run that waits for its confirmation needs of this machine. */
export function confirmationTools(
  context: Context,
  reached: Pick<InstanceConnection, 'platform' | 'instance' | 'project' | 'remote'>,
  { isAttended, config }: { readonly isAttended: boolean; readonly config: string | null },
): ConfirmationTools {
  const { clock, stdin, stderr } = context;
  const clocks = () => readClocks(clock.now);
  return {
    readClocks: clocks,
    ready: async () => {},
    arm: async (run, deadline) => {
      const record = await readRun(stateDirectoryOf(context), run);
      return armDeadline(context, run, { ...waitingNote(context, reached, config), ...identityOf(record), deadline });
    },
    ask: isAttended
      ? (deadline, over) => askToConfirm({ stdin, stderr }, { clock, readClocks: clocks }, deadline, over)
      : null,
    tryCommand: (words, signal) => tryConfirmCommand(context, reached, words, signal),
    outcomeOf: (run) => outcomeOf(context, reached, run),
    tellUsers: (text) => userNoticesFor(reached.platform, reached.instance).warn(text),
  };
}

/** Where a keeper finds the run and its configuration. */
export function waitingNote(
  { workingDirectory }: Pick<Context, 'workingDirectory'>,
  { instance, project, remote }: Pick<InstanceConnection, 'instance' | 'project' | 'remote'>,
  config: string | null,
): Omit<WaitingNote, 'deadline' | 'uuid' | 'createdAt'> {
  return {
    instance,
    project,
    remote,
    config: config === null ? null : resolve(workingDirectory, config),
    workingDirectory,
  };
}

/** Which instance and which restore point a record is about. */
export function identityOf(record: RunRecord | null): Pick<WaitingNote, 'uuid' | 'createdAt'> {
  return { uuid: record?.started?.uuid ?? null, createdAt: record?.restorePoint?.createdAt ?? null };
}

/** How long another guard that shows no sign of life may take to finish a run, in milliseconds. */
const finishMs = 60_000;

/** A guard that works on the run is waited for, however long its rollback takes. */
async function outcomeOf(
  context: Context,
  { platform, instance }: { readonly platform: Platform; readonly instance: string },
  run: string,
): Promise<Outcome | null> {
  const { clock } = context;
  let giveUpAt = clock.monotonic() + finishMs;
  while (clock.monotonic() < giveUpAt) {
    const record = await readRun(stateDirectoryOf(context), run);
    if (record?.ended != null && record.ended.outcome.outcome !== 'waiting') return record.ended.outcome;
    const seen = await platform.getInstance(instance);
    const marker = seen.ok ? readMarker(seen.value) : null;
    if (marker?.run === run && marker.confirmation?.state === 'waiting') {
      const { deadline } = marker.confirmation;
      if (remainingMs(deadline, readClocks(clock.now)) > 0) return { outcome: 'waiting', deadline: deadline.at };
    }
    const worker = record?.leaseHolder ?? null;
    const isWorking = worker !== null && worker.id !== currentHolder().id && inspectHolder(worker) === 'alive';
    if (isWorking) giveUpAt = clock.monotonic() + finishMs;
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
