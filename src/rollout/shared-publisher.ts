import type { Clock } from '../clock.ts';
import type { Holder } from '../event.ts';
import { err, ok, type Result } from '../result.ts';
import { neutralise } from '../text.ts';
import { isOpen, type RolloutRecord } from './record.ts';
import { validMs } from './reservation.ts';
import {
  findConflict,
  updateRollouts,
  type LookAtHolder,
  type RolloutConflict,
  type SharedRollout,
  type SharedRollouts,
  type SharedStore,
  type StoreFailure,
} from './shared-record.ts';

/** Keeps the records of one rollout in the projects of its instances up to date. */
export interface SharedPublisher {
  /** Resolves when every project has this record, or a newer one, or has failed; never rejects. */
  readonly publish: (record: RolloutRecord) => Promise<Result<void, PublishFailure>>;
  /** Publishes this record with the next one, or seconds later. */
  readonly publishSoon: (record: RolloutRecord) => void;
  /** Publishes the last record again, as a sign of life. Never rejects. */
  readonly renew: () => Promise<Result<void, PublishFailure>>;
  /** Ok only where no other host can have taken the rollout over by now: otherwise it publishes again. Never rejects. */
  readonly proveOwn: () => Promise<Result<void, PublishFailure>>;
  /** Ends the signs of life. */
  readonly close: () => void;
}

/** Why a project does not have a record. */
export interface PublishFailure {
  /** One sentence. */
  readonly message: string;
  /** No later write succeeds either. */
  readonly isFinal: boolean;
}

/** How often a rollout gives a sign of life. */
const beatMs = 15_000;

/** A record that can wait does so for five seconds, or fifty times as long as the last one took to write. */
const soonMs = 5000;
const soonFactor = 50;

export interface PublisherOptions {
  readonly clock: Clock;
  readonly stores: readonly SharedStore[];
  readonly storeOf: (member: { readonly remote: string | null; readonly project: string }) => SharedStore;
  /** A write failed: until the next one succeeds, the project has an older record. After `forbidden` there is no next one. */
  readonly onTrouble: (store: SharedStore, failure: StoreFailure) => void;
  /** Another host has taken the rollout over. */
  readonly onTakenOver: () => void;
  /** Every project that can be written had this record at `since`, in milliseconds by `boottime`, or later. */
  readonly onPublished: (record: RolloutRecord, since: number) => void;
}

/** A publisher whose project records are claimed already. */
export function createPublisher(options: PublisherOptions): SharedPublisher {
  const { clock, stores } = options;
  const channels = stores.map((store) => createChannel(store, options));
  let last: RolloutRecord | null = null;
  let isClosed = false;
  let callOff = (): void => {};
  let callOffSoon: (() => void) | null = null;
  let lastMs = 0;
  let publishedAt = -Infinity;
  const publish = async (record: RolloutRecord): Promise<Result<void, PublishFailure>> => {
    last = record;
    callOffSoon?.();
    callOffSoon = null;
    const began = clock.boottime();
    const written = await Promise.all(channels.map((channel) => channel(record)));
    lastMs = clock.boottime() - began;
    const failed = written.find((one) => !one.ok);
    if (failed !== undefined) return failed;
    publishedAt = began;
    options.onPublished(record, began);
    return ok(undefined);
  };
  const renew = async (): Promise<Result<void, PublishFailure>> =>
    isClosed || last === null ? ok(undefined) : publish(last);
  const publishSoon = (record: RolloutRecord): void => {
    last = record;
    callOffSoon ??= clock.after(Math.min(beatMs, Math.max(soonMs, soonFactor * lastMs)), () => {
      void renew();
    });
  };
  const beat = (): void => {
    callOff = clock.after(beatMs, () => {
      if (isClosed) return;
      void renew();
      beat();
    });
  };
  beat();
  return {
    publish,
    publishSoon,
    renew,
    proveOwn: async () => (clock.boottime() - publishedAt < validMs ? ok(undefined) : renew()),
    close: () => {
      isClosed = true;
      callOff();
      callOffSoon?.();
    },
  };
}

