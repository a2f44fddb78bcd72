import { waitUntilReachable } from '../health/ready.ts';
import { describeFailure, isTransient, type PlatformFailure } from '../platform/failure.ts';
import { err, ok, type Result } from '../result.ts';
import { lossBehind, underLease, type LeaseHandle } from './lock/lease.ts';
import type { Limits } from './plan.ts';
import type { RunTools } from './tools.ts';

/** With the lease of the run, where the instance is its own already: each request is then sent under a proof of it. */
type PowerTools = Pick<RunTools, 'platform' | 'clock'> & { readonly lease?: LeaseHandle | null };

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
  const { platform, lease = null } = tools;
  const before = gracefully ? await platform.getInstance(instance) : null;
  if (before?.ok && before.value.status === 'Running') {
    const limit = { force: false, limitMs: limits.stopMs };
    const graceful = await underLease(tools, lease, 0, () => platform.stopInstance(instance, limit), never);
    if (graceful.ok || lossBehind(graceful.error) !== null) return graceful;
  }
  const force = (): Promise<Result<void, PlatformFailure>> =>
    unlessAlready(
      'Stopped',
      tools,
      instance,
      platform.stopInstance(instance, { force: true, limitMs: limits.readyMs }),
    );
  return underLease(tools, lease, limits.readyMs, force, stopIsWorthRepeating);
}

const never = (): boolean => false;

/**
 * What the server says of an instance that is dying or coming up is different in each state and version; the state itself is
 * not. So after a failure the state decides.
 */
async function unlessAlready(
  state: 'Stopped' | 'Running',
  { platform }: PowerTools,
  instance: string,
  asked: Promise<Result<void, PlatformFailure>>,
): Promise<Result<void, PlatformFailure>> {
  const answer = await asked;
  if (answer.ok) return answer;
  const seen = await platform.getInstance(instance);
  return seen.ok && seen.value.status === state ? ok(undefined) : answer;
}

/** Only what cannot change by itself is final. */
function stopIsWorthRepeating({ kind }: PlatformFailure): boolean {
  return kind !== 'not-found' && kind !== 'forbidden' && kind !== 'restricted' && kind !== 'timed-out';
}

/** Starts the instance. Repeats it if the daemon restarts or the pool is full. A running instance is a success. */
export function start(tools: PowerTools, instance: string, limits: Limits): Promise<Result<void, PlatformFailure>> {
  const { platform, lease = null } = tools;
  return underLease(
    tools,
    lease,
    limits.restoreMs,
    () => unlessAlready('Running', tools, instance, platform.startInstance(instance, { limitMs: limits.readyMs })),
    startIsWorthRepeating,
  );
}

function startIsWorthRepeating(failure: PlatformFailure): boolean {
  return (
    isTransient(failure) ||
    // A full pool becomes usable after a restore, because btrfs frees space late (docs/internals/incus.md, Restore).
    failure.kind === 'no-space' ||
    // A server that has just started retries its networks once a minute.
    failure.kind === 'not-ready'
  );
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
  const ready = await waitUntilReachable(
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
