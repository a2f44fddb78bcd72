import { describeFailure, type PlatformFailure } from '../../platform/failure.ts';
import type { Result } from '../../result.ts';
import type { Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';

/**
 * Keeps the failed state as a separate instance for analysis: stopped, with no device but its root disk, and not
 * started at boot. guard never removes it, because it has no code that removes instances. Where it cannot be made, that is
 * told and the rollback goes on.
 */
export async function keepFailed(plan: Plan, tools: Pick<RunTools, 'platform' | 'recorder'>): Promise<void> {
  if (!plan.keepFailed) return;
  const name = nameOfCopy(plan);
  const made = await makeCopy(plan, tools, name);
  const remove = tools.platform.commands.removeInstance({ ...plan, instance: name });
  await tools.recorder.record({
    type: 'notice',
    level: made.ok ? 'info' : 'warning',
    message: made.ok
      ? `The failed state is kept as the instance "${name}": stopped, without network. \`${remove}\` removes it.`
      : `The failed state could not be kept as a copy. ${describeFailure(made.error)}`,
  });
}

function makeCopy(
  plan: Plan,
  { platform }: Pick<RunTools, 'platform'>,
  name: string,
): Promise<Result<void, PlatformFailure>> {
  const description = `Failed state of ${plan.instance} after run ${plan.run} of guard`;
  const copy = { name, description, detached: true } as const;
  return platform.copyInstance(plan.instance, copy, { limitMs: plan.limits.snapshotMs });
}

/** The longest name that Incus allows. */
const longestName = 63;

function nameOfCopy({ instance, run }: Plan): string {
  const end = `-failed-${run}`;
  return `${instance.slice(0, longestName - end.length)}${end}`;
}
