import type { Outcome } from '../../event.ts';
import type { Snapshot } from '../../platform/platform.ts';
import { err, ok, type Result } from '../../result.ts';
import { inFlightName, leaseOf } from './in-flight.ts';
import { currentLockHolder } from './lock-holder.ts';
import type { Plan } from '../plan.ts';
import { refusedBecause } from '../refusal.ts';
import type { RunTools } from '../tools.ts';

/** How long a run that has lost may take to remove its restore point, in milliseconds, counted for each one by itself. */
export const contentionWaitMs = 30_000;

const pollMs = 100;

/** Ok when no restore point is in flight, else who has it. */
export async function requireNoRestorePointInFlight(plan: Plan, tools: RunTools): Promise<Result<void, Outcome>> {
  const seen = await inFlight(plan, tools);
  if (!seen.ok) return seen;
  return seen.value === null ? ok(undefined) : err(await currentLockHolder(plan.instance, tools));
}

/**
 * Waits until no restore point is in flight. To be called by a run whose key is on the instance: whoever has the name
 * meanwhile loses by that key and goes. As long as another one is there each time, somebody makes way: if this run gave
 * up on all of them together, it and they could all lose to each other.
 */
export async function waitForOtherClaims(plan: Plan, tools: RunTools): Promise<Result<void, Outcome>> {
  const { clock } = tools;
  let lease: number | null = null;
  let giveUpAt = clock.monotonic() + contentionWaitMs;
  for (;;) {
    const seen = await inFlight(plan, tools);
    if (!seen.ok) return seen;
    if (seen.value === null) return ok(undefined);
    const base = leaseOf(seen.value.expiresAt)?.base ?? null;
    if (base !== lease) giveUpAt = clock.monotonic() + contentionWaitMs;
    lease = base;
    const holder = await currentLockHolder(plan.instance, tools);
    if (holder.outcome !== 'busy' || clock.monotonic() >= giveUpAt) return err(holder);
    await clock.sleep(pollMs);
  }
}

async function inFlight(plan: Plan, { platform }: RunTools): Promise<Result<Snapshot | null, Outcome>> {
  const snapshot = await platform.getSnapshot(plan.instance, inFlightName);
  if (snapshot.ok) return snapshot;
  return snapshot.error.kind === 'not-found' ? ok(null) : err(refusedBecause(snapshot.error));
}
