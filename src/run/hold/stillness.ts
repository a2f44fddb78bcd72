import type { Outcome } from '../../event.ts';
import { hasQuiet, type Hook, type HookMoment, type Hooks } from '../../hook-definition.ts';
import { sayFailure } from '../../incus/failure.ts';
import { err, ok, type Result } from '../../result.ts';
import { backOffMs, nobodyInFlight, untilLosersAreGone } from './back-off.ts';
import { letGoAdvice } from '../by-hand.ts';
import { claimQuiet } from './claim.ts';
import { runHooks } from '../hooks.ts';
import { describeHolder } from './occupant.ts';
import type { Plan } from '../plan.ts';
import { bringUp, stop } from '../power.ts';
import { letGo, removeQuiet, type Quiet } from './quiet.ts';
import { refused, refusedBecause } from '../refusal.ts';
import type { RunTools } from '../tools.ts';

/** An instance that is held still for its restore point. */
export interface Still {
  /** It ran, so that there is something to undo. */
  readonly wasRunning: boolean;
  readonly stopped: boolean;
}

/** Whether the restore point is taken of an instance that is held still. One that does not run is at rest. */
export function needsStillness(plan: StillnessPlan, wasRunning: boolean): boolean {
  return wasRunning && (stopsFirst(plan) || hasQuiet(plan.hooks));
}

type StillnessPlan = Pick<Plan, 'hooks' | 'stopFirst' | 'change'>;

/** A package manager that waits inside for its restore point would not outlive a stop. */
function stopsFirst({ stopFirst, change }: Pick<StillnessPlan, 'stopFirst' | 'change'>): boolean {
  return stopFirst && change.kind !== 'transaction';
}

/**
 * Makes the instance this run's by the key, runs what flushes and holds still, and stops the instance if that is wanted.
 * All or nothing: where it ends in an outcome, it was let go again.
 */
export async function beStill(plan: Plan, tools: RunTools, stale: readonly string[]): Promise<Result<Still, Outcome>> {
  const claimed = await claimInstance(plan, tools, stale);
  if (!claimed.ok) return claimed;
  if (!claimed.value.wasRunning) return ok({ wasRunning: false, stopped: false });
  const failure = await runHooks(plan, tools, 'beforeRestorePoint', {}, tools.interruption.signal);
  if (failure !== null) {
    const signal = tools.interruption.by();
    const says = refused(failure, 'Nothing was changed, and what was held still is let go.');
    return err(await undone(plan, tools, false, signal === null ? says : { outcome: 'interrupted', signal }));
  }
  if (!stopsFirst(plan) || tools.interruption.by() !== null) return ok({ wasRunning: true, stopped: false });
  const stopped = await stop(tools, plan.instance, plan.limits, true);
  return stopped.ok
    ? ok({ wasRunning: true, stopped: true })
    : err(await undone(plan, tools, true, refusedBecause(stopped.error)));
}

/** Starts what was stopped, and lets go. Where that fails the key stays, so that `guard recover` does it again. */
export async function moveOn(plan: Plan, tools: RunTools, still: Still): Promise<Result<void, Outcome>> {
  if (!still.wasRunning) return ok(undefined);
  if (still.stopped) {
    const up = await bringUp(tools, plan.instance, plan.limits);
    if (!up.ok)
      return err(refused(`It was stopped for its restore point and did not come back: ${up.error}`, letGoAdvice(plan)));
  }
  const failure = await letGo(plan, tools);
  return failure === null ? ok(undefined) : err(refused(`${failure} It may still be held still.`, letGoAdvice(plan)));
}

async function undone(plan: Plan, tools: RunTools, stopped: boolean, outcome: Outcome): Promise<Outcome> {
  const moved = await moveOn(plan, tools, { wasRunning: true, stopped });
  if (!moved.ok) return moved.error;
  await giveUpQuiet(plan, tools);
  return outcome;
}

/** Removes the key of a run that takes no restore point after all. */
export async function giveUpQuiet(plan: Plan, tools: RunTools): Promise<void> {
  const removed = await removeQuiet(tools.incus, plan.instance, plan.run);
  if (removed.ok) return;
  await tools.recorder.record({ type: 'notice', level: 'warning', says: sayFailure(removed.error) });
}

async function claimInstance(
  plan: Plan,
  tools: RunTools,
  stale: readonly string[],
): Promise<Result<Pick<Still, 'wasRunning'>, Outcome>> {
  const { incus } = tools;
  const taken = await nobodyInFlight(plan, tools);
  if (!taken.ok) return taken;
  const claimed = await claimQuiet(incus, plan.instance, quietFor(plan, tools), stale);
  if (!claimed.ok) {
    // It may have been written all the same.
    await giveUpQuiet(plan, tools);
    return err(refusedBecause(claimed.error));
  }
  if (!claimed.value.claimed) return err(describeHolder(tools, claimed.value.by));
  // A run that was faster with its snapshot loses the mark by the key, and goes.
  const gone = await untilLosersAreGone(plan, tools);
  if (gone.ok) return ok({ wasRunning: claimed.value.wasRunning });
  await giveUpQuiet(plan, tools);
  return gone;
}

function quietFor(plan: Plan, { holder }: RunTools): Omit<Quiet, 'wasRunning'> {
  return {
    v: 1,
    run: plan.run,
    holder,
    limitMs: limitOf(plan),
    letGo: (plan.hooks.afterRestorePoint ?? []).filter((hook) => hook.kind === 'exec'),
    alsoOnHost: (plan.hooks.afterRestorePoint ?? []).some((hook) => hook.kind === 'host'),
  };
}

/** By its own limits a moment of quiet cannot last longer, in milliseconds. */
function limitOf({ hooks, limits, stopFirst, change }: Plan): number {
  return (
    sumOf(hooks, 'beforeRestorePoint') +
    3 * sumOf(hooks, 'afterRestorePoint') +
    limits.snapshotMs +
    (stopsFirst({ stopFirst, change }) ? limits.stopMs + 2 * limits.readyMs : 0) +
    backOffMs
  );
}

function sumOf(hooks: Hooks, moment: HookMoment): number {
  return (hooks[moment] ?? []).reduce((sum, { timeoutMs }: Hook) => sum + timeoutMs, 0);
}
