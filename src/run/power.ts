import { waitUntilAskable } from '../health/ready.ts';
import { type PlatformFailure, describeFailure } from '../platform/failure.ts';
import { err, ok, type Result } from '../result.ts';
import { retryTransient } from '../platform/retry.ts';
import type { Limits } from './plan.ts';
import type { RunTools } from './tools.ts';

type PowerTools = Pick<RunTools, 'platform' | 'clock'>;

/**
 * Stops the instance by force, or first gracefully within `limits.stopMs`. A graceful stop that times out is
 * always followed by force: its lock would block everything after it (docs/internals/incus.md, Graceful stop). An instance that is already stopped is a success.
 */
export async function stop(
  tools: PowerTools,
  instance: string,
  limits: Limits,
  gracefully: boolean,
): Promise<Result<void, PlatformFailure>> {
  const { platform } = tools;
  const before = gracefully ? await platform.getInstance(instance) : null;
  if (before?.ok && before.value.status === 'Running') {
    const graceful = await platform.stopInstance(instance, { force: false, limitMs: limits.stopMs });
    if (graceful.ok) return graceful;
  }
  return retryTransient(platform, limits.readyMs).stopInstance(instance, { force: true, limitMs: limits.readyMs });
}

/** Starts the instance. Repeats it if the daemon restarts or the pool is full. A running instance is a success. */
export function start(tools: PowerTools, instance: string, limits: Limits): Promise<Result<void, PlatformFailure>> {
  return retryTransient(tools.platform, limits.restoreMs).startInstance(instance, { limitMs: limits.readyMs });
}

/** Starts the instance and waits until commands run in it. A failure is one sentence. */
export async function bringUp(
  tools: PowerTools,
  instance: string,
  limits: Limits,
  families: readonly (4 | 6)[] = [],
): Promise<Result<void, string>> {
  const started = await start(tools, instance, limits);
  if (!started.ok) return err(describeFailure(started.error));
  const ready = await waitUntilAskable(
    { platform: tools.platform, instance, clock: tools.clock },
    { limitMs: limits.readyMs, families },
  );
  return ready.ok ? ok(undefined) : err(ready.error.message);
}

/** Restarts the instance as an administrator would, to find failures that appear only at the next boot. */
export async function restart(tools: PowerTools, instance: string, limits: Limits): Promise<void> {
  await stop(tools, instance, limits, true);
  // The verification finds out whether it came back.
  await bringUp(tools, instance, limits);
}

/** Stops an instance that was stopped before the run. */
export async function returnToStopped(tools: PowerTools, instance: string, limits: Limits): Promise<void> {
  await stop(tools, instance, limits, true);
}
