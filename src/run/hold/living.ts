import type { Holder, Outcome } from '../../event.ts';
import { sayDuration } from '../../duration.ts';
import { getInstance } from '../../incus/instance.ts';
import type { RunRecord } from '../../journal/runs.ts';
import { neutralise } from '../../text.ts';
import { byHandCommands, recoverCommand, unmarkCommand } from '../by-hand.ts';
import type { Lease } from './in-flight.ts';
import { awaitSilence } from './lease.ts';
import { isUnreadable, markKey } from './mark.ts';
import { describeHolder } from './occupant.ts';
import type { Plan } from '../plan.ts';
import { quietOf, type Quiet } from './quiet.ts';
import type { Remains } from '../recovery/recover.ts';
import { busy, refused } from '../refusal.ts';
import type { RunTools } from '../tools.ts';

/** How often the key of a moment of quiet is looked at, in milliseconds. */
const lookMs = 2000;

/**
 * A mark that cannot be read says that the instance may have been changed, and not by whom. Without a record of this host
 * nobody knows what to do: a person has to. Null where it can be read, or is not needed.
 */
export function refuseUnreadable(
  plan: Pick<Plan, 'instance' | 'project' | 'remote' | 'restorePoint'>,
  { instance, inFlight }: Remains,
  record: RunRecord | null,
): Outcome | null {
  if (record !== null || inFlight === null || !isUnreadable(instance)) return null;
  const back = byHandCommands({ ...plan, restorePoint: inFlight, start: true }).map((line) => `\`${line}\``);
  return refused(
    `The mark ${markKey} of "${plan.instance}" cannot be read: it is of another version of guard, or was written by hand. So nobody knows here whose the restore point in flight is, and how far that run came.`,
    `Run \`guard recover\` with that version, or on the host of that run. Else decide by hand: ${back.join('; ')} puts the instance back; \`${unmarkCommand(plan)}\`, and then \`${recoverCommand(plan)} --take-over\`, keeps it as it is, with its restore point.`,
  );
}

type LivingTools = Pick<RunTools, 'incus' | 'clock' | 'lookAtHolder'> & {
  /** Says why it takes so long. */
  readonly tell: (text: string) => Promise<void>;
};

/** How sure a recovery has to be that nobody works on the run any more. */
export interface Care {
  /** How long it must have given no sign of life, where this host cannot see whether it lives. Milliseconds. */
  readonly leaseMs: number;
  /** A person is sure. */
  readonly takeOver: boolean;
}

/**
 * Refuses to touch what a living run holds; null where it may be recovered. Where only another host could see whether
 * it lives, its silence is waited for.
 */
export async function refuseLiving(
  tools: LivingTools,
  remains: Remains,
  record: RunRecord | null,
  { leaseMs, takeOver }: Care,
): Promise<Outcome | null> {
  const occupant = remains.mark ?? remains.quiet;
  const holder = occupant?.holder ?? record?.started?.holder ?? null;
  const state = holder === null ? 'unknown' : tools.lookAtHolder(holder);
  if (state === 'alive') return describeHolder(tools, occupant);
  if (takeOver || (state === 'dead' && !isTakenOver(remains, record))) return null;
  return silenceOf(tools, remains, leaseMs, sayWhose(occupant?.run ?? record?.run ?? null, holder));
}

function sayWhose(run: string | null, holder: Holder | null): string {
  return `run ${run ?? '(its name is not known yet)'}${holder === null ? '' : ` of host ${neutralise(holder.host)}`}`;
}

async function silenceOf(
  tools: LivingTools,
  { instance, inFlight, quiet, lease, mark }: Remains,
  leaseMs: number,
  who: string,
): Promise<Outcome | null> {
  if (inFlight === null) return quiet === null ? null : silenceOfQuiet(tools, instance.name, quiet, who);
  if (lease !== null) return silenceOfLease(tools, instance.name, lease, leaseMs, who);
  // Begun by a guard that had no lease: nobody knows a sign of its life.
  return mark === null
    ? null
    : refused(
        `The ${who} was begun by an older guard, and only there can be seen whether it still lives.`,
        'Run `guard recover` there; if that run is dead for certain, pass --take-over here.',
      );
}

async function silenceOfLease(
  tools: LivingTools,
  instance: string,
  lease: Lease,
  leaseMs: number,
  who: string,
): Promise<Outcome | null> {
  await tools.tell(
    `${who} may live on another host: waiting ${sayDuration(leaseMs)} for a sign of life. If it is dead for certain, pass --take-over.`,
  );
  switch (await awaitSilence(tools, instance, lease, leaseMs)) {
    case 'silent':
      return null;
    case 'alive':
      return busy(`The ${who} lives: it has renewed its lease.`, 'Wait for its end, or end it there.');
    case 'over':
      return busy(`The ${who} was finished, or taken over by another guard.`, 'Try again to see what is left.');
  }
}

/** The record is of this host, and yet somebody else holds the restore point in flight by now. */
function isTakenOver({ lease }: Remains, record: RunRecord | null): boolean {
  return lease !== null && record?.lease != null && record.lease !== lease.base;
}

/** A moment of quiet renews nothing: it cannot last longer than its own limits. */
async function silenceOfQuiet(
  { incus, clock, tell }: LivingTools,
  instance: string,
  { run, limitMs }: Quiet,
  who: string,
): Promise<Outcome | null> {
  await tell(
    `${who} holds this instance still for its restore point, which may last ${sayDuration(limitMs)}: waiting so long. If it is dead for certain, pass --take-over.`,
  );
  const giveUpAt = clock.monotonic() + limitMs;
  while (clock.monotonic() < giveUpAt) {
    await clock.sleep(lookMs);
    const seen = await getInstance(incus, instance);
    if (seen.ok && quietOf(seen.value)?.run !== run)
      return busy(`The ${who} goes on, or was finished meanwhile.`, 'Try again to see what is left.');
  }
  return null;
}

/**
 * Whether what is left on the server is of the run of this record. Another host's run that is just beginning has no mark
 * yet, and must not be taken for an unfinished one of this host.
 */
export function isLeftBy(
  { mark, quiet, inFlight, lease }: Pick<Remains, 'mark' | 'quiet' | 'inFlight' | 'lease'>,
  record: Pick<RunRecord, 'run' | 'lease' | 'restorePoint'>,
): boolean {
  const occupant = mark ?? quiet;
  if (occupant !== null) return occupant.run === record.run;
  if (inFlight === null) return true;
  if (record.restorePoint !== null) return record.restorePoint.createdAt === inFlight.createdAt;
  return record.lease === null ? lease === null : record.lease === lease?.base;
}
