import { retryTransient } from '../platform/retry.ts';
import type { Plan } from './plan.ts';
import type { RunTools } from './tools.ts';

/**
 * Resumes a frozen instance. Some drivers freeze it while they copy it for the restore point, and a daemon that is killed
 * meanwhile leaves it frozen. A run never starts with a frozen instance.
 */
export async function thaw(
  { platform, recorder }: Pick<RunTools, 'platform' | 'recorder'>,
  { instance, limits }: Pick<Plan, 'instance' | 'limits'>,
  status: string,
): Promise<void> {
  if (status !== 'Frozen') return;
  const { thawInstance } = retryTransient(platform, limits.readyMs);
  const thawed = await thawInstance(instance, { limitMs: limits.readyMs });
  if (thawed.ok)
    await recorder.record({
      type: 'notice',
      level: 'warning',
      message: `${instance} was still frozen for its restore point. guard resumed it.`,
    });
}
