import type { Clock } from '../clock.ts';
import { err, ok } from '../result.ts';
import { isTransient, type PlatformFailure, type PlatformFailureKind } from './failure.ts';
import type { Answered, Limit, Platform } from './platform.ts';

/** For how long, and who is told. */
interface RetryPolicy {
  readonly limitMs: number;
  readonly onAway: (failure: PlatformFailure) => void;
}

/**
 * How long others may take and remove snapshots of the same instance, in milliseconds. Meanwhile the server's records
 * contradict each other, also where a change was written all the same; what a killed server left stays so.
 */
export const othersLimitMs = 30_000;

const firstPauseMs = 100;
const longestPauseMs = 2000;

/** The next start succeeds where the server's networks come up late, and where a full pool frees what a restore replaced. */
const startKinds: readonly PlatformFailureKind[] = ['no-space', 'not-ready'];

/** btrfs frees a replaced subvolume some 25 s late: a full pool empties itself. */
const restoreKinds: readonly PlatformFailureKind[] = ['no-space'];

/**
 * The platform, with every request repeated that may be done twice, while its failure is transient. Never repeated are
 * those that take something once (snapshots, copies, commands), graceful stops, compare-and-swaps of a snapshot's
 * expiry, and files. An operation whose connection was lost is settled before it is started again, so that no restore
 * is ever started over a restore. `limitMs`: how long a request is repeated, while its own limit is for each try.
 * `onAway`: called once for a request that is repeated because the server does not answer.
 */
export function retryTransient(
  platform: Platform,
  limitMs: number,
  onAway: (failure: PlatformFailure) => void = () => {},
): Platform {
  const policy = { limitMs, onAway };
  function again<Words extends readonly unknown[], T>(
    ask: (...words: Words) => Answered<T>,
    alsoKinds: readonly PlatformFailureKind[] = [],
  ) {
    return (...words: Words): Answered<T> => repeat(platform, policy, () => ask(...words), alsoKinds);
  }
  const change = <Words extends readonly unknown[]>(
    ask: (...words: Words) => Answered<void>,
    alsoKinds: readonly PlatformFailureKind[] = [],
  ) => again((...words: Words) => settled(platform, policy, ask(...words), ['connection-lost']), alsoKinds);
  const restore = again(
    (instance: string, name: string, limit: Limit & { readonly revision?: string }) =>
      settled(platform, policy, platform.restoreSnapshot(instance, name, limit), ['connection-lost', 'timed-out']),
    restoreKinds,
  );
  const stop = change(platform.stopInstance);
  const setExpiry = change(platform.setSnapshotExpiry);
  return {
    ...platform,
    getInstance: again(platform.getInstance),
    getInstanceState: again(platform.getInstanceState),
    confirmAddresses: again(platform.confirmAddresses),
    listInstanceNames: again(platform.listInstanceNames),
    listInstances: again(platform.listInstances),
    startInstance: change(platform.startInstance, startKinds),
    stopInstance: (name, how) => (how.force ? stop(name, how) : platform.stopInstance(name, how)),
    thawInstance: change(platform.thawInstance),
    patchInstance: again(platform.patchInstance, ['inconsistent-snapshots']),
    listSnapshots: again(platform.listSnapshots),
    getSnapshot: again(platform.getSnapshot),
    renameSnapshot: change(platform.renameSnapshot),
    setSnapshotExpiry: (instance, name, expiresAt, revision) =>
      revision === undefined
        ? setExpiry(instance, name, expiresAt)
        : platform.setSnapshotExpiry(instance, name, expiresAt, revision),
    deleteSnapshot: change(platform.deleteSnapshot),
    restoreSnapshot: restore,
    getPool: again(platform.getPool),
    getPoolSpace: again(platform.getPoolSpace),
    getVolume: again(platform.getVolume),
    listVolumeSnapshots: again(platform.listVolumeSnapshots),
    restoreVolume: change(platform.restoreVolume, restoreKinds),
    renameVolumeSnapshot: change(platform.renameVolumeSnapshot),
    setVolumeSnapshotExpiry: change(platform.setVolumeSnapshotExpiry),
    deleteVolumeSnapshot: change(platform.deleteVolumeSnapshot),
    listOperations: again(platform.listOperations),
    rehearsals: {
      ...platform.rehearsals,
      deleteCopy: again(platform.rehearsals.deleteCopy),
      deleteVolume: again(platform.rehearsals.deleteVolume),
    },
  };
}

function repeat<T>(
  { clock }: Platform,
  { limitMs, onAway }: RetryPolicy,
  ask: () => Answered<T>,
  alsoKinds: readonly PlatformFailureKind[],
): Answered<T> {
  let isTold = false;
  return repeatWhile(clock, ask, (failure) => {
    if (!isTransient(failure) && !alsoKinds.includes(failure.kind)) return 0;
    if (!isTold && isAway(failure)) onAway(failure);
    isTold ||= isAway(failure);
    return failure.kind === 'inconsistent-snapshots' ? Math.min(limitMs, othersLimitMs) : limitMs;
  });
}

/**
 * Repeats several requests that belong together, while their failure is transient, until `limitMs` milliseconds are over.
 * Only for what may be done twice. Gives the last answer.
 */
export function repeatTransient<T>(
  clock: Clock,
  limitMs: number,
  ask: () => Answered<T>,
  isPassing: (failure: PlatformFailure) => boolean = isTransient,
): Answered<T> {
  return repeatWhile(clock, ask, (failure) => (isPassing(failure) ? limitMs : 0));
}

/** Whether other requests for the same instance cause the failure, or the server is away: both pass. */
export function isContention(failure: PlatformFailure): boolean {
  return isTransient(failure) || failure.kind === 'inconsistent-snapshots';
}

/** `patienceMs`: for how long since the first try a request with this failure is repeated, in milliseconds. */
async function repeatWhile<T>(
  clock: Clock,
  ask: () => Answered<T>,
  patienceMs: (failure: PlatformFailure) => number,
): Answered<T> {
  const began = clock.monotonic();
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const answer = await ask();
    if (answer.ok || clock.monotonic() + pauseMs > began + patienceMs(answer.error)) return answer;
    await clock.sleep(pauseMs);
  }
}

function isAway({ kind }: PlatformFailure): boolean {
  return kind === 'unreachable' || kind === 'connection-lost';
}

/** The answer; where nobody knows it yet, because the connection was lost, what the server says of the operation. */
async function settled(
  platform: Platform,
  { limitMs }: RetryPolicy,
  asked: Answered<void>,
  kinds: readonly PlatformFailureKind[],
): Answered<void> {
  const answer = await asked;
  if (answer.ok || answer.error.operation === null || !kinds.includes(answer.error.kind)) return answer;
  const { operation, purpose } = answer.error;
  const end = await platform.settle(operation, { limitMs, purpose });
  if (!end.ok) return end;
  switch (end.value.kind) {
    case 'succeeded':
      return ok(undefined);
    case 'failed':
      return err(end.value.failure);
    case 'gone':
      // A restarted server forgot the operation and its result is unknown, so it is repeated.
      return err({ ...answer.error, kind: 'connection-lost' });
  }
}
