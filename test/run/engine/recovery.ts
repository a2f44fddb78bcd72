import type { Outcome } from '../../../src/event.ts';
import type { RunRecord } from '../../../src/journal/runs.ts';
import { ok } from '../../../src/result.ts';
import { remainingMs } from '../../../src/deadline.ts';
import { mayBeSettledLater, settleOnInstance } from '../../../src/run/confirmation/settlement.ts';
import { inFlightName, newLease } from '../../../src/run/lock/in-flight.ts';
import { readMarker } from '../../../src/run/lock/marker.ts';
import { keepLease, lossBehind, settleMs, takeLease, type LeaseHandle } from '../../../src/run/lock/lease.ts';
import { removeMarker, takeMarker } from '../../../src/run/lock/marker-changes.ts';
import { isLeftoverOf, requireDeadHolder, type HolderEnd } from '../../../src/run/recovery/takeover.ts';
import type { Plan } from '../../../src/run/plan.ts';
import {
  findLeftovers,
  recover,
  settledOf,
  withMarkerOfNow,
  type RunLeftovers,
} from '../../../src/run/recovery/recover.ts';
import { repairLeftovers } from '../../../src/run/recovery/repair-leftovers.ts';
import { busy, refused, refusedBecause } from '../../../src/run/refusal.ts';
import { baselineOf, recordOf, recorderOf, type Guard, type World } from './world.ts';

/** What `guard recover` ended in; null where there was nothing to do. */
export type Recovered = Outcome | null;

/** `guard recover web`, as src/cli/recover.ts does it. `known`: the run that this host has a record of. */
export async function recoverInstance(
  world: World,
  guard: Guard,
  plan: Plan,
  known: string | null,
  takeOver = false,
): Promise<Recovered> {
  const { platform, clock, inspectHolder } = guard.tools;
  const tools = { platform, clock };
  const waits = await endWhileWaiting(guard, plan.instance);
  if (waits !== null) return waits;
  const found = await findLeftovers(tools, plan);
  if (!found.ok) return found.error;
  const record = known === null ? null : unfinished(recordOf(world, known));
  const { inFlight: point, quiesceMarker: quiesced, marker: marked } = found.value;
  const isIdle = record === null && point === null && quiesced === null && marked === null;
  if (record !== null && !isLeftoverOf(found.value, record))
    return finish(
      world,
      guard,
      plan,
      record,
      {
        ...found.value,
        marker: null,
        quiesceMarker: null,
        inFlight: null,
        lease: null,
      },
      'dead',
    );
  const policy = { leaseMs: 120_000, takeOver };
  const report = async (): Promise<void> => {};
  const holderEnd = isIdle
    ? ok('dead' as const)
    : await requireDeadHolder({ ...tools, inspectHolder, report }, found.value, record, policy);
  if (!holderEnd.ok) return holderEnd.error;
  const repaired = await repairLeftovers(plan, tools, found.value, []);
  if (!repaired.ok) return repaired.error;
  const { marker, inFlight, quiesceMarker } = repaired.value.leftovers;
  if (record === null && inFlight === null && quiesceMarker === null) {
    if (marker !== null)
      await removeMarker(tools, plan.instance, { run: marker.run, lease: null }, plan.limits.readyMs);
    return null;
  }
  return finish(world, guard, plan, record, repaired.value.leftovers, holderEnd.value, takeOver);
}

/** `busy` where a change waits for its confirmation, and `refused` where it cannot be settled now. */
async function endWhileWaiting({ tools }: Guard, instance: string): Promise<Outcome | null> {
  const { platform, confirmation } = tools;
  const seen = await platform.getInstance(instance);
  const marker = seen.ok ? readMarker(seen.value) : null;
  const point = await platform.getSnapshot(instance, inFlightName);
  if (!point.ok || marker?.confirmation?.state !== 'waiting') return null;
  if (remainingMs(marker.confirmation.deadline, confirmation.readClocks()) > 0)
    return busy('It waits for a confirmation.', '');
  const settling = { ...tools, readClocks: confirmation.readClocks };
  const expired = await settleOnInstance(settling, instance, marker.run, { kind: 'expire' });
  if (expired.ok) return null;
  if (expired.error.kind === 'conflict' && expired.error.conflict === 'not-due')
    return busy('It waits for a confirmation.', '');
  return mayBeSettledLater(expired.error) ? refused('It cannot be settled.', '') : null;
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
  holderEnd: HolderEnd,
  takeOver = false,
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
  let lease: LeaseHandle | null = null;
  if (leftovers.inFlight !== null) {
    const { createdAt } = leftovers.inFlight;
    const { leaseMs, readyMs } = plan.limits;
    const chosen = newLease();
    await recorder.record({ type: 'lease-acquired', lease: chosen.base, holder });
    const taken = await takeLease({ platform }, plan.instance, { before: leftovers.lease, lease: chosen });
    if (!taken.ok && taken.error.kind === 'changed') return refusedBecause(taken.error);
    const subject = { instance: plan.instance, run, lease: taken.ok ? chosen : null, createdAt, leaseMs };
    lease = keepLease({ platform, clock }, subject);
    if (holderEnd === 'given-up') await clock.sleep(settleMs);
    const marked = await takeMarker({ platform, clock }, plan.instance, { run, lease, holder }, readyMs);
    if (!marked.ok && lossBehind(marked.error) !== null) return refusedBecause(marked.error);
  }
  const hooks = record?.hooks ?? {};
  const baseline = baselineOf(record);
  const now = await withMarkerOfNow(platform, leftovers);
  const outcome = await recover(
    {
      ...plan,
      run,
      record,
      baseline,
      keepIfHealthy: false,
      hooks,
      lease,
      settled: settledOf(now),
      waitForManager: !takeOver,
    },
    { platform, clock, recorder },
    now,
  );
  await lease?.stop();
  return outcome;
}
