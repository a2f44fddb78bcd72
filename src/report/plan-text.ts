import { sayDuration } from '../duration.ts';
import type { Verdict } from '../event.ts';
import { hookMoments } from '../hook-definition.ts';
import type { Disks } from '../run/disks.ts';
import type { Plan } from '../run/plan.ts';
import { neutralise, shellWords } from '../text.ts';
import { verdictLines } from './verdict-text.ts';

/** What `guard plan` found. */
export interface Preview {
  readonly plan: Plan;
  readonly wasRunning: boolean;
  readonly pool: { readonly name: string; readonly driver: string } | null;
  /** That the instance stands still while its restore point is taken, and for how long. */
  readonly pause: string | null;
  readonly disks: Disks;
  /** Null where the instance does not run: it would be started and asked in the run. */
  readonly verdict: Verdict | null;
  readonly wouldBegin: boolean;
}

/** The text of `guard plan`. */
export const planLines = ({ plan, wasRunning, pool, pause, disks, verdict, wouldBegin }: Preview): string[] => [
  `guard would run: ${neutralise(shellWords(plan.command.words), 2000)}`,
  `  in ${plan.instance} (project ${plan.project}), which ${wasRunning ? 'runs' : 'is stopped: it would be started for the run, and stopped again'}`,
  `  restore point: ${neutralise(plan.restorePoint.name)}${pool ? `, on pool ${pool.name} (${pool.driver})` : ''}, ${sayStay(plan.restorePoint)}`,
  ...(pause === null ? [] : [`  ${neutralise(pause)}`]),
  ...(plan.stopFirst && wasRunning ? ['  the instance would be stopped for its restore point, and started again'] : []),
  ...disks.own.map(({ pool, volume }) => `  with it: volume ${neutralise(volume)} of pool ${neutralise(pool)}`),
  ...disks.uncovered.map(({ device, path, says }) =>
    neutralise(`  not covered by it: disk ${device} at ${path}: ${says}`),
  ),
  `  limits: command ${sayLimit(plan.limits.commandMs)}, silence ${sayLimit(plan.limits.idleMs)}, healthy within ${sayDuration(plan.limits.verifyMs)}, then for ${sayDuration(plan.limits.soakMs)}`,
  `  on failure: ${sayPolicies(plan.onFailure)}`,
  ...hookLines(plan, wasRunning),
  ...(plan.restart ? ['  the instance would be restarted before the verdict'] : []),
  ...(verdict === null ? [] : ['', ...verdictLines(plan.instance, verdict)]),
  '',
  wouldBegin
    ? `As far as can be seen without changing anything, the run would begin${verdict === null ? ', unless the instance is not healthy once it is started' : ''}. Nothing was changed.`
    : 'The run would be refused, because the instance is not healthy now (--allow-unhealthy begins all the same). Nothing was changed.',
];

const hookLines = ({ hooks }: Plan, wasRunning: boolean): string[] =>
  hookMoments.flatMap((moment) =>
    (hooks[moment] ?? []).map(({ kind, command, timeoutMs }) => {
      const where = kind === 'exec' ? 'inside' : 'on this host';
      const leftOut = !wasRunning && moment.endsWith('RestorePoint') ? ', left out: it does not run' : '';
      const words = neutralise(shellWords(command), 300);
      return `  hook ${moment}, ${where}, within ${sayDuration(timeoutMs)}: ${words}${leftOut}`;
    }),
  );

/** What becomes of the restore point when the change is kept. */
const sayStay = ({ keep, named, expiresMs }: Plan['restorePoint']): string => {
  if (keep === 0 && !named) return 'removed when the change is kept';
  const stay = expiresMs === null ? 'kept for ever' : `kept for ${sayDuration(expiresMs)}`;
  // A name of the user's own does not count among guard's.
  return named ? stay : `${stay} or until ${keep} newer ${keep === 1 ? 'one is' : 'ones are'} there`;
};

const sayPolicies = (onFailure: Plan['onFailure']): string => {
  const policies = Object.entries(onFailure);
  const [first] = policies;
  if (first && policies.every(([, policy]) => policy === first[1])) return first[1];
  return policies.map(([cause, policy]) => `${cause} ${policy}`).join(', ');
};

const sayLimit = (ms: number | null): string => (ms === null ? 'unlimited' : sayDuration(ms));
