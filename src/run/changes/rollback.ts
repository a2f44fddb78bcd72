import type { Outcome, RestorePoint, Verdict } from '../../event.ts';
import type { Baseline } from '../../health/baseline.ts';
import type { Commands, Snapshot } from '../../platform/platform.ts';
import { err, ok, type Result } from '../../result.ts';
import { describeLoss } from '../lock/lease.ts';
import type { Plan } from '../plan.ts';
import type { PreparedRun } from '../prepared-run.ts';
import { inPhase } from '../recorder.ts';
import { refused } from '../refusal.ts';
import { rollBack } from '../rollback/rollback.ts';
import type { RunTools } from '../tools.ts';
import { nothingSeen, type Change, type SnapshotSurvey, type WholeAttempt } from './change.ts';

/** A restore point that an earlier run kept, and the baseline of that run. */
export interface RollbackTarget {
  readonly run: string;
  readonly restorePoint: RestorePoint;
  /** Null if the record no longer contains it. Then guard only verifies that commands run in the instance. */
  readonly baseline: Baseline | null;
}

/** The change of `guard rollback`: the restore of a kept restore point, as a run like any other. */
export function rollbackChange(target: RollbackTarget): Change {
  return {
    executesCommand: false,
    packageManagerWaits: false,
    started: { rolledBackTo: target.run },
    admit: (plan, seen) => admitRollback(plan, seen, target),
    attempt: (plan, tools, prepared) => rollBackAndVerify(plan, tools, prepared, target),
    quarantine: null,
  };
}

function admitRollback(
  plan: Plan,
  { snapshots, pool, commands }: SnapshotSurvey,
  target: RollbackTarget,
): Result<void, Outcome> {
  if (!hasRestorePoint(snapshots, target)) return err(refuseWithoutPoint(target, commands.showInstance(plan)));
  return pool?.restoreNeedsNewest === true ? err(refuseLatestOnly(plan, commands, target, snapshots)) : ok(undefined);
}

/** The exact snapshot must exist before anything is changed (F2, F3). */
function hasRestorePoint(snapshots: readonly Snapshot[], { restorePoint }: RollbackTarget): boolean {
  return snapshots.some(({ name, createdAt }) => name === restorePoint.name && createdAt === restorePoint.createdAt);
}

function refuseWithoutPoint({ run, restorePoint }: RollbackTarget, show: string): Outcome {
  return refused(
    `The restore point "${restorePoint.name}" of run ${run} no longer exists.`,
    `See \`guard runs\` for others, and \`${show}\` for the snapshots there are.`,
  );
}

/** The restore point of the present state would block the restore. */
function refuseLatestOnly(
  plan: Plan,
  commands: Commands,
  { restorePoint }: RollbackTarget,
  snapshots: readonly Snapshot[],
): Outcome {
  const newer = snapshots.filter(({ createdAt }) => Date.parse(createdAt) > Date.parse(restorePoint.createdAt));
  const named = newer.length === 0 ? '' : ` Newer ones now: ${newer.map(({ name }) => name).join(', ')}.`;
  return refused(
    `This storage driver can restore only the newest snapshot, so "${restorePoint.name}" cannot be restored after a restore point of the present state is taken.${named}`,
    `If you do not need the newer snapshots, remove them and restore manually: ${commands.restoreSnapshot(plan, restorePoint.name)}`,
  );
}

async function rollBackAndVerify(
  plan: Plan,
  tools: RunTools,
  prepared: PreparedRun,
  { restorePoint, baseline }: RollbackTarget,
): Promise<WholeAttempt> {
  const end = await inPhase(
    tools,
    'command',
    () =>
      rollBack(
        {
          instance: plan.instance,
          project: plan.project,
          remote: plan.remote,
          restorePoint,
          start: true,
          baseline,
          stopGracefully: prepared.inspected.disks.uncovered.length > 0,
          lease: prepared.lease,
          hooks: plan.hooks,
          clearLocks: true,
          limits: plan.limits,
        },
        tools,
      ),
    (ended) => ({ ok: ended.end === 'well', message: `back to ${restorePoint.name}` }),
  );
  const interruptedBy = tools.interruption.by();
  switch (end.end) {
    case 'well':
      return { ...nothingSeen, end: { kind: 'exited', status: 0 }, verdict: healthy, interruptedBy };
    case 'not-well':
      return { ...nothingSeen, end: { kind: 'exited', status: 0 }, verdict: end.verdict, interruptedBy };
    case 'lost':
      return { ...nothingSeen, end: { kind: 'lost', message: describeLoss(end.loss) }, verdict: null, interruptedBy };
    case 'failed':
      return { ...nothingSeen, end: { kind: 'lost', message: end.message }, verdict: null, interruptedBy };
  }
}

/** The verdict that `rollBack` proved. */
const healthy: Verdict = { verdict: 'healthy', reasons: [], advisories: [], checks: [] };
