import type { Outcome } from '../../event.ts';
import type { Snapshot } from '../../platform/platform.ts';
import { err, ok, type Result } from '../../result.ts';
import { inFlightName, leaseOf } from './in-flight.ts';
import { currentLockHolder } from './lock-holder.ts';
import type { Plan } from '../plan.ts';
import { refusedBecause } from '../refusal.ts';
import type { RunTools } from '../tools.ts';

/** How long a run that lost may take to remove its restore point, in milliseconds, for each such run. */
export const contentionWaitMs = 30_000;

const pollMs = 100;

/** Ok if no restore point is in flight; otherwise describes its holder. */
export async function requireNoRestorePointInFlight(plan: Plan, tools: RunTools): Promise<Result<void, Outcome>> {
  const seen = await inFlight(plan, tools);
  if (!seen.ok) return seen;
  return seen.value === null ? ok(undefined) : err(await currentLockHolder(plan.instance, tools, plan.limits.lockMs));
}

/**
 * Waits until no restore point is in flight. Called by a run whose marker is on the instance: another run that has the name
 * loses because of that marker and removes its restore point. The limit counts for each of them, since with one limit for
 * all of them every run could lose.
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
    const holder = await currentLockHolder(plan.instance, tools, plan.limits.lockMs);
    if (holder.outcome !== 'busy' || clock.monotonic() >= giveUpAt) return err(holder);
    await clock.sleep(pollMs);
  }
}

async function inFlight(plan: Plan, { platform }: RunTools): Promise<Result<Snapshot | null, Outcome>> {
  const snapshot = await platform.getSnapshot(plan.instance, inFlightName);
  if (snapshot.ok) return snapshot;
  return snapshot.error.kind === 'not-found' ? ok(null) : err(refusedBecause(snapshot.error));
}
