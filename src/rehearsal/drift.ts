import type { Changes, RecordedEvent } from '../event.ts';
import type { PackagePreview } from '../run/packages/preview.ts';

type PackageChange = Changes['packages'][number];

/** How the change of the real run would differ from the rehearsed one, one sentence a difference; empty for not at all. */
export function driftBetween(rehearsed: PackagePreview, real: PackagePreview): readonly string[] {
  // Then `noticesBefore` says so.
  if (!rehearsed.known || !real.known) return [];
  return driftOfPackages(rehearsed.packages, real.packages);
}

/** The same for what two runs did, or would do, to the packages. */
export function driftOfPackages(
  rehearsed: readonly PackageChange[],
  real: readonly PackageChange[],
): readonly string[] {
  const before = byName(rehearsed);
  const after = byName(real);
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().flatMap((name) => {
    const then = before.get(name);
    const now = after.get(name);
    if (then === undefined) return [`${name} ${describeChange(now)} now, but not in the rehearsal`];
    if (now === undefined) return [`${name} ${describeChange(then)} in the rehearsal, but not now`];
    if (then.to === now.to) return [];
    return [`${name} ${describeChange(now)} now, but ${describeChange(then)} in the rehearsal`];
  });
}

/** Without the architecture, which simulations leave out for the instance's own. */
function byName(packages: readonly PackageChange[]): ReadonlyMap<string, PackageChange> {
  return new Map(packages.map((change) => [change.name, change]));
}

function describeChange(change: PackageChange | undefined): string {
  if (change === undefined) return 'changes';
  return change.to === null ? 'goes away' : `becomes ${change.to}`;
}

export type DriftNotice = Pick<Extract<RecordedEvent, { readonly type: 'notice' }>, 'level' | 'message'>;

/** What a run that follows its rehearsal says of the two before its change: --allow-drift let the difference pass, or nobody can tell it. */
export function noticesBefore(rehearsed: PackagePreview, real: PackagePreview): readonly DriftNotice[] {
  const drift = driftBetween(rehearsed, real);
  if (drift.length > 0)
    return [
      warning(
        `The change differs from the rehearsed one: ${describeDrift(drift)}. It is run because of --allow-drift.`,
      ),
    ];
  const unknown = real.known ? (rehearsed.known ? null : `on the copy, ${rehearsed.message}`) : real.message;
  return unknown === null
    ? []
    : [{ level: 'info', message: `The change cannot be compared with the rehearsed one: ${unknown}` }];
}

/** What it says after its change. */
export function noticesOfChanges(rehearsed: Changes, changes: Changes): readonly DriftNotice[] {
  const drift = driftOfPackages(rehearsed.packages, changes.packages);
  return drift.length === 0
    ? []
    : [warning(`The run changed other packages than the rehearsal: ${describeDrift(drift)}.`)];
}

function warning(message: string): DriftNotice {
  return { level: 'warning', message };
}

const mostDrift = 10;

export function describeDrift(drift: readonly string[]): string {
  const rest = drift.length - mostDrift;
  return [...drift.slice(0, mostDrift), ...(rest > 0 ? [`${rest} more`] : [])].join('; ');
}
