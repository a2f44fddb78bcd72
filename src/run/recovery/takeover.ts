import type { Commands } from '../../platform/platform.ts';
import type { Holder, Outcome } from '../../event.ts';
import { err, ok, type Result } from '../../result.ts';
import { formatDuration } from '../../duration.ts';
import type { RunRecord } from '../../journal/runs.ts';
import { neutralise } from '../../text.ts';
import { manualRecoveryCommands, recoverCommand, removeMarkerCommand } from '../manual-recovery.ts';
import type { Lease } from '../lock/in-flight.ts';
import { awaitSilence } from '../lock/lease.ts';
import { isUnreadable, markerKey, readMarker, type RunMarker } from '../lock/marker.ts';
import { describeHolder } from '../lock/lock-holder.ts';
import type { Plan } from '../plan.ts';
import { readQuiesceMarker, type QuiesceMarker } from '../lock/quiesce-marker.ts';
import type { RunLeftovers } from './recover.ts';
import { busy, refused } from '../refusal.ts';
import type { RunTools } from '../tools.ts';

/** How often the quiesce marker is read, in milliseconds. */
const pollMs = 2000;

/**
 * An unreadable marker means that an unknown run may have changed the instance. Without a record on this host
 * a person has to decide.
 */
export function refuseUnreadable(
  plan: Pick<Plan, 'instance' | 'project' | 'remote' | 'restorePoint'>,
  { instance, inFlight }: RunLeftovers,
  record: RunRecord | null,
  commands: Commands,
): Result<void, Outcome> {
  if (record !== null || inFlight === null || !isUnreadable(instance)) return ok(undefined);
  const { startProtected } = instance;
  const lines = manualRecoveryCommands(commands, { ...plan, restorePoint: inFlight, start: true, startProtected });
  const back = lines.map((line) => `\`${line}\``);
  const refusal = refused(
    `The marker "${markerKey}" of "${plan.instance}" cannot be read. It was written by another version of guard, or by hand, so the owner and the progress of the interrupted run are unknown.`,
    `Run \`guard recover\` with that version, or on the host of that run. To roll back manually, run ${back.join('; ')}. To keep the change and its restore point, run \`${removeMarkerCommand(commands, plan)}\` and then \`${recoverCommand(plan)} --take-over\`.`,
  );
  return err(refusal);
}

type TakeoverTools = Pick<RunTools, 'platform' | 'clock' | 'inspectHolder'> & {
  /** Reports why it takes long. */
  readonly report: (text: string) => Promise<void>;
};

/** How to make sure that a run has ended. */
export interface TakeoverPolicy {
  /** How long the run must show no activity if this host cannot check its process. Milliseconds. */
  readonly leaseMs: number;
  /** The user confirmed that it is dead. */
  readonly takeOver: boolean;
}

/** How it is known that nobody works on the run any more. */
export type HolderEnd =
  /** The kernel of this host says so: not even a request of it is under way. */
  | 'dead'
  /** It gave no sign of life, or a person says so: what it asked last may still arrive. */
  | 'given-up';

/**
 * Refuses to touch what a living run holds. Where the kernel of this host cannot tell whether it lives, its silence is waited
 * for, whatever names and numbers say. A person who is sure always gets through.
 */
export async function requireDeadHolder(
  tools: TakeoverTools,
  leftovers: RunLeftovers,
  record: RunRecord | null,
  { leaseMs, takeOver }: TakeoverPolicy,
): Promise<Result<HolderEnd, Outcome>> {
  const owner = leftovers.marker ?? leftovers.quiesceMarker;
  const holder = recovererOf(leftovers, record) ?? owner?.holder ?? record?.started?.holder ?? null;
  const state = holder === null ? 'unknown' : tools.inspectHolder(holder);
  if (state === 'dead' && !isTakenOver(leftovers, record)) return ok('dead');
  if (takeOver) return ok('given-up');
  if (state === 'alive') return err(describeHolder(tools, owner, null));
  // The one who holds it has said how long it may be silent.
  const waitMs = Math.max(leaseMs, leftovers.marker?.leaseMs ?? 0);
  const who = describeOwner(owner?.run ?? record?.run ?? null, holder);
  const silence = await awaitHolderSilence(tools, leftovers, waitMs, who);
  return silence.ok ? ok('given-up') : silence;
}

/** The guard of this host that took the run over: after its restore no marker names it any more. */
function recovererOf({ lease }: RunLeftovers, record: RunRecord | null): Holder | null {
  return lease !== null && record?.lease === lease.base ? record.leaseHolder : null;
}

