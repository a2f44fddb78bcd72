import type { Cause, Outcome } from '../event.ts';
import type { RunPlan, WholeAttempt } from './changes/change.ts';
import { manualRecoveryCommands } from './manual-recovery.ts';
import { saveEvidence } from './evidence/evidence.ts';
import { keepFailed } from './evidence/failed-copy.ts';
import { runFinalLifecycleCommands } from './lifecycle-commands.ts';
import { identityOf } from './instance-identity.ts';
import { lockLost } from './lock/lease.ts';
import { endLeftovers } from './command/leftovers.ts';
import type { Commands } from '../platform/platform.ts';
import type { Plan } from './plan.ts';
import { returnToStopped } from './power.ts';
import type { PreparedRun } from './prepared-run.ts';
import { rememberChange } from './quarantine.ts';
import { inPhase } from './recorder.ts';
import { release, type Release } from './restore-point/release.ts';
import { pruneRestorePoints } from './restore-point/retention.ts';
import { rollBack, survey, type RollbackEnd, type RollbackPlan } from './rollback/rollback.ts';
import type { RunTools } from './tools.ts';

/** Why a change is kept, and what came of it. */
interface KeptBecause {
  readonly cause: Cause | null;
  /** A package manager's transaction that came to nothing: its restore point is of no use. */
  readonly unchanged: boolean;
  /** The command failed without changing anything that guard compares. guard does not see everything: its restore point stays. */
  readonly nothingChanged: boolean;
}

/** Keeps the change: proven healthy (`cause` null), or because the user's policy says so. */
export async function keepChange(
  plan: Plan,
  tools: RunTools,
  prepared: PreparedRun,
  { cause, unchanged, nothingChanged }: KeptBecause,
): Promise<Outcome> {
  const { lease, restorePoint } = prepared;
  const { loss } = await inPhase(
    tools,
    'keep',
    async () => {
      if (cause !== null) await endLeftovers(plan, tools);
      if (!unchanged && !nothingChanged)
        await runFinalLifecycleCommands(plan, tools, 'afterKeep', {
          outcome: cause === null ? 'kept' : 'kept-unhealthy',
          cause,
        });
      if (!prepared.inspected.wasRunning) await returnToStopped({ ...tools, lease }, plan.instance, plan.limits);
      return release(plan, tools, unchanged ? { keep: false } : releaseOfKept(plan, nothingChanged ? null : cause), {
        ...restorePoint,
        lease,
      });
    },
    (end) => ({ ok: end.loss === null, message: end.name ?? 'no restore point left' }),
  );
  // Whoever has the run by now may put the instance back: nobody here knows.
  if (loss !== null) return lockLost(cause ?? 'inconclusive', loss);
  if (cause !== null && !nothingChanged) return { outcome: 'kept-unhealthy', cause };
  await pruneRestorePoints(plan, tools, identityOf(plan, prepared.inspected));
  if (cause !== null) return { outcome: 'kept-unchanged', cause };
  return { outcome: 'kept' };
}

function releaseOfKept(plan: Plan, cause: Cause | null): Release {
  const { name, named, keep, expiresMs } = plan.restorePoint;
  // A change that was kept although it failed needs its restore point until a person has checked it.
  if (cause !== null) return { change: 'kept', keep: true, name, expiresMs: null };
  if (keep === 0 && !named) return { change: 'kept', keep: false };
  return { change: 'kept', keep: true, name, expiresMs };
}

/** Rolls the instance back, and reports only what was verified. */
export async function rollBackChange(
  plan: RunPlan,
  tools: RunTools,
  prepared: PreparedRun,
  { cause, attempt }: { readonly cause: Cause; readonly attempt: WholeAttempt },
): Promise<Outcome> {
  const { inspected, baseline, restorePoint, lease } = prepared;
  const { output, verdict, factsAfter } = attempt;
  const { instance } = plan;
  const back: RollbackPlan = {
    instance,
    project: plan.project,
    remote: plan.remote,
    restorePoint,
    baseline,
    start: true,
    stopGracefully: inspected.disks.uncovered.length > 0,
    lease,
    hooks: plan.hooks,
    clearLocks: plan.change.packageManagerWaits,
    limits: plan.limits,
  };
  const [surveyed] = await Promise.all([
    followsAtOnce(plan) ? survey(back, tools) : null,
    saveEvidence({ instance, restorePoint, output, verdict, factsBefore: baseline.facts, factsAfter }, tools),
  ]);
  await keepFailed(plan, tools);
  await runFinalLifecycleCommands(plan, tools, 'beforeRollback', { cause });
  const end = await rollBack(back, tools, surveyed);
  if (end.end === 'failed') return rollbackFailed(plan, tools.platform.commands, prepared, { ...end, cause });
  if (end.end === 'lost') return lockLost(cause, end.loss);
  if (end.end === 'well') await rememberChange(plan, tools, cause);
  const outcome = end.end === 'well' ? 'rolled-back' : 'rolled-back-not-well';
  await runFinalLifecycleCommands(plan, tools, 'afterRollback', { outcome, cause });
  if (!inspected.wasRunning) await returnToStopped({ ...tools, lease }, plan.instance, plan.limits);
  await inPhase(
    tools,
    'release',
    () => release(plan, tools, releaseOfRolledBack(plan, end), { ...restorePoint, lease }),
    ({ name }) => ({ ok: true, message: name === null ? 'restore point removed' : `restore point kept: ${name}` }),
  );
  if (end.end === 'not-well') return { outcome: 'rolled-back-not-well', cause };
  if (cause !== 'interrupted') return { outcome: 'rolled-back', cause };
  return { outcome: 'interrupted', signal: attempt.interruptedBy ?? tools.interruption.by() ?? 'SIGTERM' };
}

/** Whether the rollback follows the evidence immediately. */
function followsAtOnce({ keepFailed: copies, hooks }: Plan): boolean {
  return !copies && hooks.beforeRollback === undefined;
}

function releaseOfRolledBack({ restorePoint }: Plan, end: RollbackEnd): Release {
  // If the result is uncertain, the restore point stays without expiry: a person must act.
  if (end.end === 'not-well') return { keep: true, name: restorePoint.name, expiresMs: null };
  // The instance equals the restore point, so it is only kept if the user named it.
  return restorePoint.named ? { keep: true, name: restorePoint.name, expiresMs: null } : { keep: false };
}

function rollbackFailed(
  plan: Plan,
  commands: Commands,
  prepared: PreparedRun,
  { message, first = [], cause }: Extract<RollbackEnd, { end: 'failed' }> & { readonly cause: Cause },
): Outcome {
  return {
    outcome: 'rollback-failed',
    cause,
    message,
    manualRecovery: manualRecoveryCommands(commands, {
      instance: plan.instance,
      project: plan.project,
      remote: plan.remote,
      restorePoint: prepared.restorePoint,
      start: prepared.inspected.wasRunning,
      startProtected: prepared.inspected.instance.startProtected,
      first,
    }),
  };
}
