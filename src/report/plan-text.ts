import { coverageText, type Coverage } from '../health/coverage.ts';
import { formatDuration } from '../duration.ts';
import type { Verdict } from '../event.ts';
import { lifecycleMoments } from '../lifecycle-command.ts';
import type { Disks } from '../run/restore-point/disks.ts';
import type { PackagePreview } from '../run/packages/preview.ts';
import type { Plan } from '../run/plan.ts';
import { describePushes } from '../run/push/format.ts';
import { neutralise, shellWords } from '../text.ts';
import { formatPackageChange } from './format.ts';
import { verdictLines } from './verdict-text.ts';

/** What `guard plan` found. */
export interface Preview {
  readonly plan: Plan;
  readonly wasRunning: boolean;
  readonly pool: { readonly name: string; readonly driver: string } | null;
  /** That the instance is frozen while its restore point is taken, and for how long. */
  readonly pause: string | null;
  readonly disks: Disks;
  /** Null where the instance does not run. */
  readonly packages: PackagePreview | null;
  /** Null where the instance is not running: it would be started and asked in the run. */
  readonly verdict: Verdict | null;
  /** What the verdict after the command would rest on; null where nothing is compared automatically, or nothing was asked. */
  readonly coverage: Coverage | null;
  readonly wouldBegin: boolean;
}

/** The text of `guard plan`. */
export function planLines(preview: Preview): string[] {
  const { plan, packages, verdict } = preview;
  return [
    `guard would run: ${neutralise(shellWords(plan.command.words), 2000)}`,
    ...describePlanned(preview),
    ...(packages === null ? [] : ['', ...packageLines(packages)]),
    ...(verdict === null
      ? []
      : [
          '',
          ...(verifiesNothing(preview)
            ? [`${plan.instance}: ${nothingVerified}`]
            : verdictLines(plan.instance, verdict)),
        ]),
    ...(preview.coverage === null ? [] : [`  ${coverageText(preview.coverage)}`]),
    '',
    describeAdmission(preview),
  ];
}

/** Said in place of a verdict where the run would be accepted without any comparison and without a check. */
export const nothingVerified = 'nothing would be compared or checked, so the run could not tell whether it is healthy';

export function verifiesNothing({ plan, verdict, coverage, wouldBegin }: Preview): boolean {
  const comparesNothing = !plan.automatic || coverage?.compared.length === 0;
  return wouldBegin && verdict?.checks.length === 0 && comparesNothing;
}

/** Where, with which restore point, and by which rules. */
export function describePlanned({ plan, wasRunning, pool, pause, disks }: Preview): string[] {
  return [
    `  in ${plan.instance} (project ${plan.project}), which ${wasRunning ? 'is running' : 'is stopped and would be started for the run'}`,
    `  restore point: ${neutralise(plan.restorePoint.name)}${pool ? `, on pool ${pool.name} (${pool.driver})` : ''}, ${describeRetention(plan.restorePoint)}`,
    ...(pause === null ? [] : [`  ${neutralise(pause)}`]),
    ...(plan.stopFirst && wasRunning
      ? ['  the instance would be stopped for its restore point, and started again']
      : []),
    ...disks.own.map(({ pool, volume }) => `  also covered: volume ${neutralise(volume)} of pool ${neutralise(pool)}`),
    ...disks.uncovered.map(({ device, path, message }) =>
      neutralise(`  not covered: disk ${device} at ${path}: ${message}`),
    ),
    ...plan.pushes.map((push) => `  copied before the command: ${neutralise(push.local)}, ${describePushes([push])}`),
    `  limits: command ${formatLimit(plan.limits.commandMs)}, without output ${formatLimit(plan.limits.idleMs)}, healthy within ${formatDuration(plan.limits.verifyMs)}, then healthy for ${formatDuration(plan.limits.soakMs)}`,
    ...confirmationLines(plan),
    `  on failure: ${describePolicies(plan.onFailure)}`,
    ...hookLines(plan, wasRunning),
    ...(plan.restart ? ['  the instance would be restarted before the verdict'] : []),
  ];
}

/** The last sentence. */
export function describeAdmission({ verdict, wouldBegin }: Pick<Preview, 'verdict' | 'wouldBegin'>): string {
  return wouldBegin
    ? `The run would start${verdict === null ? ', unless the instance is unhealthy after its start' : ''}.`
    : `The run would be refused, because ${verdict?.verdict === 'inconclusive' ? 'the health of the instance cannot be determined' : 'the instance is unhealthy'} (--allow-unhealthy starts it anyway).`;
}

/** How many packages are named. */
const mostPackages = 200;

function packageLines(preview: PackagePreview): string[] {
  if (!preview.known) return [neutralise(preview.message, 1000)];
  const { manager, packages } = preview;
  if (packages.length === 0) return [`${manager} would change no package`];
  return [
    `${manager} would change ${packages.length} ${packages.length === 1 ? 'package' : 'packages'}:`,
    ...packages.slice(0, mostPackages).map((one) => `  ${neutralise(formatPackageChange(one))}`),
    ...(packages.length > mostPackages ? [`  and ${packages.length - mostPackages} more`] : []),
  ];
}

function hookLines({ hooks }: Plan, wasRunning: boolean): string[] {
  return lifecycleMoments.flatMap((moment) =>
    (hooks[moment] ?? []).map(({ kind, command, timeoutMs }) => {
      const where = kind === 'exec' ? 'inside' : 'on this host';
      const leftOut = !wasRunning && moment.endsWith('RestorePoint') ? ', skipped: the instance is not running' : '';
      const words = neutralise(shellWords(command), 300);
      return `  hook ${moment}, ${where}, within ${formatDuration(timeoutMs)}: ${words}${leftOut}`;
    }),
  );
}

function confirmationLines({ confirmation }: Plan): string[] {
  if (confirmation === null) return [];
  return [
    `  a healthy change would wait ${formatDuration(confirmation.ms)} for a confirmation, and would be rolled back without one`,
  ];
}

/** What becomes of the restore point when the change is kept. */
function describeRetention({ keep, named, expiresMs }: Plan['restorePoint']): string {
  if (keep === 0 && !named) return 'removed when the change is kept';
  const stay = expiresMs === null ? 'kept without a time limit' : `kept for ${formatDuration(expiresMs)}`;
  // A name of the user's own does not count among guard's.
  return named ? stay : `${stay} or until ${keep} newer ${keep === 1 ? 'one exists' : 'ones exist'}`;
}

function describePolicies(onFailure: Plan['onFailure']): string {
  const policies = Object.entries(onFailure);
  const [first] = policies;
  if (first && policies.every(([, policy]) => policy === first[1])) return first[1];
  return policies.map(([cause, policy]) => `${cause} ${policy}`).join(', ');
}

function formatLimit(ms: number | null): string {
  return ms === null ? 'unlimited' : formatDuration(ms);
}