function describeOwner(run: string | null, holder: Holder | null): string {
  return `run ${run ?? '(its name is not known yet)'}${holder === null ? '' : ` of host ${neutralise(holder.host)}`}`;
}

async function awaitHolderSilence(
  tools: TakeoverTools,
  { instance, inFlight, quiesceMarker, lease, marker }: RunLeftovers,
  leaseMs: number,
  who: string,
): Promise<Result<void, Outcome>> {
  if (inFlight === null && quiesceMarker !== null) return awaitQuiesceSilence(tools, instance.name, quiesceMarker, who);
  if (inFlight === null)
    return marker === null ? ok(undefined) : awaitMarkerSilence(tools, instance.name, marker, leaseMs);
  if (lease !== null) return awaitLeaseSilence(tools, instance.name, lease, leaseMs, who);
  // Begun by a guard that had no lease: nobody knows a sign of its life.
  return marker === null
    ? ok(undefined)
    : err(
        refused(
          `The ${who} was started by an older guard on another host, and only that host can tell whether it is still running.`,
          'Run `guard recover` there. If that run is certainly dead, pass --take-over here.',
        ),
      );
}

async function awaitLeaseSilence(
  tools: TakeoverTools,
  instance: string,
  lease: Lease,
  leaseMs: number,
  who: string,
): Promise<Result<void, Outcome>> {
  await tools.report(
    `${who} may still be running on another host. Waiting ${formatDuration(leaseMs)} for its lease to expire. If it is certainly dead, pass --take-over.`,
  );
  switch (await awaitSilence(tools, instance, lease, leaseMs)) {
    case 'silent':
      return ok(undefined);
    case 'alive':
      return err(busy(`The ${who} is still running: it renewed its lease.`, 'Wait until it ends, or end it there.'));
    case 'over':
      return err(busy(`The ${who} was finished, or taken over by another guard.`, 'Try again to see what is left.'));
  }
}

/** The record is of this host, and yet somebody else holds the restore point in flight by now. */
function isTakenOver({ lease }: RunLeftovers, record: RunRecord | null): boolean {
  return lease !== null && record?.lease != null && record.lease !== lease.base;
}

/** Without a restore point there is nothing to renew: a living run finds within its lease that it is gone, and ends. */
async function awaitMarkerSilence(
  { platform, clock, report }: TakeoverTools,
  instance: string,
  { run, holder }: RunMarker,
  leaseMs: number,
): Promise<Result<void, Outcome>> {
  await report(
    `The restore point of run ${run} of host ${neutralise(holder.host)} no longer exists, but its marker does. Waiting ${formatDuration(leaseMs)} for the run to end. If it is certainly dead, pass --take-over.`,
  );
  const giveUpAt = clock.monotonic() + leaseMs;
  while (clock.monotonic() < giveUpAt) {
    await clock.sleep(pollMs);
    const seen = await platform.getInstance(instance);
    if (seen.ok && readMarker(seen.value)?.run !== run)
      return err(busy(`Run ${run} has ended meanwhile.`, 'Try again.'));
  }
  return ok(undefined);
}

/** A moment of quiet renews nothing: it cannot last longer than its own limits. */
async function awaitQuiesceSilence(
  { platform, clock, report: tell }: TakeoverTools,
  instance: string,
  { run, limitMs }: QuiesceMarker,
  who: string,
): Promise<Result<void, Outcome>> {
  await tell(
    `${who} has quiesced this instance for its restore point, for at most ${formatDuration(limitMs)}. Waiting that long. If the run is certainly dead, pass --take-over.`,
  );
  const giveUpAt = clock.monotonic() + limitMs;
  while (clock.monotonic() < giveUpAt) {
    await clock.sleep(pollMs);
    const seen = await platform.getInstance(instance);
    if (seen.ok && readQuiesceMarker(seen.value)?.run !== run)
      return err(busy(`The ${who} is still running, or was finished.`, 'Try again to see what is left.'));
  }
  return ok(undefined);
}

/**
 * Whether what is left on the server is of the run of this record. Another host's run that is just beginning has no mark
 * yet, and must not be taken for an unfinished one of this host.
 */
export function isLeftoverOf(
  { marker, quiesceMarker, inFlight, lease }: Pick<RunLeftovers, 'marker' | 'quiesceMarker' | 'inFlight' | 'lease'>,
  record: Pick<RunRecord, 'run' | 'lease' | 'restorePoint'>,
): boolean {
  const owner = marker ?? quiesceMarker;
  if (owner !== null) return owner.run === record.run;
  if (inFlight === null) return true;
  if (record.restorePoint !== null) return record.restorePoint.createdAt === inFlight.createdAt;
  return record.lease === null ? lease === null : record.lease === lease?.base;
}
