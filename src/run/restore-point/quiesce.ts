import type { Outcome } from '../../event.ts';
import {
  needsQuiesce,
  type LifecycleCommand,
  type LifecycleMoment,
  type LifecycleCommands,
} from '../../lifecycle-command.ts';
import { describeFailure } from '../../platform/failure.ts';
import { err, ok, type Result } from '../../result.ts';
import { contentionWaitMs, requireNoRestorePointInFlight, waitForOtherClaims } from '../lock/contention.ts';
import { resumeAdvice } from '../manual-recovery.ts';
import { claimForQuiesce } from '../lock/claim.ts';
import { runLifecycleCommands } from '../lifecycle-commands.ts';
import { describeHolder } from '../lock/lock-holder.ts';
import type { Plan } from '../plan.ts';
import { bringUp, stop } from '../power.ts';
import { resumeInstance, removeQuiesceMarker, type QuiesceMarker } from '../lock/quiesce-marker.ts';
import { refused, refusedBecause } from '../refusal.ts';
import type { RunTools } from '../tools.ts';

/** An instance that is quiesced for its restore point. */
export interface QuiesceState {
  /** It was running, so it must be resumed. */
  readonly wasRunning: boolean;
  readonly stopped: boolean;
}

/** Whether the instance must be quiesced for the restore point. A stopped one need not. */
export function mustQuiesce(plan: QuiescePlan, wasRunning: boolean): boolean {
  return wasRunning && (stopsFirst(plan) || needsQuiesce(plan.hooks));
}

type QuiescePlan = Pick<Plan, 'hooks' | 'stopFirst' | 'change'>;

/** A package manager that waits for its restore point would not survive a stop. */
function stopsFirst({ stopFirst, change }: Pick<QuiescePlan, 'stopFirst' | 'change'>): boolean {
  return stopFirst && !change.packageManagerWaits;
}

/**
 * Claims the instance with the key, runs the quiesce commands, and stops the instance if requested.
 * All or nothing: if it returns an outcome, the instance was resumed.
 */
export async function quiesce(
  plan: Plan,
  tools: RunTools,
  stale: readonly string[],
): Promise<Result<QuiesceState, Outcome>> {
  const claimed = await claimInstance(plan, tools, stale);
  if (!claimed.ok) return claimed;
  if (!claimed.value.wasRunning) return ok({ wasRunning: false, stopped: false });
  const prepared = await runLifecycleCommands(plan, tools, 'beforeRestorePoint', {}, tools.interruption.signal);
  if (!prepared.ok) {
    const signal = tools.interruption.by();
    const message = refused(prepared.error, 'Nothing was changed, and the instance was resumed.');
    return err(
      await resumedAfterFailure(plan, tools, false, signal === null ? message : { outcome: 'interrupted', signal }),
    );
  }
  if (!stopsFirst(plan) || tools.interruption.by() !== null) return ok({ wasRunning: true, stopped: false });
  const stopped = await stop(tools, plan.instance, plan.limits, true);
  return stopped.ok
    ? ok({ wasRunning: true, stopped: true })
    : err(await resumedAfterFailure(plan, tools, true, refusedBecause(stopped.error)));
}

/** Starts and resumes the instance. If that fails the key stays, so that `guard recover` repeats it. */
export async function resume(plan: Plan, tools: RunTools, state: QuiesceState): Promise<Result<void, Outcome>> {
  if (!state.wasRunning) return ok(undefined);
  if (state.stopped) {
    const up = await bringUp(tools, plan.instance, plan.limits);
    if (!up.ok)
      return err(
        refused(
          `It was stopped for its restore point and could not be started again: ${up.error}`,
          resumeAdvice(tools.platform.commands, plan),
        ),
      );
  }
  const resumed = await resumeInstance(plan, tools);
  return resumed.ok
    ? resumed
    : err(refused(`${resumed.error} The instance may still be quiesced.`, resumeAdvice(tools.platform.commands, plan)));
}

async function resumedAfterFailure(plan: Plan, tools: RunTools, stopped: boolean, outcome: Outcome): Promise<Outcome> {
  const moved = await resume(plan, tools, { wasRunning: true, stopped });
  if (!moved.ok) return moved.error;
  await abandonQuiesce(plan, tools);
  return outcome;
}

/** Removes the key of a run that takes no restore point. */
export async function abandonQuiesce(plan: Plan, tools: RunTools): Promise<void> {
  const removed = await removeQuiesceMarker(tools.platform, plan.instance, plan.run);
  if (removed.ok) return;
  await tools.recorder.record({ type: 'notice', level: 'warning', message: describeFailure(removed.error) });
}

async function claimInstance(
  plan: Plan,
  tools: RunTools,
  stale: readonly string[],
): Promise<Result<Pick<QuiesceState, 'wasRunning'>, Outcome>> {
  const { platform } = tools;
  const taken = await requireNoRestorePointInFlight(plan, tools);
  if (!taken.ok) return taken;
  const claimed = await claimForQuiesce(platform, plan.instance, quiesceMarkerFor(plan, tools), stale);
  if (!claimed.ok) {
    // It may have been written anyway.
    await abandonQuiesce(plan, tools);
    return err(refusedBecause(claimed.error));
  }
  if (!claimed.value.claimed) return err(describeHolder(tools, claimed.value.holder, plan.limits.lockMs));
  // A run that was faster with its snapshot loses because of the key and ends.
  const gone = await waitForOtherClaims(plan, tools);
  if (gone.ok) return ok({ wasRunning: claimed.value.wasRunning });
  await abandonQuiesce(plan, tools);
  return gone;
}

function quiesceMarkerFor(plan: Plan, { holder }: RunTools): Omit<QuiesceMarker, 'wasRunning'> {
  return {
    v: 1,
    run: plan.run,
    holder,
    limitMs: limitOf(plan),
    resume: (plan.hooks.afterRestorePoint ?? []).filter((hook) => hook.kind === 'exec'),
    alsoOnHost: (plan.hooks.afterRestorePoint ?? []).some((hook) => hook.kind === 'host'),
  };
}

/** The maximum duration by the limits of the run, in milliseconds. */
function limitOf({ hooks, limits, stopFirst, change }: Plan): number {
  return (
    sumOf(hooks, 'beforeRestorePoint') +
    3 * sumOf(hooks, 'afterRestorePoint') +
    limits.snapshotMs +
    (stopsFirst({ stopFirst, change }) ? limits.stopMs + 2 * limits.readyMs : 0) +
    contentionWaitMs
  );
}

function sumOf(hooks: LifecycleCommands, moment: LifecycleMoment): number {
  return (hooks[moment] ?? []).reduce((sum, { timeoutMs }: LifecycleCommand) => sum + timeoutMs, 0);
}
