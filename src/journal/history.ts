import type { Outcome } from '../event.ts';
import type { InstanceIdentity } from './instance-identity.ts';
import { listRunsOf } from './run-index.ts';
import { fingerprintOf, type RunSummary } from './run-summary.ts';
import { readRun } from './runs.ts';

/** How many past runs of an instance are considered. */
const horizon = 200;

/** The outcomes of the same command on an instance since it was last kept, newest first, for the quarantine (F37). */
export async function outcomesSinceKept(
  state: string,
  identity: InstanceIdentity,
  command: readonly string[],
): Promise<{ readonly run: string; readonly at: number; readonly outcome: Outcome }[]> {
  const fingerprint = fingerprintOf(command);
  const isKept = (summary: RunSummary): boolean =>
    summary.fingerprint === fingerprint && summary.ended?.outcome.outcome === 'kept';
  const runs = await listRunsOf(state, identity, horizon, {
    mayFit: (line) => line.includes(fingerprint),
    isLast: isKept,
  });
  const lastKept = runs.findIndex(isKept);
  return (lastKept === -1 ? runs : runs.slice(0, lastKept))
    .filter((summary) => summary.fingerprint === fingerprint)
    .flatMap(({ run, ended }) => (ended ? [{ run, at: ended.at, outcome: ended.outcome }] : []));
}

/** A change that was rolled back, or that failed in its rehearsal. */
export interface FailedChange {
  readonly run: string;
  /** When its run ended, milliseconds since 1970. */
  readonly at: number;
  readonly fingerprint: string;
  /** It failed on a copy: the instance itself was not touched. */
  readonly rehearsed: boolean;
}

/** How many records are read at most. */
const mostRecords = 20;

/** The fingerprints of this command when it was rolled back or failed its rehearsal, newest first, since it was last kept (F37). */
export async function failedChanges(
  state: string,
  identity: InstanceIdentity,
  command: readonly string[],
): Promise<FailedChange[]> {
  const sinceKept = await outcomesSinceKept(state, identity, command);
  const lastPassed = sinceKept.findIndex(({ outcome }) => outcome.outcome === 'rehearsal-passed');
  const failed = sinceKept
    // What a copy did not survive the instance will not survive either, unless a later copy did.
    .filter(
      ({ outcome }, at) =>
        outcome.outcome === 'rolled-back' ||
        (outcome.outcome === 'rehearsal-failed' && (lastPassed === -1 || at < lastPassed)),
    )
    .slice(0, mostRecords);
  const changes = await Promise.all(
    failed.map(async ({ run, at, outcome }) => {
      const remembered = (await readRun(state, run))?.events.findLast((event) => event.type === 'change-fingerprinted');
      const rehearsed = outcome.outcome === 'rehearsal-failed';
      return remembered ? [{ run, at, fingerprint: remembered.fingerprint, rehearsed }] : [];
    }),
  );
  return changes.flat();
}

/** How many consecutive runs changed the instance and were not kept (F42). */
export async function consecutiveFailures(state: string, identity: InstanceIdentity): Promise<number> {
  const tried = (await listRunsOf(state, identity, horizon)).flatMap(({ ended }) =>
    ended && changedSomething(ended.outcome) ? [ended.outcome.outcome] : [],
  );
  const lastGood = tried.indexOf('kept');
  return lastGood === -1 ? tried.length : lastGood;
}

function changedSomething(outcome: Outcome): boolean {
  switch (outcome.outcome) {
    case 'kept':
    case 'rolled-back':
    case 'kept-unhealthy':
    case 'rolled-back-not-well':
    case 'rollback-failed':
      return true;
    // An interruption says nothing about the change, and a waiting one is not decided.
    case 'waiting':
    case 'interrupted':
    case 'kept-unchanged':
    case 'instance-gone':
    case 'rehearsal-passed':
    case 'rehearsal-failed':
    case 'rehearsal-inconclusive':
    case 'refused':
    case 'busy':
    case 'quarantined':
    case 'usage':
    case 'configuration':
      return false;
  }
}
