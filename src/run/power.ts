import { waitUntilAskable } from '../health/ready.ts';
import { type PlatformFailure, describeFailure } from '../platform/failure.ts';
import { err, ok, type Result } from '../result.ts';
import { retryTransient } from '../platform/retry.ts';
import type { Limits } from './plan.ts';
import type { RunTools } from './tools.ts';

type PowerTools = Pick<RunTools, 'platform' | 'clock'>;

/**
 * Stops the instance: at once, or first gracefully within `limits.stopMs`. A graceful stop that does not end in time is
 * always followed by force: its lock would block everything after it (docs/internals/incus.md, Graceful stop). One that is stopped is a success.
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

/** Starts the instance, and again if a restarting daemon or a full pool was in the way. One that runs is a success. */
export function start(tools: PowerTools, instance: string, limits: Limits): Promise<Result<void, PlatformFailure>> {
  return retryTransient(tools.platform, limits.restoreMs).startInstance(instance, { limitMs: limits.readyMs });
}

/** Starts the instance and waits until it can be asked; a failure is one sentence. */
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

/** Restarts the instance as an administrator would, so that what only breaks at the next boot shows now. */
export async function restart(tools: PowerTools, instance: string, limits: Limits): Promise<void> {
  await stop(tools, instance, limits, true);
  // Whether it came back is for the watch to see.
  await bringUp(tools, instance, limits);
}

/** Gives an instance that was stopped before the run back as it was. */
export async function returnToStopped(tools: PowerTools, instance: string, limits: Limits): Promise<void> {
  await stop(tools, instance, limits, true);
}
