import { retryTransient } from './retry.ts';
import type { Plan } from './plan.ts';
import type { RunTools } from './tools.ts';

/**
 * Resumes a frozen instance. Some drivers freeze it while they copy it for the restore point, and a daemon that is killed
 * meanwhile leaves it frozen. A run never starts with a frozen instance.
 */
export async function thaw(
  { platform, clock, recorder }: Pick<RunTools, 'platform' | 'clock' | 'recorder'>,
  { instance, limits }: Pick<Plan, 'instance' | 'limits'>,
  status: string,
): Promise<void> {
  if (status !== 'Frozen') return;
  const thawed = await retryTransient(clock, limits.readyMs, () =>
    platform.thawInstance(instance, { limitMs: limits.readyMs }),
  );
  if (thawed.ok)
    await recorder.record({
      type: 'notice',
      level: 'warning',
      message: `${instance} was still frozen for its restore point. guard resumed it.`,
    });
}
