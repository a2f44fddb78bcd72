import type { Listener } from '../event.ts';
import type { InstanceConnection } from '../platform/incus/remote/reach.ts';
import { failedChanges } from '../journal/history.ts';
import { currentHolder, inspectHolder } from '../journal/holder.ts';
import { openJournal } from '../journal/journal.ts';
import { keptRestorePoints } from '../journal/kept-restore-points.ts';
import type { Permission } from '../permission.ts';
import type { Interruption } from '../run/interruption.ts';
import type { Plan } from '../run/plan.ts';
import { createRecorder } from '../run/recorder.ts';
import type { CommandIo, RunTools } from '../run/tools.ts';
import { confirmationTools } from './confirmation-tools.ts';
import { stateDirectoryOf, type Context } from './context.ts';

/** What a run works with: the records of this host, and whatever is different for each run. */
export function runTools(
  context: Context,
  one: {
    readonly plan: Plan;
    readonly io: CommandIo;
    readonly reached: Pick<InstanceConnection, 'platform' | 'instance' | 'project' | 'remote'>;
    readonly interruption: Interruption;
    readonly listener: Listener;
    readonly person: RunTools['person'];
    /** For a run of a rollout. */
    readonly permission?: Permission;
    /** The guard.yaml of `--config`. */
    readonly config?: string | undefined;
  },
): RunTools {
  const { clock } = context;
  const state = stateDirectoryOf(context);
  return {
    platform: one.reached.platform,
    clock,
    interruption: one.interruption,
    io: one.io,
    holder: currentHolder(),
    inspectHolder,
    keptRestorePoints: (of, wanted) => keptRestorePoints(state, of, wanted),
    failedChanges: (of) => failedChanges(state, of, one.plan.command.words),
    person: one.person,
    ...(one.permission === undefined ? {} : { permission: one.permission }),
    confirmation: confirmationTools(context, one.reached, {
      isAttended: one.person !== null,
      config: one.config ?? null,
    }),
    recorder: createRecorder({
      run: one.plan.run,
      clock,
      openStore: () => openJournal({ stateDirectory: state, run: one.plan.run }),
      listener: one.listener,
    }),
  };
}
