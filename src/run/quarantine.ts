import { createHash } from 'node:crypto';
import type { Cause, Outcome } from '../event.ts';
import { packageState } from './packages/state.ts';
import type { Plan } from './plan.ts';
import { digestOfPush } from './push/digest.ts';
import type { PushPlan } from './push/source.ts';
import type { RunTools } from './tools.ts';
import { formatTime } from '../time.ts';

/**
 * Refuses a change that was rolled back before and would be the same again, so that a timer does not repeat the same upgrade
 * every night (F37). If other packages would be installed, it is a different change. Null if it may run, also if a person watches.
 */
export async function refuseRepeat(
  plan: Plan,
  tools: Pick<RunTools, 'platform' | 'failedChanges'>,
): Promise<Outcome | null> {
  if (!plan.obeyQuarantine) return null;
  const failed = await tools.failedChanges();
  // Only a command that failed before needs the simulation of its changes.
  if (failed.length === 0) return null;
  const fingerprint = await fingerprintOfChange(plan, tools);
  const same = failed.find((change) => change.fingerprint === fingerprint);
  if (same === undefined) return null;
  return {
    outcome: 'quarantined',
    refusal: {
      message: `The same change was rolled back on "${plan.instance}" before: run ${same.run}, ${formatTime(same.at)}.`,
      advice: `\`guard show ${same.run}\` ${howToRepeat(plan)} If other packages would be installed, it is a different change.`,
    },
  };
}

function howToRepeat({ change }: Plan): string {
  return change.kind === 'transaction'
    ? 'on the host shows why. To run it anyway, use `guard --retry` or change hook.quarantine in guard.yaml.'
    : 'shows why. To run it anyway, pass --retry.';
}

/** After the rollback, when the instance is in its original state: records the fingerprint of the failed change. */
export async function rememberChange(
  plan: Plan,
  tools: Pick<RunTools, 'platform' | 'recorder'>,
  cause: Cause,
): Promise<void> {
  if (plan.change.kind === 'return' || !isCausedByChange(cause)) return;
  const fingerprint = await fingerprintOfChange(plan, tools);
  await tools.recorder.record({ type: 'change-fingerprinted', fingerprint });
}

/** An interruption or checks that could not run may have another cause. */
function isCausedByChange(cause: Cause): boolean {
  switch (cause) {
    case 'command':
    case 'unhealthy':
    case 'timeout':
      return true;
    case 'inconclusive':
    case 'interrupted':
    case 'not-confirmed':
      return false;
  }
}

function byName([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1;
}

/** The command with its user and environment, and the packages that an upgrade would change; for a transaction, its own fingerprint. */
async function fingerprintOfChange(
  { instance, command, change: how, pushes }: Pick<Plan, 'instance' | 'command' | 'change' | 'pushes'>,
  tools: Pick<RunTools, 'platform'>,
): Promise<string> {
  if (how.kind === 'transaction' && how.transaction.fingerprint !== null) return how.transaction.fingerprint;
  const { words, environment, user, group, cwd } = command;
  const packages = await packageState(tools, instance);
  const change = [
    words,
    Object.entries(environment).toSorted(byName),
    user,
    group,
    cwd,
    packages,
    ...(await digestsOf(pushes)),
  ];
  return createHash('sha256').update(JSON.stringify(change)).digest('hex').slice(0, 32);
}

/** Empty if nothing is pushed; null for files that no longer exist. */
function digestsOf(pushes: readonly PushPlan[]): Promise<readonly (string | null)[]> {
  return Promise.all(pushes.map((push) => digestOfPush(push).catch(() => null)));
}
