import type { Outcome } from '../../../src/event.ts';
import type { RunRecord } from '../../../src/journal/runs.ts';
import { newLease } from '../../../src/run/lock/in-flight.ts';
import { keepLease, takeLease, type HeldLease } from '../../../src/run/lock/lease.ts';
import { isLeftoverOf, requireDeadHolder } from '../../../src/run/lock/takeover.ts';
import type { Plan } from '../../../src/run/plan.ts';
import { findLeftovers, recover, type RunLeftovers } from '../../../src/run/recovery/recover.ts';
import { repairLeftovers } from '../../../src/run/recovery/repair-leftovers.ts';
import { refusedBecause } from '../../../src/run/refusal.ts';
import { baselineOf, recordOf, recorderOf, type Guard, type World } from './world.ts';

/** What `guard recover` ended in; null where there was nothing to do. */
export type Recovered = Outcome | null;

/** `guard recover web`, as src/cli/recover.ts does it. `known`: the run that this host has a record of. */
export async function recoverInstance(
  world: World,
  guard: Guard,
  plan: Plan,
  known: string | null,
): Promise<Recovered> {
  const { platform, clock, inspectHolder } = guard.tools;
  const tools = { platform, clock };
  const found = await findLeftovers(tools, plan);
  if (!found.ok) return found.error;
  const record = known === null ? null : unfinished(recordOf(world, known));
  const isIdle = record === null && found.value.inFlight === null && found.value.quiesceMarker === null;
  if (record !== null && !isLeftoverOf(found.value, record))
    return finish(world, guard, plan, record, {
      ...found.value,
      marker: null,
      quiesceMarker: null,
      inFlight: null,
      lease: null,
    });
  const policy = { leaseMs: 120_000, takeOver: false };
  const report = async (): Promise<void> => {};
  const refused = isIdle
    ? null
    : await requireDeadHolder({ ...tools, inspectHolder, report }, found.value, record, policy);
  if (refused !== null) return refused;
  const repaired = await repairLeftovers(plan, tools, found.value, []);
  if (!repaired.ok) return repaired.error;
  return isIdle ? null : finish(world, guard, plan, record, repaired.value.leftovers);
}

/** A run that has ended, and released what it held, is not recovered. */
function unfinished(record: RunRecord | null): RunRecord | null {
  const isDone = record?.ended != null && (record.restorePoint === null || record.released !== null);
  return isDone ? null : record;
}

async function finish(
  world: World,
  guard: Guard,
  plan: Plan,
  record: RunRecord | null,
  leftovers: RunLeftovers,
): Promise<Outcome> {
  const { platform, clock, holder } = guard.tools;
  const run = record?.run ?? leftovers.marker?.run ?? plan.run;
  const recorder = recorderOf(world, run, guard.process);
  await (record === null
    ? recorder.begin({
        type: 'run-started',
        version: '0',
        instance: plan.instance,
        project: plan.project,
        remote: null,
        command: [],
        holder,
        wasRunning: leftovers.wasRunning,
        restorePointName: `guard-${run}`,
        named: false,
      })
    : recorder.resume());
  let lease: HeldLease | null = null;
  if (leftovers.inFlight !== null) {
    const chosen = newLease();
    await recorder.record({ type: 'lease-acquired', lease: chosen.base });
    const taken = await takeLease({ platform }, plan.instance, { before: leftovers.lease, lease: chosen });
    if (!taken.ok && taken.error.kind === 'changed') return refusedBecause(taken.error);
    lease = taken.ok ? keepLease({ platform, clock }, plan.instance, chosen) : null;
  }
  const hooks = record?.hooks ?? {};
  const baseline = baselineOf(record);
  const outcome = await recover(
    { ...plan, run, record, baseline, keepIfHealthy: false, hooks, lease },
    { platform, clock, recorder },
    leftovers,
  );
  await lease?.stop();
  return outcome;
}