type Written = Result<void, PublishFailure>;

/**
 * Writes to one project, one write at a time; what comes meanwhile is one write after it. A rollout that was taken over, or that
 * may not write there, does not try again.
 */
function createChannel(store: SharedStore, options: PublisherOptions): (record: RolloutRecord) => Promise<Written> {
  let over: PublishFailure | null = null;
  let wanted: RolloutRecord | null = null;
  let next: Promise<Written> | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  const write = async (): Promise<Written> => {
    next = null;
    const record = wanted;
    if (over !== null || record === null) return over === null ? ok(undefined) : err(over);
    const written = await updateRollouts(store, options.clock, (rollouts) =>
      withOwn(rollouts, record, hereOf(record, store, options)),
    );
    if (written.ok) return written;
    const failure = publishFailure(written.error);
    if (failure.isFinal) over = failure;
    if (written.error.kind === 'taken-over') options.onTakenOver();
    else options.onTrouble(store, written.error);
    return err(failure);
  };
  return (record) => {
    wanted = record;
    if (next !== null) return next;
    next = turn.then(write);
    turn = next;
    return next;
  };
}

function hereOf(
  record: RolloutRecord,
  store: SharedStore,
  { storeOf }: Pick<PublisherOptions, 'storeOf'>,
): ReadonlySet<string> {
  return new Set(record.members.filter((member) => storeOf(member).id === store.id).map(({ id }) => id));
}

interface TakenOver {
  readonly kind: 'taken-over';
}

function publishFailure(failure: TakenOver | StoreFailure): PublishFailure {
  return failure.kind === 'taken-over'
    ? { message: 'Another host has taken the rollout over.', isFinal: true }
    : { message: failure.message, isFinal: failure.kind === 'forbidden' };
}

function withOwn(
  rollouts: SharedRollouts,
  record: RolloutRecord,
  here: ReadonlySet<string>,
): Result<SharedRollouts | null, TakenOver> {
  const before = rollouts.get(record.id);
  if (before !== undefined && !isSameHolder(before.record.holder, record.holder)) return err({ kind: 'taken-over' });
  const others = [...rollouts].filter(([id]) => id !== record.id);
  if (!isOpen(record)) return ok(before === undefined ? null : new Map(others));
  // It was claimed there: whoever took it over has come to its end already, and removed it.
  if (before === undefined) return err({ kind: 'taken-over' });
  const own: SharedRollout = { record, here, beat: before.beat + 1 };
  return ok(new Map([...others, [record.id, own]]));
}

function isSameHolder(a: Holder, b: Holder): boolean {
  return a.id === b.id;
}

/** What came of claiming the instances of a rollout. */
export interface Claim {
  /** The projects whose record cannot be written, and why: there the journal alone has it. */
  readonly unwritable: readonly { readonly store: SharedStore; readonly failure: StoreFailure }[];
}

/** A rollout as it was when its record was read: only from this state it is taken over. */
export interface ClaimedState {
  readonly record: RolloutRecord;
  /** Its beat in each project by the store's id, null where the project has no record of it. What was not read is left out. */
  readonly beats: ReadonlyMap<string, number | null>;
}

/**
 * Writes a rollout into the records of its projects, unless another one has one of its instances. `from`: the state that it is
 * taken over from; a record that has changed since then is left as it is. What was written before a conflict is taken away again.
 */
