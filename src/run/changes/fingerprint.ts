import { createHash } from 'node:crypto';
import { packageState } from '../packages/state.ts';
import type { Plan } from '../plan.ts';
import { digestOfPush } from '../push/digest.ts';
import type { PushPlan } from '../plan.ts';
import type { RunTools } from '../tools.ts';

/** Identifies a command for the quarantine, with its user, its environment, and the packages that an upgrade would change. */
export async function commandFingerprint(
  { instance, command, pushes }: Pick<Plan, 'instance' | 'command' | 'pushes'>,
  tools: Pick<RunTools, 'platform'>,
): Promise<string> {
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

function byName([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1;
}

/** Empty if nothing is pushed; null for files that no longer exist. */
function digestsOf(pushes: readonly PushPlan[]): Promise<readonly (string | null)[]> {
  return Promise.all(pushes.map((push) => digestOfPush(push).catch(() => null)));
}
