import * as z from 'zod/mini';
import type { Clock } from '../clock.ts';
import type { Holder, Outcome } from '../event.ts';
import type { RolloutStop } from '../rollout-event.ts';
import { err, ok, type Result } from '../result.ts';
import { neutralise } from '../text.ts';
import type { MemberRecord, RolloutRecord } from './record.ts';
import { memberId } from './selection.ts';

/** The name of guard's note on a project that says which rollouts there are. */
export const rolloutNote = 'rollout';

/** Where one project's record is kept. */
export interface SharedStore {
  /** Tells this project of this server from all others. */
  readonly id: string;
  /** The remote as this host calls it; null for the local socket. */
  readonly remote: string | null;
  readonly project: string;
  /** What a person types to change the project. */
  readonly editCommand: string;
  readonly read: () => Promise<Result<StoredText, StoreFailure>>;
  /** Null removes the key. Only where the project still has this revision, else `changed`. */
  readonly write: (text: string | null, revision: string) => Promise<Result<void, StoreFailure>>;
}

export interface StoredText {
  readonly text: string | null;
  readonly revision: string;
}

/** `forbidden`: this user may not write there, ever. `unreadable`: guard must not write there. The message is one sentence. */
export interface StoreFailure {
  readonly kind: 'changed' | 'forbidden' | 'unreadable' | 'other';
  readonly message: string;
}

/** A rollout as a project's record has it. */
export interface SharedRollout {
  readonly record: RolloutRecord;
  /** The ids of its instances in this project. */
  readonly here: ReadonlySet<string>;
  /** Changes with every sign of life. */
  readonly beat: number;
}

export type SharedRollouts = ReadonlyMap<string, SharedRollout>;

const states = [
  'pending',
  'running',
  'kept',
  'failed',
  'broken',
  'inconclusive',
  'unconfirmed',
  'skipped',
  'reverting',
  'reverted',
  'revert-failed',
] as const;

const outcomes = [
  'kept',
  'rolled-back',
  'kept-unhealthy',
  'kept-unchanged',
  'instance-gone',
  'rolled-back-not-well',
  'rollback-failed',
  'refused',
  'busy',
  'quarantined',
  'waiting',
  'rehearsal-passed',
  'rehearsal-failed',
  'rehearsal-inconclusive',
  'usage',
  'configuration',
  'interrupted',
] as const satisfies readonly Outcome['outcome'][];

const stops = [
  'broken',
  'not-confirmed',
  'canary',
  'failures',
  'inconclusive',
  'interrupted',
  'aborted',
  'taken-over',
  'internal-error',
] as const satisfies readonly RolloutStop[];

/** How many characters a name in the record has at most. */
export const longestName = 200;

const name = z.string().check(z.maxLength(longestName));
const id = z.string().check(z.regex(/^\d{8}-\d{6}-[a-z0-9]{4}$/));

const memberSchema = z.object({
  /** Whether it is in this project of this server. */
  here: z.boolean(),
  remote: z.nullable(name),
  project: name,
  name,
  label: name,
  group: z.nullable(name),
  wave: z.number(),
  canary: z.boolean(),
  state: z.enum(states),
  run: z.nullable(id),
  revertRun: z.nullable(id),
  outcome: z.nullable(z.enum(outcomes)),
  accepted: z.boolean(),
  message: z.string().check(z.maxLength(400)),
  at: z.nullable(z.number()),
  // Records of older versions do not have it.
  changedAt: z.optional(z.nullable(z.number())),
});

const entrySchema = z.object({
  version: name,
  command: z.array(z.string()),
  options: z.array(z.string()),
  omitted: z.array(name),
  holder: z.object({ host: name, pid: z.number(), bootId: name, network: name, id: name }),
  startedAt: z.number(),
  status: z.enum(['running', 'paused', 'stopped', 'interrupted', 'complete', 'aborted']),
  beat: z.number(),
  stop: z.nullable(z.enum(stops)),
  // Records of older versions do not have it.
  isAborting: z.optional(z.boolean()),
  isGoingBack: z.optional(z.boolean()),
  members: z.array(memberSchema),
});

const documentSchema = z.object({ v: z.literal(1), rollouts: z.record(id, entrySchema) });

type Entry = z.infer<typeof entrySchema>;

/** Longest record that is read: whoever may configure the project may write anything there. */
const mostCharacters = 16 * 1024 * 1024;

/** Reads a project's record. Null where it is of a later version or not guard's: then nothing may be written over it. */
export function decodeRollouts(text: string | null, store: Pick<SharedStore, 'remote'>): SharedRollouts | null {
  if (text === null || text === '') return new Map();
  if (text.length > mostCharacters) return null;
  try {
    const read = z.safeParse(documentSchema, JSON.parse(text));
    if (!read.success) return null;
    return new Map(Object.entries(read.data.rollouts).map(([key, entry]) => [key, sharedRollout(key, entry, store)]));
  } catch {
    return null;
  }
}

