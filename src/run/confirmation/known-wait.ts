import { longestWaitMs, remainingMs, type ClockReading, type Deadline } from '../../deadline.ts';
import type { Holder, Outcome } from '../../event.ts';
import type { RunRecord } from '../../journal/runs.ts';
import type { NotedWait } from '../../journal/waiting-runs.ts';
import type { Instance, Snapshot } from '../../platform/platform.ts';
import { formatTime } from '../../time.ts';
import { leaseOf } from '../lock/in-flight.ts';
import { isUnreadable, keptKey, readMarker, type RunMarker } from '../lock/marker.ts';
import type { Confirmation } from '../lock/confirmation.ts';

/**
 * What this host itself wrote of a change that waits. Everybody who may configure the instance can change or remove its marker,
 * so what the instance lacks decides nothing: see docs/internals/confirmation.md.
 */
export interface KnownWait {
  readonly run: string;
  /** As it was set by the run, or by the last extension that this host recorded. */
  readonly deadline: Deadline;
  /**
   * The server's `created_at` of the restore point in flight; null where neither the record nor the note has it. Without it and
   * without the marker nothing proves that the restore point is of this run.
   */
  readonly createdAt: string | null;
  /** The base of the lease under which this host held it last; null where that is not known. */
  readonly lease: number | null;
  /** How long others wait for a sign of life of its guard, in milliseconds. */
  readonly leaseMs: number;
  /** The marker as the run wrote it, which takes the place of one that is gone; null where the record cannot be read. */
  readonly marker: RunMarker | null;
}

/** What somebody did to a change that waits. The change waits all the same. */
export type WaitProblem =
  | 'marker-missing'
  | 'marker-unreadable'
  | 'marker-of-other-run'
  /** The deadline on the instance is another one, and no `guard confirm --extend` has set it. */
  | 'deadline-changed'
  /** The change cannot be rolled back any more. */
  | 'restore-point-gone';

/** What is true of a change that this host, or the instance, says to wait. */
export type WaitState =
  | {
      readonly state: 'waiting';
      readonly confirmation: Confirmation;
      /** What a settlement is written into. */
      readonly marker: RunMarker;
      readonly problem: WaitProblem | null;
    }
  | { readonly state: 'settled'; readonly confirmation: Confirmation; readonly marker: RunMarker }
  /** It does not wait, or another guard has taken it over. */
  | { readonly state: 'none' };

/**
 * Whether the record of a run says that its change waits, and nothing of a decision. An end is none: a guard that could not reach
 * the server for long ends, and its change goes on waiting.
 */
export function isWaitOpen(record: RunRecord): boolean {
  return record.confirmationDeadline !== null && !isWaitOver(record);
}

function isWaitOver({ decided, released, events }: RunRecord): boolean {
  return decided !== null || released !== null || events.some(({ type }) => type === 'confirmation-settled');
}

/**
 * What this host knows of a run by its record, and by its note where the record is missing, cannot be read, or has lost the line
 * that says so; null where its change does not wait. `leaseMs`: as the settings have it, in milliseconds.
 */
export function knownWaitOf(
  run: string,
  record: RunRecord | null,
  noted: NotedWait | null,
  leaseMs: number,
): KnownWait | null {
  const deadline = record?.confirmationDeadline ?? noted?.deadline ?? null;
  if (deadline === null || (record !== null && isWaitOver(record))) return null;
  return {
    run,
    deadline,
    createdAt: record?.restorePoint?.createdAt ?? noted?.createdAt ?? null,
    lease: record?.lease ?? null,
    leaseMs,
    marker: record === null ? null : recordedMarker(record, deadline, leaseMs),
  };
}

/** The marker as the run wrote it; null where the record has lost its beginning. */
function recordedMarker({ run, started, retention }: RunRecord, deadline: Deadline, leaseMs: number): RunMarker | null {
  if (started === null) return null;
  return {
    v: 1,
    run,
    holder: started.holder,
    wasRunning: started.wasRunning,
    restorePointName: started.restorePointName,
    leaseMs,
    at: started.at,
    confirmation: { state: 'waiting', deadline, ...(retention == null ? {} : { retention }) },
  };
}

/** Nobody can tell whether this process lives: its lease decides. */
const unknownHolder: Holder = { host: 'unknown', pid: 0, bootId: '', network: '', id: '' };

/** A marker by what is left on the server, for a run of which this host has only the note. */
function markerFromPoint({ run, leaseMs }: KnownWait, { status }: Instance, { createdAt }: Snapshot): RunMarker {
  const at = Date.parse(createdAt);
  return {
    v: 1,
    run,
    holder: unknownHolder,
    wasRunning: status !== 'Stopped',
    restorePointName: `guard-${run}`,
    leaseMs,
    at: Number.isNaN(at) ? 0 : at,
  };
}