export async function claimInstances(
  record: RolloutRecord,
  options: Pick<PublisherOptions, 'stores' | 'storeOf' | 'clock'> & {
    readonly lookAtHolder: LookAtHolder;
    readonly from: ClaimedState | null;
  },
): Promise<Result<Claim, RolloutConflict>> {
  const { clock, from } = options;
  const unwritable: { store: SharedStore; failure: StoreFailure }[] = [];
  const claimed: SharedStore[] = [];
  // In one order for all, so that of two that begin at the same moment one gets all of its projects.
  for (const store of options.stores.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const here = hereOf(record, store, options);
    const names = new Set(record.members.filter(({ id }) => here.has(id)).map((member) => member.name));
    const written = await updateRollouts(store, clock, (rollouts) => {
      const { conflict, superseded } = findConflict(rollouts, { id: record.id, names }, options.lookAtHolder);
      if (conflict !== null) return err(conflict);
      const before = rollouts.get(record.id);
      if (!isExpected(before, record.holder, from, store.id)) return err(beaten(record, before, from));
      const others = [...rollouts].filter(([id]) => id !== record.id && !superseded.includes(id));
      return ok(new Map([...others, [record.id, { record, here, beat: (before?.beat ?? 0) + 1 }]]));
    });
    if (written.ok) {
      claimed.push(store);
      continue;
    }
    const { error } = written;
    if (error.kind === 'forbidden') {
      unwritable.push({ store, failure: error });
      continue;
    }
    await withdrawClaim(record, from, { ...options, stores: claimed });
    return err('advice' in error ? error : unknownRecord(store, error));
  }
  return ok({ unwritable });
}

/** What cannot be read may be the record of a rollout that is under way. */
function unknownRecord({ editCommand }: SharedStore, { kind, message }: StoreFailure): RolloutConflict {
  const advice =
    kind === 'unreadable'
      ? `If no rollout is in progress there, remove guard's record of rollouts from the project: ${editCommand}`
      : 'Try again later.';
  return { kind: 'refused', message, advice };
}

/**
 * Takes a rollout that did not begin out of the records of its projects, as far as they can be written; one that did not go on
 * gets the record back that it had.
 */
export async function withdrawClaim(
  { id, holder }: Pick<RolloutRecord, 'id' | 'holder'>,
  from: ClaimedState | null,
  options: Pick<PublisherOptions, 'stores' | 'storeOf' | 'clock'>,
): Promise<void> {
  for (const store of options.stores)
    await updateRollouts(store, options.clock, (rollouts) => {
      const own = rollouts.get(id);
      if (own === undefined || !isSameHolder(own.record.holder, holder)) return ok(null);
      const others = [...rollouts].filter(([other]) => other !== id);
      const beat = from === null ? null : from.beats.get(store.id);
      if (from === null || beat === null) return ok(new Map(others));
      const before: SharedRollout = {
        record: from.record,
        here: hereOf(from.record, store, options),
        beat: beat ?? own.beat + 1,
      };
      return ok(new Map([...others, [id, before]]));
    });
}

/** Whether a project's record of the rollout is still the one that was read, or is of this process already. */
function isExpected(before: SharedRollout | undefined, own: Holder, from: ClaimedState | null, store: string): boolean {
  if (before !== undefined && isSameHolder(before.record.holder, own)) return true;
  if (from === null) return before === undefined;
  const beat = from.beats.get(store);
  const isSameBeat = beat === undefined || beat === (before?.beat ?? null);
  return isSameBeat && (before === undefined || isSameHolder(before.record.holder, from.record.holder));
}

function beaten({ id }: RolloutRecord, before: SharedRollout | undefined, from: ClaimedState | null): RolloutConflict {
  const advice = `See guard rollout status ${id}.`;
  if (before === undefined)
    return { kind: 'busy', message: `Another guard ended rollout ${id} at the same moment.`, advice };
  const { holder } = before.record;
  if (from === null || !isSameHolder(holder, from.record.holder))
    return { kind: 'busy', message: `Another guard resumed rollout ${id} at the same moment.`, advice };
  return {
    kind: 'busy',
    message: `Rollout ${id} is in progress on host ${neutralise(holder.host, 100)}.`,
    advice: 'Interrupt it there, or wait until it ends.',
  };
}
