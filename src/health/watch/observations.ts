import type { Finding, WatchObservation } from '../../event.ts';
import { neutralise } from '../../text.ts';

/** Collects the observations of one watch. */
export interface ObservationLog {
  /** `waitingFor` are the required findings of the observation; none if everything is as before. */
  readonly add: (at: number, waitingFor: readonly Pick<Finding, 'message'>[]) => void;
  readonly observations: () => readonly WatchObservation[];
}

/** The journal keeps at most this many of one verification, with short messages: about 20 KB where all differ. */
const mostObservations = 100;
const longestMessage = 160;

export function createObservationLog(): ObservationLog {
  const seen: Required<WatchObservation>[] = [];
  return {
    add: (at, waitingFor) =>
      void seen.push({
        at,
        waitingFor: waitingFor.length,
        message: waitingFor[0] === undefined ? '' : neutralise(waitingFor[0].message, longestMessage),
      }),
    observations: () => thinOut(seen, mostObservations).map(withNewMessage),
  };
}

/** The message is told only where it changes: a watch sees the same for minutes. */
function withNewMessage(
  { at, waitingFor, message }: Required<WatchObservation>,
  index: number,
  all: readonly Required<WatchObservation>[],
): WatchObservation {
  const isNew = message !== '' && message !== all[index - 1]?.message;
  return { at, waitingFor, ...(isNew ? { message } : {}) };
}

/** At most `most`: those that differ from the one before come first, then as many others as there is room for. Pure. */
export function thinOut<T extends Required<WatchObservation>>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  const last = all.length - 1;
  const isChange = (one: T, index: number): boolean =>
    index === 0 ||
    index === last ||
    one.message !== all[index - 1]?.message ||
    one.waitingFor !== all[index - 1]?.waitingFor;
  const changes = all.filter(isChange);
  if (changes.length >= most) return evenly(changes, most);
  const kept = new Set([
    ...changes,
    ...evenly(
      all.filter((one, index) => !isChange(one, index)),
      most - changes.length,
    ),
  ]);
  return all.filter((one) => kept.has(one));
}

/** So many of them, the first and the last among them, at equal distances. */
function evenly<T>(all: readonly T[], most: number): readonly T[] {
  const step = (all.length - 1) / Math.max(1, most - 1);
  return Array.from({ length: Math.min(most, all.length) }, (_, index) => all[Math.round(index * step)]).filter(
    (one): one is T => one !== undefined,
  );
}
