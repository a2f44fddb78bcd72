import type { Changes } from '../event.ts';
import type { PackagePreview } from '../run/packages/preview.ts';

type PackageChange = Changes['packages'][number];

/** How the change of the real run would differ from the rehearsed one, one sentence a difference; empty for not at all. */
export function driftBetween(rehearsed: PackagePreview, real: PackagePreview): readonly string[] {
  // Where the package manager cannot say what it would do, nobody can tell a difference.
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
