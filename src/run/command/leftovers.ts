import script from '../../guest/end-processes.sh?raw';
import type { Plan } from '../plan.ts';
import type { RunTools } from '../tools.ts';

const limitMs = 10_000;

/**
 * Ends processes that a command left running: a cancelled exec kills only its direct child (docs/internals/incus.md, Exec).
 * Every process of the run has the id of the run in its environment.
 */
export async function endLeftovers(
  plan: Pick<Plan, 'instance' | 'run'>,
  tools: Pick<RunTools, 'platform'>,
): Promise<void> {
  return endProcessesWith(tools, plan.instance, `GUARD_RUN=${plan.run}`);
}

/** Kills every process in the instance that has `NAME=value` in its environment. */
export async function endProcessesWith(
  tools: Pick<RunTools, 'platform'>,
  instance: string,
  variable: string,
): Promise<void> {
  await tools.platform.query(instance, {
    command: ['sh', '-c', script, 'guard', variable],
    limitMs,
    maxBytes: 4096,
  });
}