/** Judges what the instance shows of a run by what this host knows of it; `known` is null on other hosts. Pure. */
export function waitStateOf(
  run: string,
  known: KnownWait | null,
  { instance, inFlight }: { readonly instance: Instance; readonly inFlight: Snapshot | null },
  reading: ClockReading,
): WaitState {
  const marker = readMarker(instance);
  const shown = marker?.run === run ? marker.confirmation : undefined;
  if (marker !== null && shown !== undefined) {
    const isThere = inFlight !== null && (known?.createdAt == null || known.createdAt === inFlight.createdAt);
    // An old snapshot that somebody restored by hand may have brought the marker back.
    if (!isThere && known === null) return { state: 'none' };
    if (shown.state !== 'waiting') return { state: 'settled', confirmation: shown, marker };
    const confirmation = known === null ? shown : withVerifiedDeadline(known.deadline, shown, reading);
    const changed = confirmation === shown ? null : 'deadline-changed';
    return { state: 'waiting', confirmation, marker, problem: isThere ? changed : 'restore-point-gone' };
  }
  return known === null || inFlight === null ? { state: 'none' } : unmarkedWait(known, instance, inFlight);
}

/** The same where the instance shows nothing of the run. */
function unmarkedWait(known: KnownWait, instance: Instance, inFlight: Snapshot): WaitState {
  const isKept = instance.metadata[keptKey] === known.run;
  if (isKept || isTakenOver(known, inFlight)) return { state: 'none' };
  const confirmation = known.marker?.confirmation ?? { state: 'waiting', deadline: known.deadline };
  return {
    state: 'waiting',
    confirmation: { ...confirmation, deadline: known.deadline },
    marker: known.marker ?? markerFromPoint(known, instance, inFlight),
    problem: markerProblemOf(known.run, instance),
  };
}

function markerProblemOf(run: string, instance: Instance): WaitProblem {
  if (isUnreadable(instance)) return 'marker-unreadable';
  const marker = readMarker(instance);
  return marker === null || marker.run === run ? 'marker-missing' : 'marker-of-other-run';
}

/**
 * Whether the restore point in flight is another run's, or this run is another guard's by now: a guard that takes a run over, to
 * roll it back or to keep it, gives its restore point a lease of its own.
 */
function isTakenOver({ createdAt, lease }: KnownWait, inFlight: Snapshot): boolean {
  if (inFlight.createdAt !== createdAt) return true;
  const now = leaseOf(inFlight.expiresAt);
  return lease !== null && now !== null && now.base !== lease;
}

/** A deadline counts if this host recorded it, or if `guard confirm --extend` of any host set it, at most `longestWaitMs` from now. */
function withVerifiedDeadline(recorded: Deadline, shown: Confirmation, reading: ClockReading): Confirmation {
  const { deadline, extension } = shown;
  if (isSame(deadline, recorded)) return shown;
  const isExtended = extension !== undefined && deadline.at === extension.at + extension.ms;
  if (isExtended && remainingMs(deadline, reading) <= longestWaitMs) return shown;
  const { extension: _extension, ...rest } = shown;
  return { ...rest, deadline: recorded };
}

function isSame(one: Deadline, other: Deadline): boolean {
  return one.at === other.at && one.bootId === other.bootId && one.sinceBootMs === other.sinceBootMs;
}

/** What happened, and what to do, in sentences for a person. */
export function describeWaitProblem(
  problem: WaitProblem,
  { run, instance, deadline }: { readonly run: string; readonly instance: string; readonly deadline: Deadline },
): string {
  const until = formatTime(deadline.at);
  const unseen = `Other hosts cannot see that this change waits. It still does, and is rolled back at ${until}. To keep it, run \`guard confirm ${run}\` on this host, which writes the marker again.`;
  switch (problem) {
    case 'marker-missing':
      return `The marker of this run on ${instance} is missing: somebody removed it, or guard was killed before it was complete. ${unseen}`;
    case 'marker-unreadable':
      return `Somebody overwrote the marker of this run on ${instance}, and it cannot be read. ${unseen}`;
    case 'marker-of-other-run':
      return `Somebody replaced the marker of this run on ${instance} with that of another run. ${unseen}`;
    case 'deadline-changed':
      return `Somebody changed the deadline on ${instance} without \`guard confirm --extend\`. This has no effect: the change is rolled back at ${until}.`;
    case 'restore-point-gone':
      return `Somebody removed the restore point of this run from ${instance}, so the change cannot be rolled back any more. To keep it, run \`guard confirm ${run}\`. Without a confirmation the run ends at ${until} with status 21, and ${instance} stays as it is.`;
  }
}

/** The end of a change that was not confirmed and cannot be rolled back. */
export function unconfirmedWithoutPoint(instance: string): Outcome {
  return {
    outcome: 'rollback-failed',
    cause: 'not-confirmed',
    message: `The change was not confirmed, and its restore point no longer exists: somebody removed it. ${instance} stays as the change left it. Check it. \`guard rollback ${instance}\` goes back to an older restore point, if there is one.`,
    manualRecovery: [],
  };
}
