import type { Verdict } from '../../event.ts';
import type { Attempt } from '../decision.ts';
import { describeLoss } from '../lock/lease.ts';
import type { RollbackTarget, Plan } from '../plan.ts';
import type { PreparedRun } from '../prepare.ts';
import { inPhase } from '../recorder.ts';
import { rollBack } from './rollback.ts';
import type { RunTools } from '../tools.ts';

/** The change of `guard rollback`: the restore, as a run like any other. */
export async function rollBackAndVerify(
  plan: Plan,
  tools: RunTools,
  prepared: PreparedRun,
  { restorePoint, baseline }: RollbackTarget,
): Promise<Attempt> {
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
      return { end: { kind: 'exited', status: 0 }, verdict: healthy, interruptedBy };
    case 'not-well':
      return { end: { kind: 'exited', status: 0 }, verdict: end.verdict, interruptedBy };
    case 'lost':
      return { end: { kind: 'lost', message: describeLoss(end.loss) }, verdict: null, interruptedBy };
    case 'failed':
      return { end: { kind: 'lost', message: end.message }, verdict: null, interruptedBy };
  }
}

/** The verdict that `rollBack` proved. */
const healthy: Verdict = { verdict: 'healthy', reasons: [], advisories: [], checks: [] };