function sharedRollout(key: string, entry: Entry, store: Pick<SharedStore, 'remote'>): SharedRollout {
  const { beat, members: written, isAborting = false, isGoingBack = false, ...rest } = entry;
  const members = written.map(({ here, canary, wave, remote, project, name, changedAt = null, ...member }) => {
    // This host may call the server by another name.
    const address = { remote: here ? store.remote : remote, project, name };
    const known: MemberRecord = {
      ...member,
      ...address,
      id: memberId(address),
      wave: { number: wave, canary },
      changedAt,
      ms: null,
      lostMs: null,
    };
    return { here, member: known };
  });
  return {
    record: { ...rest, isAborting, isGoingBack, id: key, claimedIn: [], members: members.map(({ member }) => member) },
    beat,
    here: new Set(members.filter(({ here }) => here).map(({ member }) => member.id)),
  };
}

/** Writes a project's record; null where there is nothing to keep. */
export function encodeRollouts(rollouts: SharedRollouts): string | null {
  if (rollouts.size === 0) return null;
  const entries = [...rollouts].map(([key, shared]): [string, Entry] => [key, entryOf(shared)]);
  return JSON.stringify({ v: 1, rollouts: Object.fromEntries(entries) });
}

function entryOf({ record, here, beat }: SharedRollout): Entry {
  const { version, command, options, omitted, holder, startedAt, status, stop, isAborting, isGoingBack } = record;
  return {
    version,
    command: [...command],
    options: [...options],
    omitted: [...omitted],
    holder,
    startedAt,
    status,
    stop,
    isAborting,
    isGoingBack,
    beat,
    members: record.members.map(
      ({
        id,
        outcome,
        revertRun,
        remote,
        project,
        name,
        label,
        group,
        wave,
        state,
        run,
        accepted,
        message,
        at,
        changedAt,
      }) => ({
        outcome,
        revertRun,
        here: here.has(id),
        remote,
        project,
        name,
        label,
        group,
        wave: wave.number,
        canary: wave.canary,
        state,
        run,
        accepted,
        message: message.slice(0, 200),
        at,
        changedAt,
      }),
    ),
  };
}

/** Why a rollout may not begin on these instances, because of another one. */
export interface RolloutConflict {
  /** `busy`: it is under way, and can be waited for. */
  readonly kind: 'busy' | 'refused';
  readonly message: string;
  readonly advice: string;
}

/** Whether the process that holds a rollout still lives. */
export type LookAtHolder = (holder: Holder) => 'alive' | 'dead' | 'elsewhere';

/**
 * The rollout that stands in the way of `own`, and those that it takes the place of: one that stopped is over as soon as
 * somebody begins another on the same instances.
 */
export function findConflict(
  rollouts: SharedRollouts,
  own: { readonly id: string; readonly names: ReadonlySet<string> },
  lookAtHolder: LookAtHolder,
): { readonly conflict: RolloutConflict | null; readonly superseded: readonly string[] } {
  const superseded: string[] = [];
  for (const [id, shared] of rollouts) {
    const both = shared.record.members.find((member) => shared.here.has(member.id) && own.names.has(member.name));
    if (id === own.id || both === undefined) continue;
    if (
      shared.record.status === 'running' ||
      shared.record.status === 'paused' ||
      shared.record.status === 'interrupted'
    )
      return { conflict: describeConflict(shared.record, both.label, lookAtHolder), superseded: [] };
    superseded.push(id);
  }
  return { conflict: null, superseded };
}

function describeConflict(
  { id, status, holder }: RolloutRecord,
  label: string,
  lookAtHolder: LookAtHolder,
): RolloutConflict {
  const place = `(host ${neutralise(holder.host, 100)}, pid ${holder.pid})`;
  const on = `which also has ${neutralise(label, 200)}`;
  const ways = `Continue it: guard rollout resume ${id}; or end it: guard rollout abort ${id}`;
  if (status === 'paused')
    return { kind: 'refused', message: `Rollout ${id}, ${on}, is paused and waits for a person.`, advice: ways };
  const life = status === 'interrupted' ? 'dead' : lookAtHolder(holder);
  if (life === 'dead') return { kind: 'refused', message: `Rollout ${id}, ${on}, was interrupted.`, advice: ways };
  const gone =
    life === 'elsewhere' ? ` If that host is permanently lost, guard rollout resume ${id} takes the rollout over.` : '';
  return {
    kind: 'busy',
    message: `Rollout ${id} ${place}, ${on}, is in progress.`,
    advice: `Wait for its end with --wait-lock 30m, or try again later.${gone}`,
  };
}

/** How often a change is tried again where others write at the same moment. */
const mostTries = 30;

/** Changes a project's record by compare-and-swap. `change` gives null to leave it as it is. */
export async function updateRollouts<E>(
  store: SharedStore,
  clock: Pick<Clock, 'sleep'>,
  change: (rollouts: SharedRollouts) => Result<SharedRollouts | null, E>,
): Promise<Result<void, E | StoreFailure>> {
  for (let tries = 1; ; tries += 1) {
    const stored = await store.read();
    if (!stored.ok) return stored;
    const rollouts = decodeRollouts(stored.value.text, store);
    if (rollouts === null)
      return err({
        kind: 'unreadable',
        message: `The record of rollouts in the project "${store.project}" was written by a later version of guard, or not by guard.`,
      });
    const changed = change(rollouts);
    if (!changed.ok) return changed;
    if (changed.value === null) return ok(undefined);
    const written = await store.write(encodeRollouts(changed.value), stored.value.revision);
    if (written.ok || written.error.kind !== 'changed' || tries >= mostTries) return written;
    await clock.sleep(10 * tries);
  }
}
